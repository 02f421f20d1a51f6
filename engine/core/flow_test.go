package core

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// bounded is a plan that allows so many bytes a second from the start.
func bounded(rate uint32) flow.Plan {
	return flow.Plan{Start: rate, Limit: rate, Floor: rate, Over: 200, Slack: 200}
}

// TestHeldWritesAreCoalesced: a writer at a hundred times its rate is never
// refused, reads its newest values, sends each key seldom, and everybody ends
// with the newest of every key.
func TestHeldWritesAreCoalesced(t *testing.T) {
	w := newNet(t, 4, 3, func(_ int, c *Config) { c.Experiment.Plan = bounded(20_000) })
	w.joinAll()
	w.run(sched.Second)
	for k := range 20_000 {
		w.set(0, fmt.Sprint("k", k%50), fmt.Sprint(k))
		if k%10 == 0 {
			w.run(sched.Millisecond)
		}
	}
	d := &w.nodes[0].core
	sent := w.nodes[1].core.counters.EntriesNew
	if !d.flow.Behind() || d.counters.WritesHeld < 15_000 {
		t.Errorf("%d writes held", d.counters.WritesHeld)
	}
	v, meta, ok := d.store.AppendGetOrigin(nil, d.store.Owner(), []byte("k49"))
	if string(v) != "19999" || !ok {
		t.Errorf("the writer reads %q %v", v, meta)
	}
	if sent < 1000 || sent > 3000 { // two seconds at 20,000 B/s, about 20 bytes each
		t.Errorf("%d entries arrived", sent)
	}
	if equal := d.Agreement(0).Equal; equal != 0 {
		t.Error("agrees although there is unpublished news")
	}
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	if d.flow.Behind() || d.store.Max(d.store.Owner()) != 20_000 {
		t.Errorf("published up to %d", d.store.Max(d.store.Owner()))
	}
}

// TestInvariantsWhileHeld is the paper's C(p, q) after each frame while writes
// are held back, under loss and reordering.
func TestInvariantsWhileHeld(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip} {
		t.Run(fmt.Sprint(spread), func(t *testing.T) {
			w := newNet(t, 4, 6, func(i int, c *Config) {
				c.Spread, c.Frame, c.Interval = spread, codec.FrameBytesFloor, 20*sched.Millisecond
				c.Experiment.Plan = bounded(30_000)
			})
			w.written = make([]map[uint64]string, 4)
			for i := range w.written {
				w.written[i] = map[uint64]string{}
			}
			w.afterFrame = func(d *node) {
				for _, a := range w.nodes {
					if a != d {
						w.holds(a, d)
					}
				}
			}
			w.joinAll()
			w.loss, w.dup = 0.1, 0.1
			w.delay[1] = 10 * sched.Millisecond
			for k := range 400 {
				w.set(w.rnd.IntN(4), fmt.Sprint("k", w.rnd.IntN(20)), fmt.Sprintf("%d/%0*d", k, w.rnd.IntN(200), 0))
				w.run(sched.Instant(w.rnd.IntN(2)) * sched.Millisecond)
			}
			w.loss, w.dup = 0, 0
			w.converge(60 * sched.Second)
		})
	}
}

// TestRefuseAboveTheRate: with Refuse the caller is told when to come again.
func TestRefuseAboveTheRate(t *testing.T) {
	w := newNet(t, 2, 3, func(_ int, c *Config) { c.Experiment.Plan, c.Refuse = bounded(10_000), true })
	w.joinAll()
	w.run(sched.Second)
	d := &w.nodes[0].core
	passed, until := 0, w.now+2*sched.Second
	for w.now < until {
		ok, rate, at := d.Admit(w.now, 4, 80)
		if ok {
			passed += 4 + 80 + 16 // what an entry takes beside them
			w.set(0, "key1", fmt.Sprintf("%080d", passed))
			continue
		}
		if rate != 10_000 || at <= w.now {
			t.Fatalf("rate %d, again in %d", rate, at-w.now)
		}
		w.run(at - w.now)
	}
	if passed < 19_000 || passed > 30_000 {
		t.Errorf("%d bytes in 2 s at 10,000 a second", passed)
	}
	w.converge(sched.Second)
}

