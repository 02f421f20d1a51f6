package reconcile

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// worn makes a replica whose logs are worn: keys were written again and deleted, tombstones
// were collected, and above what is told of an origin there are entries that wait.
func worn(t *testing.T, rng *rand.Rand) *replica {
	r := newReplica()
	for id := codec.OriginID(1); id <= 12; id++ {
		o, st := r.Add(id, 1, fmt.Append(nil, "origin", id))
		if st != state.OK {
			t.Fatal(st)
		}
		keys, top := 1+rng.IntN(6), 2+rng.Uint64N(150)
		for v := uint64(1); v <= top; v++ {
			e := codec.Entry{Version: v, Key: fmt.Append(nil, "key", rng.IntN(keys)), Value: []byte("value")}
			if rng.IntN(4) == 0 || v+6 > top {
				e.Flags, e.Value = codec.EntryTombstone, nil
			}
			if rng.IntN(3) != 0 { // the others are versions that say nothing
				r.Apply(o, &e)
			}
		}
		r.Advance(o, top-rng.Uint64N(min(top-1, 9)), 0)
		if rng.IntN(2) == 0 {
			r.Collect(o, r.Max(o))
		}
	}
	for r.Clear(1000) {
	}
	return r
}

// TestALackIsAnswered: who lacks something and asks gets an answer that brings them on, in
// every order and within every budget, whatever is left of the log above what they have.
func TestALackIsAnswered(t *testing.T) {
	seed := rand.Uint64()
	defer func() {
		if t.Failed() {
			t.Log("seed", seed)
		}
	}()
	rng := rand.New(rand.NewPCG(seed, 0))
	for round := range 60 {
		p, q := worn(t, rng), newReplica()
		for id := codec.OriginID(1); id <= 12; id++ {
			o, st := q.Add(id, 1, fmt.Append(nil, "origin", id))
			if st != state.OK {
				t.Fatal(st)
			}
			top := p.Max(p.Find(id))
			q.Advance(o, top-rng.Uint64N(min(top, 1+rng.Uint64N(100))), 0) // not 0: that takes an introduction
		}
		order, limit, deltas := tune.Order(round%3), 60+rng.IntN(800), -1
		if rng.IntN(2) == 0 {
			deltas = 1 + rng.IntN(20)
		}
		for turn := 0; lacks(p, q); turn++ {
			before := reached(q)
			if reply(t, p, q, order, limit, deltas); reached(q) == before {
				t.Fatalf("order %d, frames of %d, %d entries: question %d has no answer", order, limit, deltas, turn+1)
			}
		}
	}
}

// lacks reports whether q has less of some origin than p.
func lacks(p, q *replica) bool { return reached(q) < reached(p) }

func reached(r *replica) (sum uint64) {
	for id := codec.OriginID(1); id <= 12; id++ {
		sum += r.Max(r.Find(id))
	}
	return sum
}

// reply lets p answer a digest of q.
func reply(t *testing.T, p, q *replica, order tune.Order, limit, deltas int) {
	t.Helper()
	window, _, _ := AppendWindow(nil, 1<<15, &q.Store, 0, codec.DigestWantRuns)
	var d codec.Digest
	_, body, _ := codec.NextRecord(window)
	if err := codec.ParseDigest(body, &d); err != nil {
		t.Fatal(err)
	}
	var j Job
	j.Init(64)
	j.Reset(100, deltas)
	(&View{Store: &p.Store}).Compare(&d, &j, nil)
	j.Arrange(order, 0)
	for !j.Done() {
		b, _ := p.f.Fill(nil, limit, &j, order)
		if len(b) == 0 {
			return
		}
		q.take(t, b)
	}
}
