package precise

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

type preciseReplica struct {
	s state.Store
	f reconcile.Filler
	x keywise
}

func newPrecise(order tune.Order, compare func(a, b *tune.Candidate) int) *preciseReplica {
	r := new(preciseReplica)
	r.s.Init(state.LimitsDefault(), 1)
	r.s.PrintKeys()
	r.f.Init(&r.s, silent{}, 1)
	r.x.Init(&reconcile.View{Store: &r.s}, &r.f, order, compare)
	return r
}

func (r *preciseReplica) put(id codec.OriginID, key string, v uint64) {
	o, _ := r.s.Add(id, 1, fmt.Append(nil, "origin", id))
	r.s.ApplyAny(o, &codec.Entry{Version: v, Key: []byte(key), Value: []byte("value"), Flags: codec.EntryStamp, Stamp: int64(v)})
}

// compareAll gives what b's digest makes a find, in windows of random sizes.
func compareAll(t *testing.T, rng *rand.Rand, a, b *preciseReplica, runs, pulls *list) (frames int) {
	t.Helper()
	var it codec.PreciseIter
	var d codec.PreciseDigest
	for end := false; !end; frames++ {
		var w []byte
		if w, end = b.x.AppendWindow(nil, 300+rng.IntN(1000), codec.DigestOffer, false); w == nil {
			t.Fatal("no window")
		}
		_, body, _ := codec.NextRecord(w)
		if err := codec.ParsePreciseDigest(body, &d, &it); err != nil {
			t.Fatal(err)
		}
		a.x.Compare(&d, runs, pulls)
	}
	return frames
}

func names(l *list) (out []string) {
	for _, it := range l.items[l.next:] {
		out = append(out, fmt.Sprint(it.ID, "/", it.Version))
	}
	slices.Sort(out)
	return out
}

// TestPreciseCompareIsExact holds the windows of random replicas against two
// maps.
func TestPreciseCompareIsExact(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rng := rand.New(rand.NewPCG(seed, 0))
	for range 100 {
		a, b := newPrecise(tune.OrderPreciseNewest, nil), newPrecise(tune.OrderPreciseNewest, nil)
		type place struct {
			id  codec.OriginID
			key string
		}
		has := [2]map[place]uint64{{}, {}}
		knows := [2]map[codec.OriginID]bool{{}, {}}
		versions := map[codec.OriginID]uint64{}
		long := strings.Repeat("x", rng.IntN(60))
		many := 1 + rng.IntN(60)
		for range rng.IntN(1500) {
			p := place{codec.OriginID(1+rng.IntN(12)) << 60 >> rng.IntN(2), ""}
			p.key = fmt.Sprint(long, rng.IntN(many))
			versions[p.id]++
			for i, r := range []*preciseReplica{a, b} {
				if rng.IntN(10) < 9 {
					r.put(p.id, p.key, versions[p.id])
					has[i][p], knows[i][p.id] = versions[p.id], true
				}
			}
		}
		var wantRuns, wantPulls []string
		for p, v := range has[0] {
			if has[1][p] < v {
				wantRuns = append(wantRuns, fmt.Sprint(p.id, "/", v))
			}
		}
		for p, v := range has[1] {
			if has[0][p] < v && knows[0][p.id] {
				wantPulls = append(wantPulls, fmt.Sprint(p.id, "/", v))
			}
		}
		for id := range versions {
			if knows[0][id] && !knows[1][id] {
				wantRuns = append(wantRuns, fmt.Sprint(id, "/0"))
			}
			if knows[1][id] && !knows[0][id] {
				wantPulls = append(wantPulls, fmt.Sprint(id, "/0"))
			}
		}
		slices.Sort(wantRuns)
		slices.Sort(wantPulls)
		var runs, pulls list
		runs.Init(4096)
		pulls.Init(4096)
		runs.Reset(1, -1)
		pulls.Reset(1, -1)
		compareAll(t, rng, a, b, &runs, &pulls)
		if got := names(&runs); !slices.Equal(got, wantRuns) {
			t.Fatalf("runs %v\nwant %v", got, wantRuns)
		}
		// An origin that is unknown here, and whose keys span two windows, is asked
		// for at each of them: windows stand alone.
		if got := slices.Compact(names(&pulls)); !slices.Equal(got, wantPulls) {
			t.Fatalf("pulls %v\nwant %v", got, wantPulls)
		}
	}
}

// TestKeysOfALargeOrigin: more keys than are sorted at a time come in order.
func TestKeysOfALargeOrigin(t *testing.T) {
	r := newPrecise(tune.OrderPreciseNewest, nil)
	var want []string
	rng := rand.New(rand.NewPCG(1, 1))
	for i, k := range rng.Perm(5*sortedMax + 7) {
		want = append(want, fmt.Sprintf("k%d", k))
		r.put(1, want[i], uint64(i+1))
	}
	slices.Sort(want)
	for _, from := range []int{-1, 0, 1, sortedMax, 3000, len(want) - 1} {
		after := []byte(nil)
		if from >= 0 {
			after = []byte(want[from])
		}
		k := &r.x.keys
		k.start(1, codec.VersionMax, after)
		for _, key := range want[from+1:] {
			h, ok := k.peek()
			if !ok || string(h.key) != key {
				t.Fatalf("after %s: want %s", after, key)
			}
			k.take()
		}
		if _, ok := k.peek(); ok {
			t.Fatal("more keys than there are")
		}
	}
}

