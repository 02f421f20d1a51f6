package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func inOrder(order tune.Order) func(int, *Config) {
	return func(_ int, c *Config) { c.Order = order }
}

// samePrint reports whether all nodes hold the same entries.
func (w *net) samePrint() bool {
	for _, d := range w.nodes[1:] {
		if d.core.Fingerprint() != w.nodes[0].core.Fingerprint() || d.core.store.Len() != len(w.nodes) {
			return false
		}
	}
	return true
}

func (w *net) convergePrecisely(limit sched.Instant) sched.Instant {
	w.t.Helper()
	start := w.now
	for !w.samePrint() {
		if w.now-start > limit {
			for _, d := range w.nodes {
				w.t.Logf("%d: %d origins, print %x, %+v", d.i, d.core.store.Len(), d.core.Fingerprint(), d.core.counters)
			}
			w.t.Fatalf("not equal after %d ms", limit/sched.Millisecond)
		}
		w.run(5 * sched.Millisecond)
	}
	w.compare()
	for _, d := range w.nodes {
		if d.core.Fingerprint() != d.core.store.RecomputeKeys() {
			w.t.Fatalf("node %d: fingerprint is not that of its entries", d.i)
		}
	}
	return w.now - start
}

func TestPreciseOrdersConverge(t *testing.T) {
	own := func(a, b *tune.Candidate) int { return len(b.Entry.Key) - len(a.Entry.Key) }
	for _, order := range []tune.Order{tune.OrderPreciseNewest, tune.OrderPreciseOldest, tune.OrderPreciseRandom, tune.OrderPreciseOwn} {
		for _, spread := range []tune.Spread{tune.SpreadAuto, tune.SpreadRumor, tune.SpreadGossip} {
			for _, mode := range []tune.Mode{tune.ModePushPull, tune.ModePush, tune.ModePull} {
				t.Run(fmt.Sprint(order, spread, mode), func(t *testing.T) {
					w := newNet(t, 8, 7, func(i int, c *Config) {
						c.Order, c.Spread, c.Mode, c.Compare = order, spread, mode, own
						c.Experiment.NoPrint = i%2 == 0 && spread == tune.SpreadGossip
					})
					w.joinAll()
					w.loss, w.dup, w.corrupt = 0.1, 0.05, 0.01
					w.delay[1] = 3 * sched.Millisecond
					for k := range 40 {
						for i := range 8 {
							w.set(i, fmt.Sprint("key", k%13), fmt.Sprintf("%d/%d", i, k))
						}
						w.run(3 * sched.Millisecond)
					}
					w.loss, w.dup, w.corrupt = 0, 0, 0
					d := w.convergePrecisely(60 * sched.Second)
					t.Logf("%d ms", d/sched.Millisecond)
				})
			}
		}
	}
}

// TestPreciseSpansFrames: a set that takes dozens of frames, small ones, with
// origins that take several, over a path that loses.
func TestPreciseSpansFrames(t *testing.T) {
	w := newNet(t, 3, 9, func(_ int, c *Config) {
		c.Order, c.Spread, c.Frame = tune.OrderPreciseOldest, tune.SpreadGossip, codec.FrameBytesFloor
	})
	for k := range 3000 {
		w.set(0, fmt.Sprint("service/web/instance/", k), fmt.Sprint("value", k))
		if k < 20 {
			w.set(1, fmt.Sprint(k), "v")
		}
	}
	w.joinAll()
	w.loss = 0.05
	d := w.convergePrecisely(120 * sched.Second)
	c := &w.nodes[0].core.counters
	t.Logf("%d ms, %d frames, %d windows, %d entries sent", d/sched.Millisecond, w.frames, c.DigestsSent, c.EntriesSent)
}

