package load

import (
	"math/rand/v2"
	"testing"
)

const testHandleBase = 1

// follow drives a tracker with one write and reports from the given nodes.
func TestTrackerThresholds(t *testing.T) {
	tr := newTracker(6, 8, testClock) // 5 others: half is 3, 99 % and all are 5
	tr.identify([]uint64{10, 11, 12, 13, 14, 15})
	s, ok := tr.expect(0, 7, 1000)
	if !ok {
		t.Fatal("no room for a sample")
	}
	for step, node := range []int{0, 3, 3, 1, 5, 2, 4} {
		tr.advanced(node, testHandleBase, 10, 7, int64(2000+step))
	}
	if s.halfAt != 2004 || s.mostAt != 2006 || s.allAt != 2006 {
		t.Errorf("half %d, 99 %% %d, all %d; want 2004, 2006, 2006", s.halfAt, s.mostAt, s.allAt)
	}
}

func TestTrackerCountsOnePerTurn(t *testing.T) {
	tr := newTracker(2, 8, testClock)
	tr.identify([]uint64{10, 11})
	a, _ := tr.expect(0, 1, 0)
	b, _ := tr.expect(0, 4, 0)
	c, _ := tr.expect(0, 5, 0)
	tr.advanced(1, 3, 10, 4, 100) // one jump covers two samples
	if a.allAt != 100 || b.allAt != 100 || c.seen.Load() != 0 {
		t.Errorf("times %d %d, seen %d; want 100 100 0", a.allAt, b.allAt, c.seen.Load())
	}
	if got := tr.behind([]uint64{5, 0}); got != 1 {
		t.Errorf("%d pairs behind, want 1", got)
	}
	tr.advanced(1, 3, 10, 5, 200)
	if got := tr.behind([]uint64{5, 0}); got != 0 {
		t.Errorf("%d pairs behind, want 0", got)
	}
}

func TestTrackerIgnoresStrangersAndReusedHandles(t *testing.T) {
	tr := newTracker(3, 8, testClock)
	tr.advanced(1, 1, 10, 4, 100) // before identify
	tr.identify([]uint64{10, 11, 12})
	tr.advanced(1, 1, 99, 4, 100) // nobody's origin
	tr.advanced(1, 1, 10, 4, 100)
	tr.advanced(1, 1, 12, 6, 100) // the handle now stands for another origin
	tr.advanced(1, 1<<30, 10, 5, 100)
	if a, b := tr.views[1].seen[0].Load(), tr.views[1].seen[2].Load(); a != 5 || b != 6 {
		t.Errorf("seen %d and %d, want 5 and 6", a, b)
	}
}

func TestTrackerAgainstModel(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 1))
	const nodes, writes = 9, 400
	tr := newTracker(nodes, writes, testClock)
	ids := make([]uint64, nodes)
	for i := range ids {
		ids[i] = uint64(100 + i)
	}
	tr.identify(ids)
	var version [nodes]uint64
	var holds [nodes][nodes]uint64
	reached := map[*sample][]int64{} // times at which another node first held it, in order
	owner := map[*sample]int{}
	for now := int64(1); now < 5000; now++ {
		origin, node := r.IntN(nodes), r.IntN(nodes)
		if r.IntN(4) == 0 && len(reached) < writes {
			version[origin]++
			if s, ok := tr.expect(origin, version[origin], now); ok {
				reached[s], owner[s] = nil, origin
			}
		}
		if node == origin || holds[node][origin] == version[origin] {
			continue
		}
		holds[node][origin] += 1 + r.Uint64N(version[origin]-holds[node][origin])
		for s, o := range owner {
			if o == origin && s.version <= holds[node][origin] && s.version > tr.views[node].seen[origin].Load() {
				reached[s] = append(reached[s], now)
			}
		}
		tr.advanced(node, uint32(origin+1), ids[origin], holds[node][origin], now)
	}
	for s, times := range reached {
		want := func(k uint32) int64 {
			if len(times) < int(k) {
				return 0
			}
			return times[k-1]
		}
		if s.halfAt != want(4) || s.allAt != want(8) {
			t.Fatalf("origin %d version %d: half %d all %d, model %v", owner[s], s.version, s.halfAt, s.allAt, times)
		}
	}
}

func TestTrackerAllocatesNothing(t *testing.T) {
	tr := newTracker(4, 5000, testClock)
	tr.identify([]uint64{1, 2, 3, 4})
	version := uint64(0)
	step := func() {
		version++
		tr.expect(0, version, 1)
		for node := range 4 {
			tr.observe(node, int64(version), 1, 1, version)
		}
	}
	if got := testing.AllocsPerRun(1000, step); got != 0 {
		t.Errorf("%v allocations a write", got)
	}
}

func BenchmarkTrackerObserve(b *testing.B) {
	tr := newTracker(64, 16, testClock)
	ids := make([]uint64, 64)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	tr.identify(ids)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		n++
		tr.observe(int(n&63), int64(n>>9), uint32(n>>6&63)+1, n>>6&63+1, n)
	}
}
