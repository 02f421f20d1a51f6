package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

var comparisons = map[string]tune.Diff{
	"auto": tune.DiffAuto, "vector": tune.DiffVector, "sketch": tune.DiffSketch, "recent": tune.DiffRecent,
	"peel": tune.DiffPeel, "activity": tune.DiffActivity, "updates": tune.DiffUpdates, "ranges": tune.DiffRanges,
}

// TestEveryComparisonRepairs: whatever the way to compare, to spread and the
// direction, with loss and duplicates, all become equal.
func TestEveryComparisonRepairs(t *testing.T) {
	for name, compare := range comparisons {
		for _, spread := range []tune.Spread{tune.SpreadAuto, tune.SpreadRumor, tune.SpreadGossip} {
			for _, mode := range []tune.Mode{tune.ModePushPull, tune.ModePush, tune.ModePull} {
				if compare == tune.DiffUpdates && mode != tune.ModePushPull {
					continue
				}
				t.Run(fmt.Sprint(name, spread, mode), func(t *testing.T) {
					levelsOverLoss(t, func(c *Config) { c.Spread, c.Mode, c.Diff = spread, mode, compare })
				})
			}
		}
	}
}

// sum adds up a counter over all nodes.
func (w *net) sum(f func(c *Counters) uint64) (n uint64) {
	for _, d := range w.nodes {
		n += f(&d.core.counters)
	}
	return n
}

// TestComparisonsFindFewDifferences: among many origins of which a few differ,
// each way finds them within a few exchanges, and all but the vector without
// comparing everything.
func TestComparisonsFindFewDifferences(t *testing.T) {
	for name, compare := range comparisons {
		t.Run(name, func(t *testing.T) {
			const n = 40
			w := newNet(t, n, 5, func(_ int, c *Config) {
				c.Spread, c.Diff, c.Interval = tune.SpreadGossip, compare, 100*sched.Millisecond
			})
			w.joinAll()
			for i := range n {
				w.set(i, "k", "v")
			}
			w.converge(60 * sched.Second)
			w.run(2 * sched.Second)
			bytes := w.sum(func(c *Counters) uint64 { return c.BytesSent })
			falls := w.sum(func(c *Counters) uint64 { return c.Fallbacks })
			for k := range 3 {
				w.set(7*k, "k", "news")
			}
			d := w.converge(20 * sched.Second)
			bytes = w.sum(func(c *Counters) uint64 { return c.BytesSent }) - bytes
			falls = w.sum(func(c *Counters) uint64 { return c.Fallbacks }) - falls
			t.Logf("%s: %d ms, %d bytes, %d fallbacks", name, d/sched.Millisecond, bytes, falls)
			if d > 3*sched.Second {
				t.Errorf("%d ms", d/sched.Millisecond)
			}
		})
	}
}

// TestComparisonsDoNotAllocate: exchanges that find differences, in every way.
func TestComparisonsDoNotAllocate(t *testing.T) {
	for name, compare := range comparisons {
		t.Run(name, func(t *testing.T) {
			w := newNet(t, 2, 21, func(_ int, c *Config) {
				c.Interval, c.Spread, c.Diff = 2*sched.Millisecond, tune.SpreadGossip, compare
			})
			w.joinAll()
			w.set(0, "key", "value")
			w.set(1, "key", "value")
			w.converge(sched.Second)
			x := newPump(w, "key")
			one := func() {
				x.write(t)
				x.tick()
				for range 3 {
					x.there()
					x.back()
				}
			}
			for range 2000 {
				one()
			}
			if n := testing.AllocsPerRun(2000, one); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if got := x.held(); got+20 < x.version {
				t.Errorf("the other side has %d of %d", got, x.version)
			}
		})
	}
}
