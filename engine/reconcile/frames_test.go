package reconcile

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// answer gives the entries of each origin in an answer of several frames.
func answer(t *testing.T, order tune.Order, limit, deltas int, whole bool) map[codec.OriginID]int {
	t.Helper()
	p, q, _ := world(t)
	window, _, _ := AppendWindow(nil, 1<<15, &q.Store, 0, codec.DigestWantRuns)
	var d codec.Digest
	_, body, _ := codec.NextRecord(window)
	if err := codec.ParseDigest(body, &d); err != nil {
		t.Fatal(err)
	}
	var j Job
	j.Init(64)
	j.Reset(100, deltas)
	j.Whole = whole
	(&View{Store: &p.Store}).Compare(&d, &j, nil)
	j.Arrange(order, 0)
	got := map[codec.OriginID]int{}
	for frames := 0; !j.Done(); frames++ {
		if frames > 100 {
			t.Fatal("no end")
		}
		b, _ := p.f.Fill(nil, limit, &j, order)
		for len(b) > 0 {
			_, body, b = codec.NextRecord(b)
			var r codec.Run
			if err := codec.ParseRun(body, &r); err != nil {
				t.Fatal(err)
			}
			got[r.ID] += r.Count
		}
	}
	return got
}

// TestBreadthKeepsItsRankAcrossFrames: a limit of 50 entries over 20 origins
// gives every one two or three, in however many frames they go, or all it has.
func TestBreadthKeepsItsRankAcrossFrames(t *testing.T) {
	for _, limit := range []int{150, 300, 10000} {
		got := answer(t, tune.OrderBreadth, limit, 50, false)
		sum := 0
		for id := codec.OriginID(1); id <= 20; id++ {
			n := got[id]
			sum += n
			if has := int(id*3 - id*3/2); n > 3 || n < min(2, has) {
				t.Errorf("limit %d: origin %d has %d of %d", limit, id, n, has)
			}
		}
		if sum != 50 {
			t.Errorf("limit %d: %d entries", limit, sum)
		}
	}
}

// TestDepthEndsWithAWholeOrigin: the limit cuts the last origin, or is exceeded.
func TestDepthEndsWithAWholeOrigin(t *testing.T) {
	for _, limit := range []int{150, 300, 10000} {
		got := answer(t, tune.OrderDepth, limit, 50, false)
		if len(got) != 2 || got[20] != 30 || got[19] != 20 {
			t.Errorf("limit %d: %v", limit, got)
		}
		got = answer(t, tune.OrderDepth, limit, 50, true)
		if len(got) != 2 || got[20] != 30 || got[19] != 29 {
			t.Errorf("limit %d, whole: %v", limit, got)
		}
	}
}

// TestAnAnswerDoesNotAllocate: a window, the comparison with it, the answer and what is
// applied of it, in each order of prefixes.
func TestAnAnswerDoesNotAllocate(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderDepth, tune.OrderBreadth} {
		p, q, missing := world(t)
		var d codec.Digest
		var r codec.Run
		var it codec.RunIter
		var j Job
		j.Init(64)
		ask, frame := make([]byte, 0, 1<<15), make([]byte, 0, 1200)
		view, sent := View{Store: &p.Store}, 0
		one := func() {
			window, _, _ := AppendWindow(ask, 1<<15, &q.Store, 0, codec.DigestWantRuns)
			_, body, _ := codec.NextRecord(window)
			if err := codec.ParseDigest(body, &d); err != nil {
				t.Fatal(err)
			}
			j.Reset(100, 10)
			view.Compare(&d, &j, nil)
			j.Arrange(order, 1)
			b, n := p.f.Fill(frame, 1200, &j, order)
			sent += n
			for len(b) > 0 {
				_, body, b = codec.NextRecord(b)
				if err := codec.ParseRun(body, &r); err != nil {
					t.Fatal(err)
				}
				Apply(&q.Store, q.Find(r.ID), &r, &it)
			}
		}
		one()
		if n := testing.AllocsPerRun(20, one); n != 0 || sent < 100 || sent > missing {
			t.Errorf("order %d: %v allocations for %d entries of %d", order, n, sent, missing)
		}
	}
}

// In frames that hold few origins each has its turn before anybody has
// a third one.
func TestFairGoesOnWhereItEnded(t *testing.T) {
	p := newReplica()
	var j Job
	j.Init(16)
	j.Reset(100, -1)
	for id := codec.OriginID(1); id <= 12; id++ {
		kv := map[string]uint64{}
		for v := range uint64(100) {
			kv[fmt.Sprint("key", v)] = v + 1
		}
		p.put(t, id, kv)
		j.Add(Want{ID: id, Origin: p.Find(id), From: 1, Missing: 99})
	}
	turns := map[codec.OriginID]int{}
	for range 12 {
		b, _ := p.f.Fill(nil, 450, &j, tune.OrderFair)
		for _, body, rest := codec.NextRecord(b); body != nil; _, body, rest = codec.NextRecord(rest) {
			var r codec.Run
			if err := codec.ParseRun(body, &r); err != nil {
				t.Fatal(err)
			}
			turns[r.ID]++
		}
		least, most := 100, 0
		for id := codec.OriginID(1); id <= 12; id++ {
			least, most = min(least, turns[id]), max(most, turns[id])
		}
		if most > least+2 {
			t.Fatalf("turns by origin: %v", turns)
		}
	}
}
