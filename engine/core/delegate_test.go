package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// delegated makes a cluster that spreads over delegates, and lets it settle.
func delegated(t *testing.T, n, fanout int, seed uint64) *net {
	t.Helper()
	w := newNet(t, n, seed, func(_ int, c *Config) {
		c.Spread, c.Fanout, c.Interval = tune.SpreadDelegated, fanout, sched.Second
	})
	w.joinAll()
	for i := range n {
		w.set(i, "k", fmt.Sprint(i))
	}
	w.converge(60 * sched.Second)
	w.run(5 * sched.Second)
	return w
}

// holders counts who holds all that a node wrote.
func (w *net) holders(i int) (n int) {
	o := w.nodes[i].core.me.ID
	for _, d := range w.nodes {
		if h := d.core.store.Find(o); h != 0 && d.core.store.Max(h) == w.nodes[i].version {
			n++
		}
	}
	return n
}

// entries sums up what all received: news, and what was known.
func (w *net) entries() (news, old uint64) {
	for _, d := range w.nodes {
		news += d.core.counters.EntriesNew
		old += d.core.counters.EntriesOld
	}
	return news, old
}

// A write over delegates reaches everybody in a few hops, by one copy; over paths that lose a
// twentieth it does so too, in little more time and by little more.
func TestDelegatesReachEverybody(t *testing.T) {
	const n = 48
	for _, loss := range []float64{0, 0.05} {
		w := delegated(t, n, 6, 5)
		w.loss = loss
		news, old := w.entries()
		late := 0 // of 20 writes at 48 members, those that were lost again and again
		for i := range 20 {
			w.set(i, "k", fmt.Sprint("news ", i))
			w.run(4 * sched.Millisecond)
			if got := w.holders(i); loss == 0 && got != n {
				t.Errorf("write %d: after 4 ms %d of %d", i, got, n)
			}
			w.run(146 * sched.Millisecond)
			late += n - w.holders(i)
			w.run(350 * sched.Millisecond)
			if got := w.holders(i); got < n-int(60*loss) {
				t.Errorf("loss %g, write %d: after 500 ms %d of %d", loss, i, got, n)
			}
		}
		moreNews, moreOld := w.entries()
		copies := float64(moreNews-news+moreOld-old) / float64(moreNews-news)
		t.Logf("loss %g: %.3f copies, %d late", loss, copies, late)
		if late > int(100*loss) {
			t.Errorf("loss %g: %d are late", loss, late)
		}
		if copies > 1.02+5*loss {
			t.Errorf("loss %g: %.2f copies", loss, copies)
		}
		w.run(5 * sched.Second) // what was lost again and again is left to comparisons
		for i := range 20 {
			if got := w.holders(i); got != n {
				t.Errorf("loss %g, write %d: in the end %d of %d", loss, i, got, n)
			}
		}
	}
}

// A member that drops all news costs a time-out, and one that was just killed too.
func TestDelegatesThatAreDead(t *testing.T) {
	const n = 48
	w := delegated(t, n, 6, 6)
	w.nodes[7].down, w.nodes[30].down = true, true
	for i := range 6 {
		w.set(i, "k", fmt.Sprint("news ", i))
		w.run(100 * sched.Millisecond)
		if got := w.holders(i); got != n-2 {
			t.Errorf("write %d: after 100 ms %d of %d", i, got, n-2)
		}
	}
}

// Members that drop all news, and answer everything else, cost a time-out: with a twentieth of
// them each write is on all others within 20 ms. Each of them loses its turn.
func TestDelegatesThatDrop(t *testing.T) {
	const n = 60
	drops := func(d *node) bool { return d.i%20 == 7 }
	w := delegated(t, n, 6, 11)
	w.filter = func(_, to *node, b []byte) bool {
		_, news := recordOf(t, b, codec.TypeDelegate)
		return !drops(to) || !news
	}
	replaced := uint64(0)
	for i := range 24 {
		if drops(w.nodes[i]) {
			continue
		}
		w.set(i, "k", fmt.Sprint("news ", i))
		w.run(20 * sched.Millisecond)
		if got := w.holders(i); got < n-n/20 {
			t.Errorf("write %d: after 20 ms %d of %d", i, got, n-n/20)
		}
		w.run(30 * sched.Millisecond)
	}
	for _, d := range w.nodes {
		replaced += d.core.counters.DelegationsReplaced
	}
	if t.Logf("%d replaced", replaced); replaced == 0 {
		t.Error("nobody was replaced")
	}
}