// TestPreciseInvariant: Max is a promise in precise mode too. It moves with
// mail, and with the author's own fingerprint.
func TestPreciseInvariant(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		w := newNet(t, 5, 3, func(_ int, c *Config) { c.Order, c.Spread = tune.OrderPreciseNewest, spread })
		w.written = make([]map[uint64]string, 5)
		for i := range w.written {
			w.written[i] = map[uint64]string{}
		}
		w.afterFrame = func(d *node) {
			for _, a := range w.nodes {
				w.promised(a, d)
			}
		}
		w.joinAll()
		w.loss, w.dup = 0.2, 0.2
		for k := range 200 {
			w.set(w.rnd.IntN(5), fmt.Sprint("k", w.rnd.IntN(20)), fmt.Sprint(k))
			w.run(sched.Instant(w.rnd.IntN(4)) * sched.Millisecond)
		}
		w.loss, w.dup = 0, 0
		w.convergePrecisely(60 * sched.Second)
		w.run(10 * sched.Second)
		for _, d := range w.nodes {
			d.core.Ask(w.now, true)
			w.pump(d)
		}
		w.run(sched.Second)
		for _, d := range w.nodes {
			a := d.core.Agreement(0)
			if a.Confirmed != d.version || a.Members != 4 {
				t.Errorf("spread %d, node %d: %d members confirmed %d of %d", spread, d.i, a.Members, a.Confirmed, d.version)
			}
			if a.Equal != a.Members {
				t.Errorf("spread %d, node %d: %d of %d agree", spread, d.i, a.Equal, a.Members)
			}
		}
	}
}

// promised checks C(author, replica), and that nothing is here that was never
// written; above Max there may be anything.
func (w *net) promised(a, d *node) {
	o := d.core.store.Find(a.core.me.ID)
	if o == 0 {
		return
	}
	top := d.core.store.Max(o)
	var e codec.Entry
	var cur state.Cursor
	mine := map[string]uint64{}
	for d.core.store.After(o, 0, &cur); cur.Next(&e); {
		mine[string(e.Key)] = e.Version
		if w.written[a.i][e.Version] != string(e.Key)+"="+string(e.Value) {
			w.t.Fatalf("node %d holds %q=%q at %d, which node %d never wrote", d.i, e.Key, e.Value, e.Version, a.i)
		}
		if e.Flags&codec.EntryStamp == 0 {
			w.t.Fatalf("node %d holds %q of node %d without a stamp", d.i, e.Key, a.i)
		}
	}
	for a.core.store.After(a.core.store.Owner(), 0, &cur); cur.Next(&e); {
		if e.Version <= top && mine[string(e.Key)] != e.Version {
			w.t.Fatalf("C(%d, %d) fails: %q is %d, the replica has %d and max %d", a.i, d.i, e.Key, e.Version, mine[string(e.Key)], top)
		}
	}
}

// TestPreciseIsRefusedWhenMixed: one node of the other mode stays alone, and
// both sides count why.
func TestPreciseIsRefusedWhenMixed(t *testing.T) {
	w := newNet(t, 3, 4, func(i int, c *Config) {
		if i == 2 {
			c.Order = tune.OrderPreciseNewest
		}
	})
	for i := range 3 {
		w.set(i, "k", "v")
	}
	w.joinAll()
	w.nodes[0].core.Join(w.now, w.nodes[2].addr)
	w.pump(w.nodes[0])
	w.run(5 * sched.Second)
	if w.nodes[2].core.store.Len() != 1 || w.nodes[0].core.store.Len() != 2 {
		t.Error("they met")
	}
	for _, i := range []int{0, 2} {
		if w.nodes[i].core.counters.Drops[DropMode] == 0 {
			t.Errorf("node %d did not count it: %v", i, w.nodes[i].core.counters.Drops)
		}
	}
}

// TestPreciseDeltas: newest, oldest and the embedder's own order send what they
// say when there is room for a few entries only.
func TestPreciseDeltas(t *testing.T) {
	for order, want := range map[tune.Order][]string{
		tune.OrderPreciseNewest: {"k07", "k08", "k09"},
		tune.OrderPreciseOldest: {"k00", "k01", "k02"},
		tune.OrderPreciseOwn:    {"k01", "k03", "k05"},
	} {
		w := newNet(t, 2, 6, func(_ int, c *Config) {
			c.Order, c.Spread, c.Experiment.NoPrint, c.Experiment.NoDetector = order, tune.SpreadGossip, true, true
			c.Interval = 10 * sched.Second
			c.Compare = func(a, b *tune.Candidate) int { // odd keys first, then by name
				x, y := a.Entry.Key[2]%2, b.Entry.Key[2]%2
				if x != y {
					return int(y) - int(x)
				}
				return int(a.Entry.Key[2]) - int(b.Entry.Key[2])
			}
		})
		w.joinAll()
		w.run(12 * sched.Second) // met, and exchanged nothing
		for i, n := range []int{9, 3, 7, 0, 5, 2, 8, 1, 6, 4} {
			d := w.nodes[0]
			d.version++
			op := Op{Kind: Set, Version: d.version, Key: fmt.Appendf(nil, "k%02d", n), Value: []byte("v"), Stamp: int64(100 + n)}
			if d.core.Write(w.now, &op) != Written || i != int(d.version-1) {
				t.Fatal("write")
			}
		}
		for _, d := range w.nodes {
			d.core.Parts().Flow.SetEntries(3)
		}
		w.nodes[1].core.startExchange(1)
		w.pump(w.nodes[1])
		w.run(sched.Second)
		var got []string
		var e codec.Entry
		o := w.nodes[1].core.store.Find(w.nodes[0].core.me.ID)
		for _, k := range []string{"k00", "k01", "k02", "k03", "k04", "k05", "k06", "k07", "k08", "k09"} {
			if w.nodes[1].core.store.Get(o, []byte(k), &e) {
				got = append(got, k)
			}
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("order %d: %v, want %v", order, got, want)
		}
	}
}