// latencies writes at a steady rate from all but the last node and gives the
// times until each write was on a node that is neither its author nor the last.
func (w *net) latencies(writes int, every sched.Instant) []sched.Instant {
	type key struct {
		i int
		v uint64
	}
	born := map[key]sched.Instant{}
	seen := map[[2]int]uint64{}
	var all []sched.Instant
	n := len(w.nodes) - 1
	w.afterFrame = func(d *node) {
		if d.i == n {
			return
		}
		for i, a := range w.nodes[:n] {
			at := [2]int{i, d.i}
			top := d.core.store.Max(d.core.store.Find(a.core.me.ID))
			for v := seen[at] + 1; v <= top && i != d.i; v++ {
				if b, ok := born[key{i, v}]; ok {
					all = append(all, w.now-b)
				}
			}
			seen[at] = max(seen[at], top)
		}
	}
	for k := range writes {
		i := k % n
		w.set(i, fmt.Sprint("k", k%37), "value")
		born[key{i, w.nodes[i].version}] = w.now
		w.run(every)
	}
	w.run(sched.Second)
	w.afterFrame = nil
	slices.Sort(all)
	return all
}

// TestStalledReceiver: one of 32 stops reading for the whole run. The others'
// p99 moves by less than a twentieth, what is sent to it is little, and it
// catches up when it is back.
func TestStalledReceiver(t *testing.T) {
	var p99 [2]sched.Instant
	for stalled := range 2 {
		w := newNet(t, 32, 9, nil)
		w.joinAll()
		w.run(3 * sched.Second)
		last := w.nodes[31]
		last.down = stalled == 1
		toLast := 0
		w.linked = func(from, to int) bool {
			if to == 31 {
				toLast++
			}
			return true
		}
		l := w.latencies(1000, 5*sched.Millisecond)
		p99[stalled] = l[len(l)*99/100]
		t.Logf("stalled %v: p50 %d µs p99 %d µs of %d, %d frames to the last node", stalled == 1,
			l[len(l)/2]/sched.Microsecond, p99[stalled]/sched.Microsecond, len(l), toLast)
		if last.down {
			last.down = false
			w.pump(last)
		}
		w.converge(30 * sched.Second)
	}
	if d := p99[1] - p99[0]; 20*d > p99[0] {
		t.Errorf("p99 of the others goes from %d to %d ns", p99[0], p99[1])
	}
}

// TestHeavyWriter: 20 writers, one of them at fifty times the others' rate, all
// together twice what a receiver takes. The light ones do not notice.
func TestHeavyWriter(t *testing.T) {
	const receive = 1_000_000
	w := newNet(t, 20, 4, func(_ int, c *Config) { c.ReceiveMax = receive })
	w.delay = [2]sched.Instant{200 * sched.Microsecond, 200 * sched.Microsecond} // in order
	w.joinAll()
	w.run(3 * sched.Second)
	value := fmt.Sprintf("%064d", 0)
	light := 2 * receive / 69 / 90 // writes a second: about 90 bytes each on the wire
	born := map[[2]uint64]sched.Instant{}
	var lat, heavy []sched.Instant
	seen := map[[2]int]uint64{}
	w.afterFrame = func(d *node) {
		for i, a := range w.nodes {
			at := [2]int{i, d.i}
			top := d.core.store.Max(d.core.store.Find(a.core.me.ID))
			for v := max(seen[at]+1, 1); v <= top && i != d.i; v++ {
				if b, ok := born[[2]uint64{uint64(i), v}]; ok && i > 0 {
					lat = append(lat, w.now-b)
				} else if ok {
					heavy = append(heavy, w.now-b)
				}
			}
			seen[at] = max(seen[at], top)
		}
	}
	var before [20]uint64
	start, k := w.now, 0
	mid := start + sched.Second
	for w.now < start+2*sched.Second {
		if w.now <= mid {
			for i, d := range w.nodes {
				before[i] = d.core.counters.BytesReceived
			}
		}
		for i := range w.nodes {
			n := light
			if i == 0 {
				n *= 50
			}
			for range n / 50 {
				w.set(i, fmt.Sprint("k", k%100), value)
				born[[2]uint64{uint64(i), w.nodes[i].version}] = w.now
				k++
			}
			if w.rnd.IntN(50) < n%50 {
				w.set(i, fmt.Sprint("k", k%100), value)
				born[[2]uint64{uint64(i), w.nodes[i].version}] = w.now
				k++
			}
		}
		w.run(20 * sched.Millisecond)
	}
	end := w.now
	var rate uint64
	for i, d := range w.nodes[1:] {
		rate = max(rate, (d.core.counters.BytesReceived-before[i+1])*sched.Second/uint64(end-mid))
	}
	w.afterFrame = nil
	d := w.converge(5 * sched.Second)
	slices.Sort(lat)
	slices.Sort(heavy)
	h := &w.nodes[0].core
	t.Logf("light p99 %d µs, heavy max %d ms, receivers take up to %d B/s of %d, recovered after %d ms, τ %d, held %d writes, %d frames",
		lat[len(lat)*99/100]/1000, heavy[len(heavy)-1]/sched.Millisecond, rate, receive, d/sched.Millisecond,
		h.flow.Allowed(), h.counters.WritesHeld, h.counters.FramesHeld)
	if p := lat[len(lat)*99/100]; p > 2*h.cfg.Interval {
		t.Errorf("light writers' p99 is %d ms", p/sched.Millisecond)
	}
	if m := heavy[len(heavy)-1]; m > sched.Second {
		t.Errorf("the heavy writer is %d ms stale", m/sched.Millisecond)
	}
	if d > h.cfg.Interval {
		t.Errorf("recovered after %d ms", d/sched.Millisecond)
	}
	if rate > receive*6/5 {
		t.Errorf("receivers took %d B/s of %d", rate, receive)
	}
}