// Members that acknowledge a range and do not cover it are found by what the members of the
// range lack: they lose their turns, and others cover the range. So every write is on all
// members by the next exchange, but for the one in a thousand whose partner lacks it too.
func TestDelegatesThatLie(t *testing.T) {
	const n = 60
	const interval = 100 * sched.Millisecond
	lies := func(d *node) bool { return d.i%12 == 7 }
	const first, seeds = 12, 10 // one alone has none or eight after the exchange
	all := 0
	for seed := uint64(first); seed < first+seeds; seed++ {
		w := newNet(t, n, seed, func(_ int, c *Config) {
			c.Spread, c.Fanout, c.Interval = tune.SpreadDelegated, 6, interval
		})
		w.joinAll()
		w.converge(60 * sched.Second)
		w.run(5 * sched.Second)
		w.filter = func(from, _ *node, b []byte) bool {
			_, news := recordOf(t, b, codec.TypeDelegate)
			return !lies(from) || !news
		}
		late, over := 0, 0
		for round := range 40 {
			i := round % n
			if lies(w.nodes[i]) {
				continue
			}
			w.set(i, "k", fmt.Sprint("news ", round))
			w.run(10 * sched.Millisecond)
			late += n - w.holders(i)
			w.run(interval + interval/4) // exchanges begin an interval apart, give or take
			over += n - w.holders(i)
			w.run(2 * interval)
			if got := w.holders(i); got != n {
				t.Errorf("seed %d, write %d: after three intervals %d of %d", seed, round, got, n)
			}
		}
		found := uint64(0)
		for _, d := range w.nodes {
			found += d.core.counters.DelegationsFalse
		}
		if t.Logf("seed %d: %d liars were found, %d were late, %d after the exchange", seed, found, late, over); found == 0 || late == 0 {
			t.Errorf("seed %d: %d liars were found, %d were late", seed, found, late)
		}
		all += over
	}
	if all > 3*seeds {
		t.Errorf("%d were late after the exchange, of %d seeds", all, seeds)
	}
}

// carries tells whether a frame has a run with something in it.
func carries(t *testing.T, frame []byte) bool {
	t.Helper()
	var h codec.Header
	records, err := codec.ParseFrame(frame, &h)
	if err != nil {
		t.Fatal(err)
	}
	for len(records) > 0 {
		var typ codec.Type
		var body []byte
		var r codec.Run
		if typ, body, records = codec.NextRecord(records); typ == codec.TypeRun && codec.ParseRun(body, &r) == nil && r.Count > 0 {
			return true
		}
	}
	return false
}

// Members in zones tell each other zone once, however few they are; members of one zone mail.
func TestZonesAreToldOnce(t *testing.T) {
	const n, zones = 18, 3
	w := newNet(t, n, 15, func(_ int, c *Config) { c.Interval = sched.Second })
	w.joinAll()
	for i := range n {
		w.set(i, string(declare.ZoneKey), fmt.Sprint("zone", i%zones))
	}
	w.converge(60 * sched.Second)
	w.run(5 * sched.Second)
	crossed := 0
	w.filter = func(from, to *node, b []byte) bool {
		if from.i%zones != to.i%zones && carries(t, b) {
			crossed++
		}
		return true
	}
	for i := range n {
		crossed = 0
		w.set(i, "k", "v")
		w.run(40 * sched.Millisecond)
		if got := w.holders(i); got != n || crossed != zones-1 {
			t.Errorf("write %d: after 40 ms %d of %d, %d frames crossed", i, got, n, crossed)
		}
		if way, _, why := w.nodes[i].core.mail.Chosen(); way != tune.SpreadDelegated || why.String() != "zones" {
			t.Errorf("node %d: %v, %v", i, way, why)
		}
	}
	one := newNet(t, 6, 16, func(_ int, c *Config) { c.Interval = sched.Second })
	one.joinAll()
	for i := range one.nodes {
		one.set(i, string(declare.ZoneKey), "home")
	}
	one.converge(60 * sched.Second)
	one.set(0, "k", "v")
	if way, _, why := one.nodes[0].core.mail.Chosen(); way != tune.SpreadMail {
		t.Errorf("in one zone: %v, %v", way, why)
	}
}

// Members of one cluster that spread in different ways are equal soon.
func TestWaysToSpreadMix(t *testing.T) {
	const n = 24
	ways := []tune.Spread{tune.SpreadDelegated, tune.SpreadMail, tune.SpreadRumor, tune.SpreadGossip, tune.SpreadAuto}
	w := newNet(t, n, 7, func(i int, c *Config) {
		c.Spread, c.Fanout, c.Interval = ways[i%len(ways)], 4, 100*sched.Millisecond
	})
	w.loss = 0.02
	w.joinAll()
	for round := range 5 {
		for i := range n {
			w.set(i, "k", fmt.Sprint(i, round))
		}
		w.run(50 * sched.Millisecond)
	}
	w.converge(30 * sched.Second)
}

