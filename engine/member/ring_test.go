package member

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// slowObservers is who watches a member, by sorting all members on each permutation.
func slowObservers(r *Ring, live func(uint32) bool, subject uint32, want int) (chosen []uint32) {
	var orders [Observers][]uint32
	for i := range orders {
		p := i
		if r.Len() <= PairsMax {
			p = [Observers]int{2, 2, 3, 3, 4, 4, 5, 5}[i]
		}
		for h := range r.ids {
			if r.ids[h] != 0 {
				orders[i] = append(orders[i], uint32(h))
			}
		}
		slices.SortFunc(orders[i], func(a, b uint32) int {
			x, y := r.key40(p, a, r.ids[a]), r.key40(p, b, r.ids[b])
			if x != y {
				return int(min(max(int64(x)-int64(y), -1), 1))
			}
			return int(min(max(int64(r.ids[a]>>1)-int64(r.ids[b]>>1), -1), 1))
		})
		at := slices.Index(orders[i], subject)
		orders[i] = append(slices.Clone(orders[i][at+1:]), orders[i][:at]...)
		if r.Len() <= PairsMax && i%2 == 1 {
			slices.Reverse(orders[i])
		}
	}
	for before := -1; len(chosen) > before && len(chosen) < want; {
		before = len(chosen)
		for p := range orders {
			i := slices.IndexFunc(orders[p], func(h uint32) bool { return live(h) && !slices.Contains(chosen, h) })
			if i >= 0 && len(chosen) < want {
				chosen = append(chosen, orders[p][i])
				orders[p] = orders[p][i+1:]
			}
		}
	}
	return chosen
}

// The ring, changed step by step, agrees with sorting; watching is the inverse of being watched.
func TestRingAgainstSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const most = 40
		var r Ring
		x, cfg := new(Table), quick()
		r.Init(most, [2]uint64{rapid.Uint64().Draw(t, "key"), 1})
		x.Init(&cfg, DefaultLimits(most), &r, 1, testID(1), 1, 1)
		steps := rapid.SliceOfN(rapid.Uint32Range(2, most), 0, 120).Draw(t, "steps")
		now := sched.Instant(1)
		for i, h := range steps {
			now++
			switch {
			case r.ID(h) == 0:
				x.Add(now, h, testID(h))
			case i%3 == 0:
				x.set(now, h, x.Incarnation(h)+1, Status(i/3)%(Left+1), 1)
			case i%3 == 1:
				x.Zone(now, h, uint16(i/3)%4)
			default:
				x.Remove(now, h)
			}
			x.graves.Init([2]uint64{}, 0) // a buried one may come back in this test
		}
		for h := uint32(1); h <= most; h++ {
			if r.ID(h) == 0 {
				continue
			}
			var got [Electors]uint32
			want := slowObservers(&r, x.live, h, Electors)
			if n := x.observers(h, got[:]); !slices.Equal(got[:n], want) {
				t.Fatalf("observers of %d: %v, want %v", h, got[:n], want)
			}
			if r.Find(r.ID(h)) != h {
				t.Fatalf("find %d", h)
			}
		}
		var targets [most]uint32
		got := targets[:x.targets(targets[:])]
		for h := uint32(2); h <= most; h++ {
			should := r.ID(h) != 0 && x.live(h) && slices.Contains(slowObservers(&r, x.live, h, Observers), 1)
			if should != slices.Contains(got, h) {
				t.Fatalf("watches %v: %d ought to be %v", got, h, should)
			}
		}
	})
}

// Handles and the order of joining do not matter.
func TestObserversDependOnIdentifiersOnly(t *testing.T) {
	const n = 50
	var a, b Ring
	a.Init(n, [2]uint64{1, 2})
	b.Init(n, [2]uint64{1, 2})
	for h := uint32(1); h <= n; h++ {
		a.Add(h, testID(h))
		b.Add(h, testID(n+1-h))
	}
	x, y, cfg := new(Table), new(Table), quick()
	x.Init(&cfg, DefaultLimits(n), &a, 1, testID(1), 1, 1)
	y.Init(&cfg, DefaultLimits(n), &b, n, testID(1), 1, 1)
	for h := uint32(1); h <= n; h++ {
		var o, p [Electors]uint32
		x.observers(h, o[:])
		y.observers(n+1-h, p[:])
		for i := range o {
			if a.ID(o[i]) != b.ID(p[i]) {
				t.Fatalf("observer %d of %d differs", i, h)
			}
		}
	}
}