// TestListKeepsTheFirst: an overflowing list keeps what its order puts first.
func TestListKeepsTheFirst(t *testing.T) {
	r := newPrecise(tune.OrderPreciseOldest, nil)
	for v := range uint64(100) {
		r.put(1, fmt.Sprint("k", v), 1+(v*37)%100)
	}
	var l list
	l.Init(10)
	l.Reset(100, -1)
	o := r.s.Find(1)
	for v := uint64(1); v <= 100; v++ {
		u := 1 + (v*61)%100
		r.x.offer(&l, o, u, int64(u), false)
	}
	r.x.Arrange(&l)
	for i := range 10 {
		if l.items[i].Version != uint64(i+1) {
			t.Fatalf("%v", l.items)
		}
	}
	frame, n := r.x.Fill(nil, 100, &l)
	var run codec.Run
	_, body, rest := codec.NextRecord(frame)
	if err := codec.ParsePreciseRun(body, &run); err != nil || run.Count < 3 || len(rest) > 0 || n != run.Count {
		t.Errorf("%v: %d entries", err, run.Count)
	}
}

// TestPullWhileDraining: what is added behind the first frames is not lost.
func TestPullWhileDraining(t *testing.T) {
	var l list
	l.Init(2000)
	l.Reset(100, -1)
	want := map[string]bool{}
	r := newPrecise(tune.OrderPreciseNewest, nil)
	got := map[string]int{}
	for i := range 1000 {
		it := item{ID: codec.OriginID(1 + i%7), Version: uint64(1 + i)}
		l.ask(it)
		l.ask(it) // twice, from two windows
		want[fmt.Sprint(it.ID, "/", it.Version)] = true
		if i%300 != 299 {
			continue
		}
		b := r.x.AppendPull(nil, 400, &l)
		countPulls(t, b, got)
	}
	for l.Len() > 0 {
		countPulls(t, r.x.AppendPull(nil, 400, &l), got)
	}
	for k := range want {
		if got[k] != 1 {
			t.Fatalf("%s is asked for %d times", k, got[k])
		}
	}
}

func countPulls(t *testing.T, b []byte, got map[string]int) {
	t.Helper()
	_, body, _ := codec.NextRecord(b)
	var p codec.PrecisePull
	if err := codec.ParsePrecisePull(body, &p); err != nil {
		t.Fatal(err)
	}
	it := p.Groups()
	for id, _, ok := it.Origin(); ok; id, _, ok = it.Origin() {
		for v, ok := it.Version(); ok; v, ok = it.Version() {
			got[fmt.Sprint(id, "/", v)]++
		}
	}
}

// BenchmarkPreciseExchange is a digest of the paper's size, 128 origins of 64
// keys, encoded, parsed and compared.
func BenchmarkPreciseExchange(b *testing.B) {
	a, p := newPrecise(tune.OrderPreciseOldest, nil), newPrecise(tune.OrderPreciseOldest, nil)
	for id := range codec.OriginID(128) {
		for k := range uint64(64) {
			a.put(1+id<<50, fmt.Sprint("k", k), 100+k*7%64)
			p.put(1+id<<50, fmt.Sprint("k", k), 100+k*7%64)
		}
	}
	var runs, pulls list
	runs.Init(512)
	pulls.Init(512)
	var it codec.PreciseIter
	var d codec.PreciseDigest
	buf := make([]byte, 0, codec.FrameBytesMax)
	frames, size := 0, 0
	b.ReportAllocs()
	for b.Loop() {
		for end := false; !end; frames++ {
			var w []byte
			w, end = p.x.AppendWindow(buf, codec.FrameBytesDefault-64, codec.DigestOffer, false)
			_, body, _ := codec.NextRecord(w)
			if codec.ParsePreciseDigest(body, &d, &it) != nil {
				b.Fatal("parse")
			}
			a.x.Compare(&d, &runs, &pulls)
			size += len(w)
		}
	}
	b.ReportMetric(float64(frames)/float64(b.N), "frames")
	b.ReportMetric(float64(size)/float64(b.N), "bytes")
	if runs.Len()+pulls.Len() > 0 {
		b.Fatal("they differ")
	}
}

// TestAnAuthorsOwnIsFetched: a key that is not here, of a version that was seen, was written again or
// deleted, as far as others know. Where its author lists it, something was forged in its place: it is
// fetched from there. Up to the author's floor it was deleted.
func TestAnAuthorsOwnIsFetched(t *testing.T) {
	for _, c := range []struct {
		what   string
		author bool
		floor  uint64
		want   string
	}{{"another one lists it", false, 0, "[]"}, {"its author lists it", true, 0, "[7/2]"}, {"below the floor", true, 2, "[]"}, {"above the floor", true, 1, "[7/2]"}} {
		a, b := newPrecise(tune.OrderPreciseNewest, nil), newPrecise(tune.OrderPreciseNewest, nil)
		for _, r := range []*preciseReplica{a, b} {
			r.put(7, "first", 1)
			r.put(7, "third", 3)
		}
		b.put(7, "second", 2)
		a.put(7, "forged", 2)
		o := a.s.Find(7)
		a.s.Advance(o, 3, c.floor)
		if c.author {
			a.x.author = o
		}
		var runs, pulls list
		runs.Init(64)
		pulls.Init(64)
		runs.Reset(1, -1)
		pulls.Reset(1, -1)
		compareAll(t, rand.New(rand.NewPCG(1, 1)), a, b, &runs, &pulls)
		if got := fmt.Sprint(names(&pulls)); got != c.want {
			t.Errorf("%s: asks for %s, want %s", c.what, got, c.want)
		}
	}
}
