package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// holds checks the paper's invariant C(p, q), equation (2), for the author a and
// the replica of it at d: every key's current version is either here, or above
// the replica's max. With it goes the prefix property, and that nothing is here
// that the author never wrote.
func (w *net) holds(a, d *node) {
	o := d.core.store.Find(a.core.me.ID)
	if o == 0 {
		return
	}
	top := d.core.store.Max(o)
	mine := map[string]uint64{}
	var e codec.Entry
	var cur state.Cursor
	d.core.store.After(o, 0, &cur)
	for cur.Next(&e) {
		mine[string(e.Key)] = e.Version
		if e.Version > top {
			w.t.Fatalf("node %d holds version %d of node %d above its max %d", d.i, e.Version, a.i, top)
		}
		if w.written[a.i][e.Version] != string(e.Key)+"="+string(e.Value) {
			w.t.Fatalf("node %d holds %q=%q at %d, which node %d never wrote", d.i, e.Key, e.Value, e.Version, a.i)
		}
	}
	a.core.store.After(a.core.store.Owner(), 0, &cur)
	for cur.Next(&e) {
		if e.Version <= top && mine[string(e.Key)] != e.Version {
			w.t.Fatalf("C(%d, %d) fails: %q is %d, the replica has %d and max %d", a.i, d.i, e.Key, e.Version, mine[string(e.Key)], top)
		}
	}
}

// TestInvariantUnderFaults runs the protocols under loss, duplication,
// reordering and corruption and checks C(p, q) after every frame.
func TestInvariantUnderFaults(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		for seed := range uint64(4) {
			t.Run(fmt.Sprint(spread, seed), func(t *testing.T) {
				w := newNet(t, 5, seed, func(i int, c *Config) {
					c.Spread, c.Order, c.Frame = spread, tune.Order(seed%3), codec.FrameBytesFloor
					c.Mode = tune.Mode(i % 3)
					c.Interval = 20 * sched.Millisecond
				})
				w.written = make([]map[uint64]string, 5)
				maxes := map[[2]int]uint64{}
				for i := range w.written {
					w.written[i] = map[uint64]string{}
				}
				w.afterFrame = func(d *node) {
					for _, a := range w.nodes {
						w.holds(a, d)
						if o := d.core.store.Find(a.core.me.ID); o != 0 {
							if m := d.core.store.Max(o); m < maxes[[2]int{a.i, d.i}] {
								t.Fatal("a max went back")
							} else {
								maxes[[2]int{a.i, d.i}] = m
							}
						}
					}
				}
				w.joinAll()
				w.loss, w.dup, w.corrupt = 0.2, 0.2, 0.05
				w.delay[1] = 20 * sched.Millisecond
				for k := range 200 {
					i := w.rnd.IntN(5)
					w.set(i, fmt.Sprint("k", w.rnd.IntN(20)), fmt.Sprintf("%d/%0*d", k, w.rnd.IntN(200), 0))
					w.run(sched.Instant(w.rnd.IntN(4)) * sched.Millisecond)
				}
				w.loss, w.dup, w.corrupt = 0, 0, 0
				w.converge(60 * sched.Second)
			})
		}
	}
}

// TestPullsAreRareWithoutLoss: mail is contiguous, so nothing falls into gaps.
func TestPullsAreRareWithoutLoss(t *testing.T) {
	w := newNet(t, 16, 5, nil)
	w.joinAll()
	w.run(sched.Second)
	for k := range 500 {
		w.set(k%16, fmt.Sprint("k", k%50), "v")
		w.run(500 * sched.Microsecond)
	}
	w.converge(10 * sched.Second)
	var pulls, frames, old, fresh uint64
	for _, d := range w.nodes {
		pulls += d.core.counters.PullsServed
		frames += d.core.counters.FramesReceived
		old += d.core.counters.EntriesOld
		fresh += d.core.counters.EntriesNew
	}
	t.Logf("%d pulls in %d frames, redundancy %.3f", pulls, frames, float64(old+fresh)/float64(fresh))
	if 20*pulls > frames {
		t.Errorf("%d pulls in %d frames", pulls, frames)
	}
}