// Each node watches about Observers others, and none many more.
func TestLoadIsEven(t *testing.T) {
	const n = 500
	var r Ring
	r.Init(n, [2]uint64{8, 9})
	for h := uint32(1); h <= n; h++ {
		r.Add(h, testID(h))
	}
	x, cfg := new(Table), quick()
	x.Init(&cfg, DefaultLimits(n), &r, 1, testID(1), 1, 1)
	load := map[uint32]int{}
	for h := uint32(1); h <= n; h++ {
		var o [Observers]uint32
		if x.observers(h, o[:]) != Observers {
			t.Fatalf("%d has too few observers", h)
		}
		for _, w := range o {
			load[w]++
		}
	}
	for h, l := range load {
		if l > Observers+5 {
			t.Errorf("%d watches %d", h, l)
		}
	}
}

func TestRingRefuses(t *testing.T) {
	var r Ring
	r.Init(2, [2]uint64{1, 1})
	f := func(h uint32, id codec.OriginID, want bool) {
		t.Helper()
		if r.Add(h, id) != want {
			t.Errorf("Add(%d, %d) is not %v", h, id, want)
		}
	}
	f(0, 7, false)
	f(3, 7, false)
	f(1, 0, false)
	f(1, 7, true)
	f(1, 8, false)
	f(2, 7, false)
	f(2, 8, true)
	if r.Remove(0) || r.Remove(3) || !r.Remove(1) || r.Remove(1) || r.Len() != 1 {
		t.Error("Remove")
	}
}

// Of members in zones about half of who watches one is of its own zone and some are not, and each
// watches about as many as others do.
func TestHalfOfTheObserversAreNear(t *testing.T) {
	const n, zones = 120, 3
	var r Ring
	r.Init(n, [2]uint64{8, 9})
	x, cfg := new(Table), quick()
	x.Init(&cfg, DefaultLimits(n), &r, 1, testID(1), 1, 1)
	for h := uint32(1); h <= n; h++ {
		if h%2 == 0 {
			x.Zone(1, h, uint16(1+h%zones)) // it is told before it is watched
		}
		if h > 1 {
			x.Add(1, h, testID(h))
		}
		x.Zone(1, h, uint16(1+h%zones))
	}
	near, load := 0, map[uint32]int{}
	for h := uint32(1); h <= n; h++ {
		var o [Observers]uint32
		x.observers(h, o[:])
		home := 0
		for _, w := range o {
			load[w]++
			if r.Zone(w) == r.Zone(h) {
				home++
			}
		}
		if near += home; home < Near-2 || home == Observers {
			t.Errorf("%d of the %d observers of %d are in its zone", home, Observers, h)
		}
	}
	if share := float64(near) / (n * Observers); share < 0.55 || share > 0.8 {
		t.Errorf("%.2f of the observers are near", share)
	}
	for h, l := range load {
		if l > Observers+6 {
			t.Errorf("%d watches %d", h, l)
		}
	}
	for h := uint32(2); h <= n; h++ {
		x.Remove(2, h)
	}
	if x.graves.Init([2]uint64{}, 0); !x.Add(3, 2, testID(2)) || r.Zone(2) != 0 {
		t.Errorf("a handle that is used again is in zone %d", r.Zone(2))
	}
}

// In small clusters nearly all who watch each other are pairs, so that one round of probes serves
// both.
func TestFewMembersWatchInPairs(t *testing.T) {
	for n := uint32(2); n <= PairsMax; n++ {
		pairs, watched := 0, 0
		for key := range uint64(20) {
			var r Ring
			r.Init(PairsMax, [2]uint64{key, 1})
			for h := range n {
				r.Add(h+1, testID(h+1))
			}
			x, cfg := new(Table), quick()
			x.Init(&cfg, DefaultLimits(PairsMax), &r, 1, testID(1), 1, 1)
			observed := map[[2]uint32]bool{}
			for h := uint32(1); h <= n; h++ {
				var o [Observers]uint32
				for _, w := range o[:x.observers(h, o[:])] {
					observed[[2]uint32{w, h}] = true
				}
			}
			for k := range observed {
				if watched++; observed[[2]uint32{k[1], k[0]}] {
					pairs++
				}
			}
		}
		if share := float64(pairs) / float64(watched); share < 0.8 || n <= Observers+1 && share < 1 {
			t.Errorf("%d members: %.2f of those who watch are watched by the other", n, share)
		}
	}
}
