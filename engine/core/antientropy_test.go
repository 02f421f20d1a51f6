package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
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
					w := newNet(t, 8, 7, func(_ int, c *Config) {
						c.Spread, c.Mode, c.Diff = spread, mode, compare
					})
					w.joinAll()
					w.loss, w.dup = 0.1, 0.05
					for k := range 40 {
						for i := range 8 {
							w.set(i, fmt.Sprint("key", k%13), fmt.Sprintf("%d/%d", i, k))
						}
						w.run(3 * sched.Millisecond)
					}
					w.loss = 0
					d := w.converge(60 * sched.Second)
					t.Logf("%d ms", d/sched.Millisecond)
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
			a, b := &w.nodes[0].core, &w.nodes[1].core
			var buf [codec.FrameBytesMax]byte
			var ev Event
			now, version := w.now, w.nodes[0].version
			op := Op{Kind: Set, Key: []byte("key"), Value: []byte("value")}
			turn := func(c, other *Core, from netip.AddrPort) {
				for n, _, ok := c.Transmit(now, buf[:]); ok; n, _, ok = c.Transmit(now, buf[:]) {
					other.Receive(now, from, buf[:n])
				}
				for c.NextEvent(&ev) {
				}
			}
			one := func() {
				now += sched.Millisecond
				version++
				op.Version = version
				if a.Write(now, &op) != Written {
					t.Fatal("refused")
				}
				a.Tick(now, 0)
				b.Tick(now, 0)
				for range 3 {
					turn(a, b, addrOf(0))
					turn(b, a, addrOf(1))
				}
			}
			for range 2000 {
				one()
			}
			if n := testing.AllocsPerRun(2000, one); n != 0 {
				t.Errorf("%v allocations", n)
			}
			if got := b.store.Max(b.store.Find(a.me.ID)); got+20 < version {
				t.Errorf("the other side has %d of %d", got, version)
			}
		})
	}
}