// TestLyingNode: a node whose frames always tell that it wants everything, has
// nothing and overflows takes little of the rates of others, who write all that
// they may.
func TestLyingNode(t *testing.T) {
	for seed := range uint64(3) {
		honest, cheated := poorest(t, seed, false), poorest(t, seed, true)
		t.Logf("the poorest publishes %d, with a liar %d", honest, cheated)
		if honest == 0 || 10*cheated < 8*honest {
			t.Errorf("the poorest publishes %d, with a liar %d", honest, cheated)
		}
	}
}

// poorest is how many writes the poorest of eleven nodes publishes in half a minute,
// when the twelfth lies or not.
func poorest(t *testing.T, seed uint64, lies bool) int {
	w := newNet(t, 12, seed, func(_ int, c *Config) {
		c.Spread, c.Experiment.NoPrint, c.Experiment.Uniform, c.Experiment.Deltas, c.Experiment.NoDetector = tune.SpreadGossip, true, true, 40, true
		c.Refuse, c.Experiment.Plan = true, flow.PaperPlan(40, sched.Second)
		c.Interval = sched.Second
	})
	w.joinAll()
	w.run(5 * sched.Second)
	if liar := w.nodes[11].core.me.ID; lies {
		w.sniff = func(b []byte) { lie(b, liar) }
	}
	var wrote, settled [12]int
	for round := range 1200 {
		for i := range w.nodes {
			for ok := true; ok; {
				if ok, _, _ = w.nodes[i].core.Admit(w.now, 8, 8); ok {
					w.set(i, fmt.Sprint("k", w.rnd.IntN(64)), "v")
					wrote[i]++
				}
			}
		}
		w.run(50 * sched.Millisecond)
		if round == 600 {
			settled = wrote
		}
	}
	for i := range wrote {
		wrote[i] -= settled[i]
	}
	return slices.Min(wrote[:11])
}

// lie changes the rates that a frame of the liar tells.
func lie(b []byte, liar codec.OriginID) {
	var h codec.Header
	if _, err := codec.ParseHeader(b, &h); err != nil || h.Sender != liar || h.Flags&codec.FlagRates == 0 {
		return
	}
	at := codec.HeaderBytes(h.Flags & (codec.FlagSeal | codec.FlagFlow | codec.FlagCookie))
	binary.LittleEndian.PutUint32(b[at:], 1<<32-1)
	binary.LittleEndian.PutUint32(b[at+4:], 0)
	b[at+24] = 1
	codec.AppendChecksum(b[:len(b)-4], 0)
}