// burst lets all members of a cluster write every 10 ms, and counts the frames until all hold
// all.
func burst(t *testing.T, spread tune.Spread) (frames uint64) {
	const n, rounds = 32, 20
	w := newNet(t, n, 8, func(_ int, c *Config) { c.Spread, c.Interval = spread, sched.Second })
	w.joinAll()
	for i := range n {
		w.set(i, "k", fmt.Sprint(i))
	}
	w.converge(60 * sched.Second)
	w.run(5 * sched.Second)
	for _, d := range w.nodes {
		frames -= d.core.counters.FramesSent
	}
	for round := range rounds {
		for i := range n {
			w.set(i, "k", fmt.Sprint(i, round))
		}
		w.run(10 * sched.Millisecond)
	}
	w.run(100 * sched.Millisecond)
	for i := range n {
		if got := w.holders(i); got != n {
			t.Errorf("%v, node %d: %d of %d hold what it wrote", spread, i, got, n)
		}
	}
	for _, d := range w.nodes {
		frames += d.core.counters.FramesSent
	}
	return frames
}

// Where one range is enough for all members, delegation costs what mail costs.
func TestDelegatesCostWhatMailCosts(t *testing.T) {
	mail, over := burst(t, tune.SpreadMail), burst(t, tune.SpreadDelegated)
	t.Logf("%d frames by mail, %d over delegates", mail, over)
	if over > mail*12/10 {
		t.Errorf("%d frames by mail, %d over delegates", mail, over)
	}
}

// Hostile records of delegation are dropped and counted, without a frame that they cause.
func TestForgedDelegations(t *testing.T) {
	w := delegated(t, 24, 4, 9)
	d := w.nodes[0]
	p := d.core.roster.Find(w.nodes[1].core.me.ID)
	if p == 0 {
		t.Fatal("it does not know its neighbour")
	}
	f := func(name string, records []byte, reason Drop) {
		t.Helper()
		before, taken := d.core.counters.Drops[reason], d.core.counters.DelegationsTaken
		d.core.counters.FramesReceived++
		d.core.received.Begin(w.now, d.core.counters.FramesReceived, p)
		for len(records) > 0 {
			typ, body, rest := codec.NextRecord(records)
			d.core.record(p, typ, body)
			records = rest
		}
		if d.core.counters.Drops[reason] != before+1 || d.core.counters.DelegationsTaken != taken {
			t.Errorf("%s: counted %d, taken %d", name, d.core.counters.Drops[reason]-before, d.core.counters.DelegationsTaken-taken)
		}
	}
	author, own := w.nodes[2].core.me.ID, d.core.me.ID
	run := func(id codec.OriginID, from uint64) []byte {
		var rw codec.RunWriter
		rw.Begin(nil, 1200, codec.RunHead{ID: id, From: from, Max: from})
		return rw.End(from)
	}
	whole := codec.AppendDelegate(nil, &codec.Delegate{Serial: 1, Ranged: true, Lo: 0, Hi: 1<<64 - 1})
	f("no run before it", whole, DropRecord)
	f("the whole ring", append(run(author, 1), whole...), DropForged)
	f("news of our own", append(run(own, 1), whole...), DropForged)
	f("not where we are", append(run(author, 1), codec.AppendDelegate(nil, &codec.Delegate{
		Serial: 1, Ranged: true, Lo: uint64(own) + 1, Hi: uint64(own) + 2,
	})...), DropForged)
	f("the range before, and there is none", append(run(author, 1), codec.AppendDelegate(nil, &codec.Delegate{Serial: 1, Same: true})...), DropRecord)
	f("cut off", append(run(author, 1), codec.AppendRecord(nil, codec.TypeDelegate, whole[codec.RecordBytes:len(whole)-1])...), DropRecord)
	f("an answer that says nothing", codec.AppendRecord(nil, codec.TypeCovered, []byte{1}), DropRecord)
}

// Delegation allocates nothing once it has run for a while: writes, parcels, acknowledgements,
// and those that are overdue.
func TestDelegationDoesNotAllocate(t *testing.T) {
	w := delegated(t, 24, 4, 10)
	var buf [codec.FrameBytesMax]byte
	round, frames := 0, 0
	var e Event
	op := Op{Kind: Set, Key: []byte("k"), Value: []byte("v")}
	deliver := func() {
		for _, d := range w.nodes {
			for n, to, ok := d.core.Transmit(w.now, buf[:]); ok; n, to, ok = d.core.Transmit(w.now, buf[:]) {
				if frames++; frames%5 != 0 || n > 60 { // of acknowledgements alone every fifth is lost
					w.at[to].core.Receive(w.now, d.addr, buf[:n])
				}
			}
		}
	}
	one := func() {
		round++
		for _, d := range w.nodes[:4] {
			d.version++
			op.Version = d.version
			d.core.Write(w.now, &op)
		}
		for range 4 {
			deliver()
			w.now += sched.Millisecond
			for _, d := range w.nodes {
				d.core.Tick(w.now, w.wall)
				for d.core.NextEvent(&e) {
				}
			}
		}
	}
	for range 500 {
		one()
	}
	if n := testing.AllocsPerRun(200, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	var sum uint64
	for _, d := range w.nodes {
		sum += d.core.counters.DelegationsReplaced
	}
	if sum == 0 {
		t.Error("nothing was overdue")
	}
}
