package interval

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

var auditKeys = flag.Int("audit-keys", 50_000, "keys of the audit's test")

const auditPace = 10 * trip

// newAudit makes two nodes of which node 0 audits node 1, and plants differences in node 0.
func newAudit(t *testing.T, r *rand.Rand, keys, planted int) (w *pair, harmed map[int]bool) {
	w = newPair(t, keys)
	n := w.nodes[0]
	n.source = 1
	n.mender.Audit, n.mender.Rand, n.mender.Count = auditPace, new(sched.Rand), new(Audited)
	n.mender.Rand.Seed(r.Uint64())
	n.mender.initAudit(w.now)
	w.nodes[1].mender.Count = new(Audited)
	harmed = map[int]bool{}
	for len(harmed) < planted {
		k := r.IntN(keys)
		if harmed[k] {
			continue
		}
		harmed[k] = true
		if len(harmed)%2 == 0 {
			n.rot(w, k)
		} else {
			n.lose(w, k)
		}
	}
	return w, harmed
}

// rot flips a bit of a value in memory.
func (n *node) rot(w *pair, k int) {
	var e codec.Entry
	if !n.store.Get(n.o, key(k), &e) {
		w.t.Fatal("no such key")
	}
	e.Value[0] ^= 1 // a view
}

// lose makes a key disappear, as a bug would: what lives beside it is said to be all.
func (n *node) lose(w *pair, k int) {
	var e codec.Entry
	n.store.Get(n.o, key(k), &e)
	x := codec.Interval{From: e.Version - 1, To: e.Version}
	if m := n.store.Mend(n.o, &x, &state.Budget{Words: 10, Drops: 1}); m.Removed != 1 {
		w.t.Fatalf("%+v", m)
	}
}

// audit runs until so many passes are over.
func (w *pair) audit(passes uint64) {
	w.t.Helper()
	n, start := w.nodes[0], w.now
	for n.mender.Count.AuditPasses < passes {
		n.mender.Step(w.now)
		w.round()
		if w.now-start > 1000*sched.Second {
			w.t.Fatalf("no pass: %+v, %+v", n.mender.Count, n.mender.audit)
		}
	}
}

// TestAuditFindsWhatWentWrong: 20 planted differences among many keys are found and mended within
// two passes, at less than a byte for each key that is right.
func TestAuditFindsWhatWentWrong(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	w, harmed := newAudit(t, r, *auditKeys, 20)
	n := w.nodes[0]
	start := w.now
	w.audit(1)
	w.sameContents(seed)
	c := *n.mender.Count
	t.Logf("seed %d: %d keys: %d bytes in %d frames, %.1f s at a question in %v: %+v", seed, *auditKeys, w.bytes, w.frames,
		float64(w.now-start)/float64(sched.Second), auditPace, c)
	if c.AuditMissing+c.AuditDamaged != uint64(len(harmed)) || c.AuditForeign+c.AuditRemoved != 0 {
		t.Errorf("seed %d: %+v", seed, c)
	}
	if most := *auditKeys + 20*8000; w.bytes > most {
		t.Errorf("seed %d: %d bytes, at most %d", seed, w.bytes, most)
	}
	w.audit(2)
	if d := *n.mender.Count; d.AuditMissing+d.AuditDamaged != uint64(len(harmed)) || d.AuditEntries < uint64(2**auditKeys-auditStep) {
		t.Errorf("seed %d: after another pass %+v", seed, d)
	}
}

// sameContents fails unless both hold the same, byte by byte.
func (w *pair) sameContents(seed uint64) {
	w.t.Helper()
	a, b := w.nodes[0], w.nodes[1]
	whole := codec.IntervalPull{To: b.store.Max(b.o), Step: codec.VersionMax}
	x := a.store.Contents(a.o, &whole, &state.Budget{Words: 1 << 30})
	y := b.store.Contents(b.o, &whole, &state.Budget{Words: 1 << 30})
	if x != y || a.store.Max(a.o) != b.store.Max(b.o) {
		w.t.Errorf("seed %d: %+v, and the owner has %+v", seed, x, y)
	}
}

// TestAuditBesideWrites: while the owner writes, deletes and collects, and frames are lost, nothing
// is found that is not wrong, and what is wrong is mended.
func TestAuditBesideWrites(t *testing.T) {
	const keys = 3000
	seed := rand.Uint64()
	for run := range uint64(10) {
		r := rand.New(rand.NewPCG(seed, run))
		w, harmed := newAudit(t, r, keys, 5)
		a, b := w.nodes[0], w.nodes[1]
		w.lose = func() bool { return r.IntN(10) == 0 }
		next := w.now
		for a.mender.Count.AuditPasses < 2 {
			if w.now >= next {
				next += 100 * trip
				v := b.store.Max(b.o) + 1
				e := codec.Entry{Version: v, Key: key(r.IntN(keys)), Value: fmt.Append(nil, v)}
				if r.IntN(3) == 0 {
					e.Flags, e.Value = codec.EntryTombstone, nil
				}
				for k := range harmed { // what is written anew is right again
					if string(key(k)) == string(e.Key) {
						delete(harmed, k)
					}
				}
				b.store.Apply(b.o, &e)
				b.store.Advance(b.o, v, 0)
				if r.IntN(4) == 0 && a.store.Max(a.o)+1 >= v { // all have it
					b.store.Collect(b.o, v-1)
				}
			}
			a.mender.Step(w.now)
			b.mender.Step(w.now)
			w.round()
			if w.now > 1000*sched.Second {
				t.Fatalf("seed %d/%d: no pass: %+v, %+v", seed, run, a.mender.Count, a.mender.audit)
			}
		}
		c := a.mender.Count
		if c.AuditForeign+c.AuditRemoved != 0 || c.AuditMissing+c.AuditDamaged > 5 || int(c.AuditMissing+c.AuditDamaged) < len(harmed) {
			t.Fatalf("seed %d/%d: %+v, harmed %d", seed, run, c, len(harmed))
		}
	}
}

// TestAuditDoesNotAllocate: neither asking nor answering does.
func TestAuditDoesNotAllocate(t *testing.T) {
	w, _ := newAudit(t, rand.New(rand.NewPCG(1, 1)), 5000, 0)
	w.audit(1)
	n, o := w.nodes[0], w.nodes[1]
	page := make([]byte, 0, 1500)
	if k := testing.AllocsPerRun(200, func() {
		w.now += auditPace
		n.mender.Step(w.now)
		w.exchange(page, n, o)
		w.exchange(page, o, n)
	}); k != 0 {
		t.Error(k, "allocations")
	}
	if n.mender.Count.AuditPasses < 5 {
		t.Error("nothing was audited")
	}
}

// page is an empty frame for a peer.
func (w *pair) page(p uint32) *reconcile.Page {
	w.at = reconcile.Page{Now: w.now, Limit: frameBytes, Peer: p}
	return &w.at
}

// exchange hands the frames of one node that are due to the other.
func (w *pair) exchange(page []byte, from, to *node) {
	for p := from.board.Next(); p != 0; p = from.board.Next() {
		out, done := from.mender.Append(page, w.page(p))
		if done {
			from.board.End()
		}
		if len(out) > 0 {
			to.take(w, out)
		}
	}
}
