package interval

import (
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// TestMendingScript: an owner writes, deletes and collects while the other one sleeps, hears a part
// of it, rots and loses keys, audits and doubts; others ask both, frames are lost and owners are
// away.
func TestMendingScript(t *testing.T) {
	for _, keys := range []int{30, 1500} {
		t.Run(fmt.Sprint(keys), func(t *testing.T) {
			golden.Run(t, 6000, func(s *golden.Script) {
				r := &rough{Script: s, pair: newPair(t, keys), keys: keys}
				r.lose = func() bool { return s.Rand.Uint32n(100) < r.loss }
				for i, n := range r.nodes {
					m := &n.mender
					m.Audit, m.Rand, m.Count, m.Doubts = auditPace, new(sched.Rand), new(Audited), r
					m.Rand.Seed(uint64(i))
					m.initAudit(r.now)
					o, _ := n.store.Add(2, 1, []byte("another"))
					for v := range uint64(9) {
						n.store.Apply(o, &codec.Entry{Version: v + 1, Key: key(int(v))})
					}
					n.store.Advance(o, 9, 0)
				}
				for s.Next() {
					r.anything()
					for range s.UpTo(12) {
						r.round()
					}
					for i, n := range r.nodes {
						if s.Chance(3) {
							n.mender.Step(r.now)
						}
						r.say(i, n)
					}
				}
			})
		})
	}
}

type rough struct {
	*golden.Script
	*pair
	keys int
	loss uint32 // of a hundred frames
}

// Differed and Edited are what a node's doubts come to.
func (r *rough) Differed(now sched.Instant, o state.Origin, h *state.Healed) {
	r.Say("differed", now, o, *h)
}
func (r *rough) Edited(now sched.Instant, o state.Origin) { r.Say("edited", now, o) }

// anything has one thing happen.
func (r *rough) anything() {
	a, b := r.nodes[0], r.nodes[1]
	v, k := b.store.Max(b.o)+1, int(r.Rand.Uint32n(uint32(r.keys)))
	switch r.Rand.Uint32n(16) {
	case 0:
		b.set(v, k)
		b.store.Advance(b.o, v, 0)
	case 1, 2:
		for n := r.UpTo(40); n > 0; n-- {
			b.store.Apply(b.o, &codec.Entry{Version: v, Key: key(int(r.Rand.Uint32n(uint32(r.keys)))), Flags: codec.EntryTombstone})
			b.store.Advance(b.o, v, 0)
			v++
		}
	case 3:
		b.mender.Collect(r.now, b.store.Max(b.o)-min(b.store.Max(b.o), r.UpTo(20)))
	case 4:
		b.store.Collect(b.o, b.store.Max(b.o)-min(b.store.Max(b.o), r.UpTo(20)))
	case 5, 6:
		if out, _, _ := b.fill.Run(nil, int(200+r.UpTo(frameBytes-200)), b.o, a.store.Max(a.o)); out != nil {
			a.take(r.pair, out)
		}
	case 7:
		var rw codec.RunWriter // that the owner is beyond, and what it collected
		rw.Begin(nil, 1400, codec.RunHead{ID: 1, From: a.store.Max(a.o), Floor: b.store.Floor(b.o), Max: b.store.Max(b.o) + r.UpTo(2)})
		a.take(r.pair, rw.End(a.store.Max(a.o)))
	case 8:
		r.harm(a, k)
	case 9:
		a.mender.Doubt(r.now, a.o, r.UpTo(v), r.Chance(2))
	case 10:
		r.loss = []uint32{0, 0, 0, 10, 50, 100}[r.Rand.Uint32n(6)]
	case 11:
		a.source = r.Rand.Uint32n(2)
	case 12:
		n := r.nodes[r.Rand.Uint32n(2)]
		peer := 3 + r.Rand.Uint32n(3)
		r.ask(n, peer, 1, 1+int(r.UpTo(60)))
		r.Say("asked", peer, r.answers(n, peer))
	case 13:
		r.now += sched.Instant(r.UpTo(uint64(3 * sched.Second)))
	}
}

// harm has a key rot or go, as a bug would.
func (r *rough) harm(n *node, k int) {
	var e codec.Entry
	switch {
	case !n.store.Get(n.o, key(k), &e):
	case r.Chance(2) && len(e.Value) > 0:
		e.Value[0] ^= 1 // a view
	default:
		x := codec.Interval{From: e.Version - 1, To: e.Version}
		n.store.Mend(n.o, &x, &state.Budget{Words: 10, Drops: 1})
	}
}

func (r *rough) say(i int, n *node) {
	s, m := &n.store, &n.mender
	r.Say(i, r.now, r.bytes, r.frames, n.keys, s.Dirty(n.o), s.Max(n.o), s.Floor(n.o), s.Collected(n.o), s.Keys(n.o), s.Fingerprint(), *m.Count)
	h := fnv.New64a()
	fmt.Fprint(h, m.jobs, m.asks.list, m.audit)
	r.Say(m.clearing, m.keep, h.Sum64())
}
