package compare

import (
	"fmt"
	"hash/fnv"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// rough is what two sides go through: their news is on its way now and then, and some are buried.
type rough struct {
	*golden.Script
	a, b   *side
	names  []string
	loss   uint32 // of a hundred frames
	moving uint32 // of a hundred looks at news; 0: nothing is pushed
}

// Settled, Coming and Moving are what a node may think of its news.
func (r *rough) Settled(sched.Instant, state.Origin) uint64      { return r.UpTo(1 << 10) }
func (r *rough) Coming(sched.Instant, state.Origin, uint64) bool { return r.news() }
func (r *rough) Moving(sched.Instant, state.Origin) bool         { return r.news() }
func (r *rough) news() bool                                      { return r.Rand.Uint32n(100) < r.moving }

// Has and HasShort are the graves: of few.
func (r *rough) Has(_ sched.Instant, id codec.OriginID) bool { return id%16 == 0 }

func (r *rough) HasShort(_ sched.Instant, short uint64, _ func(codec.OriginID) uint64) bool {
	return short%16 == 0
}

// TestComparisonsScript: two of each way compare while origins move on, come and go, collect and
// become dirty; frames are lost, small, or lies, and what is under way is dropped.
func TestComparisonsScript(t *testing.T) {
	for way := tune.DiffAuto; way <= tune.DiffRanges; way++ {
		for name, c := range map[string]struct{ frame, wants, moving int }{"wide": {1200, 64, 0}, "narrow": {300, 6, 30}} {
			t.Run(fmt.Sprint(name, "_", way), func(t *testing.T) {
				golden.Run(t, 2000, func(s *golden.Script) {
					cfg := usual(way)
					cfg.Frame, cfg.Wants, cfg.Whole = c.frame, c.wants, c.moving > 0
					cfg.Kind = codec.SyncKind(c.moving / 15 % 3)
					r := &rough{Script: s, moving: uint32(c.moving)}
					r.a, r.b = r.side("a", cfg), r.side("b", cfg)
					for i := range 40 {
						r.names = append(r.names, fmt.Sprint("member", i))
					}
					for s.Next() {
						r.anything()
						r.say(r.a)
						r.say(r.b)
					}
				})
			})
		}
	}
}

// TestManyOriginsScript: where the vector is long, and the largest sketch comes first.
func TestManyOriginsScript(t *testing.T) {
	golden.Run(t, 300, func(s *golden.Script) {
		c := newCrowd(manyOrigins+100, 1)
		r := &rough{Script: s, a: c.a, b: c.b, names: c.names[:400]}
		for s.Next() {
			if s.Chance(6) {
				c.differ(int(s.UpTo(600)))
			}
			r.anything()
			r.say(r.a)
			r.say(r.b)
		}
	})
}

func (r *rough) side(name string, cfg Config) *side {
	n := new(side)
	n.Init(name, 7)
	parts := &Parts{Parts: n.Parts(), Host: n, Vector: &n.n}
	if r.moving > 0 {
		parts.View.News, parts.View.Graves = r, r
	}
	n.c.Init(&cfg, parts)
	n.Talks, n.Limit = &n.c, cfg.Frame
	return n
}

// anything has one thing happen to one of the two.
func (r *rough) anything() {
	n, other := r.a, r.b
	if r.Chance(2) {
		n, other = other, n
	}
	name := r.names[r.Rand.Uint32n(uint32(len(r.names)))]
	o := n.Store.FindName([]byte(name))
	switch r.Rand.Uint32n(16) {
	case 0, 1, 2:
		n.Put(name, 1+int(r.UpTo(4)))
	case 3:
		n.Put(n.Name, 1)
	case 4:
		for range 1 + r.UpTo(30) {
			n.Put(r.names[r.Rand.Uint32n(uint32(len(r.names)))], 1)
		}
	case 5:
		if o != 0 {
			n.Store.Collect(o, n.Store.Max(o)-min(n.Store.Max(o), r.UpTo(3)))
		}
	case 6:
		if o != 0 && r.Chance(3) {
			n.c.Forget(o)
			n.Store.Remove(o)
		}
	case 7:
		n.Limit = int(200 + r.Rand.Uint32n(1100))
	case 8:
		r.loss = []uint32{0, 0, 0, 5, 30, 100}[r.Rand.Uint32n(6)]
	case 9:
		if r.Chance(4) {
			n.c.Drop(reconciletest.Other)
		} else {
			n.c.DropRuns(reconciletest.Other)
		}
	case 10:
		n.Take(lie(&r.Rand, other), r.Rand.Uint64())
	case 11:
		n.Now += sched.Instant(r.UpTo(uint64(2 * sched.Second)))
	default:
		n.Begin()
		r.talk(int(r.UpTo(40)))
	}
}

// talk lets the two say so many frames, of which some are lost.
func (r *rough) talk(most int) {
	a, b := r.a, r.b
	for range most {
		if frame := a.Compose(); len(frame) > 0 {
			h := fnv.New64a()
			h.Write(frame)
			r.Say(a.Name, len(frame), h.Sum64())
			if r.Rand.Uint32n(100) >= r.loss {
				b.Take(frame, a.c.Fingerprint())
			}
		}
		if a.Quiet() && b.Quiet() {
			break
		}
		a, b = b, a
	}
}

func (r *rough) say(n *side) {
	c, l := &n.c, &n.c.ladder
	jobs, answers := c.Held()
	r.Say(n.Name, n.peer, n.n, n.Counters, jobs, answers, n.Lacked, n.Gone, n.Given, n.Said, c.Fingerprint())
	r.Say(l.level, l.hint, l.rest, l.span, l.partial, c.recent.Len(), c.activity.Len(), c.updates.Len(), c.answers, c.parts)
}

var _ reconcile.News = (*rough)(nil)