// TestPreciseTellsOfEveryEntry: an event covers what came, in whatever order.
func TestPreciseTellsOfEveryEntry(t *testing.T) {
	w := newNet(t, 2, 8, func(_ int, c *Config) {
		c.Order, c.Spread, c.Experiment.NoDetector = tune.OrderPreciseNewest, tune.SpreadGossip, true
		c.Experiment.Deltas = 2
		c.Interval = 20 * sched.Millisecond
	})
	w.joinAll()
	w.run(sched.Second)
	w.nodes[1].events = nil
	for k := range 20 {
		w.set(0, fmt.Sprint("k", k), "v")
		w.run(sched.Millisecond)
	}
	w.run(2 * sched.Second)
	seen := map[uint64]bool{}
	for _, ev := range w.nodes[1].events {
		if ev.Kind == Advanced && ev.Origin == w.nodes[1].core.store.Find(w.nodes[0].core.me.ID) {
			for v := ev.From + 1; v <= ev.To; v++ {
				seen[v] = true
			}
		}
	}
	for v := uint64(1); v <= 20; v++ {
		if !seen[v] {
			t.Errorf("nothing was said of version %d", v)
		}
	}
}

// TestPreciseNeverAllocates: an exchange of two nodes that know each other and
// the same keys allocates nothing.
func TestPreciseNeverAllocates(t *testing.T) {
	w := newNet(t, 2, 5, func(_ int, c *Config) {
		c.Order, c.Spread, c.Experiment.NoPrint, c.Experiment.NoDetector = tune.OrderPreciseNewest, tune.SpreadGossip, true, true
		c.Interval = sched.Second
	})
	for i := range 2 {
		for k := range 300 {
			w.set(i, fmt.Sprint("key", k), "v")
		}
	}
	w.joinAll()
	w.run(20 * sched.Second)
	a, b := w.nodes[0], w.nodes[1]
	var buf [codec.FrameBytesMax]byte
	var ev Event
	now, k := w.now, 0
	keys := make([][]byte, 300)
	for i := range keys {
		keys[i] = fmt.Append(nil, "key", i)
	}
	news := b.core.counters.EntriesNew
	round := func() {
		for range 5 {
			a.version++
			k++
			a.core.Write(now, &Op{Kind: Set, Version: a.version, Key: keys[k%300], Value: keys[0], Stamp: int64(now)})
		}
		b.core.now = now
		b.core.startExchange(1)
		for range 4 {
			for n, _, ok := b.core.Transmit(now, buf[:]); ok; n, _, ok = b.core.Transmit(now, buf[:]) {
				a.core.Receive(now, b.addr, buf[:n])
			}
			for n, _, ok := a.core.Transmit(now, buf[:]); ok; n, _, ok = a.core.Transmit(now, buf[:]) {
				b.core.Receive(now, a.addr, buf[:n])
			}
		}
		for a.core.NextEvent(&ev) || b.core.NextEvent(&ev) {
		}
		now += sched.Millisecond
	}
	for range 2000 {
		round()
	}
	if n := testing.AllocsPerRun(500, round); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := b.core.counters.EntriesNew - news; got != 5*2501 {
		t.Errorf("%d entries, want %d", got, 5*2501)
	}
}
