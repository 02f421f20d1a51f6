package compare

import (
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
	"pgregory.net/rapid"
)

func TestRecentListThenPeelBack(t *testing.T) {
	var r Recent
	r.Init(10)
	for h := uint32(1); h <= 8; h++ {
		r.Changed(h, sched.Instant(h)*10)
	}
	r.Changed(2, 90)
	var dst [3]uint32
	var p Peel
	f := func(n int, want ...uint32) {
		t.Helper()
		if got := dst[:n]; !slices.Equal(got, want) {
			t.Errorf("got %v, want %v", got, want)
		}
	}
	f(r.Since(&p, 65, dst[:]), 2, 8, 7) // changed at 65 or later
	f(r.Since(&p, 65, dst[:]))
	f(r.Next(&p, dst[:]), 6, 5, 4)
	r.Changed(4, 100) // the place of the walk moves away
	r.Forget(3)
	f(r.Next(&p, dst[:]), 1)
	f(r.Next(&p, dst[:]))
	if r.Len() != 7 {
		t.Errorf("%d in the list", r.Len())
	}
}

func TestActivityOrder(t *testing.T) {
	var a Activity
	a.Init(5)
	for h := uint32(1); h <= 4; h++ {
		a.Arrived(h)
	}
	a.Useful(1)
	a.Useful(5) // was never here
	var dst [5]uint32
	if n := a.Next(new(Peel), dst[:]); !slices.Equal(dst[:n], []uint32{1, 4, 3, 2}) {
		t.Errorf("got %v", dst[:n])
	}
	a.Forget(4)
	if n := a.Next(new(Peel), dst[:2]); !slices.Equal(dst[:n], []uint32{1, 3}) || a.Len() != 3 {
		t.Errorf("got %v", dst[:n])
	}
}

// The order against a slice, and a peel that meets all that did not move.
func TestOrderModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const handles = 7
		var a Activity
		a.Init(handles)
		var model []uint32
		drop := func(h uint32) {
			model = slices.DeleteFunc(model, func(x uint32) bool { return x == h })
		}
		var p Peel
		var given, wanted []uint32 // of the peel that runs
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			h := rapid.Uint32Range(1, handles).Draw(t, "handle")
			switch rapid.IntRange(0, 3).Draw(t, "call") {
			case 0:
				a.Arrived(h)
				drop(h)
				model = slices.Insert(model, 0, h)
				wanted = slices.DeleteFunc(wanted, func(x uint32) bool { return x == h })
			case 1:
				a.Forget(h)
				drop(h)
				wanted = slices.DeleteFunc(wanted, func(x uint32) bool { return x == h })
			case 2:
				p, given, wanted = Peel{}, nil, slices.Clone(model)
			case 3:
				var dst [2]uint32
				n := a.Next(&p, dst[:])
				given = append(given, dst[:n]...)
				for _, g := range dst[:n] {
					if len(wanted) > 0 && wanted[0] == g {
						wanted = wanted[1:]
					}
				}
				if n == 0 && len(wanted) > 0 && len(given) > 0 {
					t.Fatalf("the walk ended without %v", wanted)
				}
			}
			var all [handles]uint32
			if n := a.Next(new(Peel), all[:]); !slices.Equal(all[:n], model) || a.Len() != len(model) {
				t.Fatalf("order %v, model %v", all[:n], model)
			}
		}
	})
}

func TestUpdatesLeastCountFirst(t *testing.T) {
	var u Updates
	u.Init(5, 3)
	for h := uint32(1); h <= 3; h++ {
		u.Add(h)
	}
	var dst [1]uint32
	take := func(want uint32) {
		t.Helper()
		if n := u.Take(dst[:]); n != 1 || dst[0] != want {
			t.Errorf("took %v (%d), want %d", dst, n, want)
		}
	}
	take(1)
	u.Feedback(1, false)
	take(2)
	u.Feedback(2, true) // needed: count stays, but its turn is over
	take(3)
	u.Feedback(3, false)
	take(2)
	for i, leaves := range []bool{false, false, true, false} { // after three useless sends
		if u.Feedback(2, false) != leaves {
			t.Errorf("useless send %d: leaves is not %v", i+1, leaves)
		}
	}
	if u.Len() != 2 || u.Has(2) {
		t.Error("it is still in the list")
	}
	u.Add(1) // newer: starts over
	take(1)
	u.Forget(1)
	u.Forget(3)
	if u.Len() != 0 || u.Take(dst[:]) != 0 {
		t.Error("not empty")
	}
	u.Feedback(4, false) // was never in
}

func TestAnswerIncrementsFirst(t *testing.T) {
	f := func(equal bool, updates, turn int, want Reply) {
		t.Helper()
		if got := Answer(equal, updates, turn); got != want {
			t.Errorf("Answer(%v, %d, %d) = %d, want %d", equal, updates, turn, got, want)
		}
	}
	f(true, 3, 0, Agreed)
	f(false, 3, 1, Increment)
	f(false, 0, 1, Full)
	f(false, 3, TurnsMax, GiveUp)
}

func TestOrdersAllocate(t *testing.T) {
	var r Recent
	var a Activity
	var u Updates
	r.Init(100)
	a.Init(100)
	u.Init(100, UpdatesLimitDefault)
	var dst [8]uint32
	i := uint32(0)
	if n := testing.AllocsPerRun(1000, func() {
		i++
		h := i%100 + 1
		r.Changed(h, sched.Instant(i))
		a.Arrived(h)
		u.Add(h)
		var p Peel
		r.Since(&p, 0, dst[:])
		a.Next(&p, dst[:])
		for _, h := range dst[:u.Take(dst[:])] {
			u.Feedback(h, false)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkActivity(b *testing.B) {
	var a Activity
	a.Init(10000)
	var dst [32]uint32
	b.ReportAllocs()
	i := uint32(0)
	for b.Loop() {
		i++
		a.Arrived(i*7919%10000 + 1)
		var p Peel
		a.Next(&p, dst[:])
	}
}
