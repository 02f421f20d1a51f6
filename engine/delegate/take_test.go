package delegate

import (
	"maps"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// offer is a good one to a node: a quarter of its share on each side.
func (w *world) offer(to, from, author int) *Offer {
	const span = 1 << 57
	p := w.place(to)
	return &Offer{
		Parcel: Parcel{Range: Range{p - span, p + span}, Origin: uint32(author + 1), From: 0, To: 1, Serial: 5},
		Peer:   uint32(from + 1), Sender: w.place(from), Author: w.place(author), Held: 1,
	}
}

// apart gives nodes far from each other on the ring: receiver, sender, author.
func (w *world) apart() (to, from, author int) {
	n := w.ring.Len()
	of := func(i int) int { return int(w.ring.spots[i%n].Peer - 1) }
	return of(n / 8), of(n / 2), of(n * 3 / 4)
}

// Forged ranges are refused and counted: nothing is covered, nothing is acknowledged.
func TestForgedRanges(t *testing.T) {
	w := newWorld(1000, 32, 2)
	to, from, author := w.apart()
	n := w.nodes[to]
	f := func(name string, change func(o *Offer), want Verdict) {
		t.Helper()
		o := w.offer(to, from, author)
		change(o)
		before := n.count
		if v := n.tree.Take(w.now, o); v != want {
			t.Errorf("%s: verdict %d, want %d", name, v, want)
		}
		made := n.tree.Flush(w.now)
		_, _, answered := n.answer(o.Peer)
		if forged := want == Forged; answered == forged || forged && made != 0 || (n.count.DelegationsForged == before.DelegationsForged) == forged {
			t.Errorf("%s: %d parcels, acknowledged %v, %+v", name, made, answered, n.count)
		}
	}
	me := w.place(to)
	f("a good one", func(*Offer) {}, Taken)
	f("it does not hold who gets it", func(o *Offer) { o.Lo = me + 1 }, Forged)
	f("it covers its sender", func(o *Offer) { o.Hi = w.place(from) }, Forged)
	f("it covers the author", func(o *Offer) { o.Sender, o.Hi = me-1<<60, w.place(author) }, Forged)
	f("the whole ring", func(o *Offer) { o.Range = Range{o.Sender + 1, o.Sender - 1}; o.Author = o.Sender }, Forged)
	f("a fifth of the ring", func(o *Offer) { o.Range = Range{me - 1<<60, me + 1<<61} }, Forged)
	f("all places", func(o *Offer) { o.Range = Range{0, ^uint64(0)} }, Forged)
	f("for nobody, whatever the range says", func(o *Offer) { o.Alone, o.Range = true, Range{0, ^uint64(0)} }, Stale)
}

// What was covered lately is acknowledged and not covered again, nor a part of it; so nothing
// comes round. Old news is not handed on.
func TestNothingIsCoveredTwice(t *testing.T) {
	w := newWorld(1000, 32, 2)
	to, from, author := w.apart()
	n := w.nodes[to]
	f := func(name string, change func(o *Offer), want Verdict, parcels bool) {
		t.Helper()
		o := w.offer(to, from, author)
		change(o)
		v, made := n.tree.Take(w.now, o), n.tree.Flush(w.now)
		serial, covers, ok := n.answer(o.Peer)
		if v != want || (made > 0) != parcels || !ok || !covers || serial != o.Serial {
			t.Errorf("%s: verdict %d, %d parcels, acknowledged %d %v %v", name, v, made, serial, covers, ok)
		}
	}
	f("first", func(*Offer) {}, Taken, true)
	f("again", func(*Offer) {}, Stale, false)
	f("by somebody else", func(o *Offer) { o.Peer, o.Sender = o.Peer+1, o.Sender+1 }, Stale, false)
	f("a part", func(o *Offer) { o.Lo += 1 << 40 }, Stale, false)
	f("newer", func(o *Offer) { o.To, o.Held = 2, 2 }, Taken, true)
	f("more", func(o *Offer) { o.To, o.Held = 2, 2; o.Hi += 1 << 50 }, Taken, true)
	f("old news", func(o *Offer) { o.Origin++; o.Old = true }, Stale, false)
}

// An offer that came beyond a hole waits, is acknowledged and covered when the hole is filled,
// and is dropped when somebody else must have it. One that can't be applied is refused at
// once.
func TestHolesWait(t *testing.T) {
	w := newWorld(1000, 32, 2)
	to, from, author := w.apart()
	n := w.nodes[to]
	o := w.offer(to, from, author)
	o.From, o.News, o.To, o.Held = 3, 3, 4, 2
	o.Before = 2
	if v := n.tree.Take(w.now, o); v != Taken || n.tree.Flush(w.now) != 0 {
		t.Fatalf("verdict %d", v)
	}
	if _, _, ok := n.answer(o.Peer); ok {
		t.Error("acknowledged before it is held")
	}
	if n.tree.Moved(w.now, o.Origin, 3) || !n.tree.Moved(w.now, o.Origin, 4) {
		t.Error("it waits for another version")
	}
	if made := n.tree.Flush(w.now); made == 0 {
		t.Error("nothing is covered")
	}
	for p := range n.peers { // the run starts at what was held, since those behind may lack as much
		if s := n.peers[p].head; s != 0 && n.tree.parcels.slot(s).from != 2 {
			t.Fatalf("%+v", n.tree.parcels.slot(s))
		}
	}
	if serial, covers, ok := n.answer(o.Peer); !ok || !covers || serial != o.Serial {
		t.Error("not acknowledged")
	}
	o.Alone, o.To = true, 9
	n.tree.Take(w.now, o)
	if _, _, ok := n.answer(o.Peer); ok || n.tree.Moved(w.now, o.Origin, 9) {
		t.Error("one for nobody else is covered, or acknowledged before it is held")
	}
	if _, covers, ok := n.answer(o.Peer); !ok || !covers {
		t.Error("it is not acknowledged when it is held")
	}
	o.Alone, o.Refuse = false, true
	if v := n.tree.Take(w.now, o); v != Busy {
		t.Errorf("verdict %d", v)
	}
	if _, covers, ok := n.answer(o.Peer); !ok || covers {
		t.Error("it is not refused")
	}
	o.Refuse, o.To, o.Held = false, 20, 9
	for n.count.DelegationsBusy == 0 {
		o.Serial++
		n.tree.Take(w.now, o)
	}
	if _, covers, ok := n.answer(o.Peer); !ok || covers || len(n.tree.tasks) != waitsEach {
		t.Error("who has no room does not say so")
	}
	if v := n.tree.Take(w.now+2*patience, o); v != Taken || len(n.tree.tasks) != 1 {
		t.Errorf("verdict %d: %d wait in vain", v, len(n.tree.tasks))
	}
}

// A delegate that refuses is replaced at once.
func TestRefused(t *testing.T) {
	w := newWorld(100, 4, 3)
	n := w.nodes[0]
	w.write(0, 1)
	p, busy := n.due[0], n.tree.parcels.busy
	var x Parcel
	n.tree.Next(p, &x)
	n.tree.Sent(w.now, p, 1, false)
	n.tree.Answered(w.now, p+1, x.Serial, false)
	n.tree.Answered(w.now, p, x.Serial+1000, false)
	if n.count.DelegationsRefused != 0 {
		t.Error("who was not sent it refuses it")
	}
	n.tree.Answered(w.now, p, x.Serial, false)
	n.tree.Answered(w.now, p, x.Serial, true)
	if c := n.count; c.DelegationsRefused != 1 || c.DelegationsReplaced != 1 || n.tree.parcels.busy != busy {
		t.Errorf("%+v, %d parcels", c, n.tree.parcels.busy)
	}
	w.check(t)
}

// Who acknowledges and does not cover is found by what its members lack, and loses its turn:
// not at once, not for what it never had, and once.
func TestLiarsAreFound(t *testing.T) {
	w := newWorld(100, 4, 3)
	n := w.nodes[0]
	w.write(0, 1)
	p := n.due[0]
	var x Parcel
	n.tree.Next(p, &x)
	n.tree.Sent(w.now, p, 1, false)
	n.tree.Answered(w.now, p, x.Serial, true)
	f := func(name string, after sched.Instant, place uint64, o uint32, held, want uint64) {
		t.Helper()
		n.tree.Lacks(w.now+after, place, o, held)
		if got := n.count.DelegationsFalse; got != want || (n.peers[p].out > w.now+after) != (want > 0) {
			t.Errorf("%s: %d liars, want %d", name, got, want)
		}
	}
	f("too early", 99*ms, x.Lo, 1, 0, 0)
	f("outside", 100*ms, x.Hi+1, 1, 0, 0)
	f("another origin", 100*ms, x.Lo, 2, 0, 0)
	f("it holds it", 100*ms, x.Lo, 1, 1, 0)
	f("it lacks it", 100*ms, x.Hi, 1, 0, 1)
	f("once", 100*ms, x.Hi, 1, 0, 1)
}

// audited lets node 0 write, and all acknowledge. It gives the ranges that were covered, by
// delegate.
func (w *world) audited(v uint64) map[uint32]Range {
	n := w.nodes[0]
	ranges := map[uint32]Range{}
	w.write(0, v)
	for _, p := range n.due {
		for x := (Parcel{}); n.tree.Next(p, &x); {
			n.tree.Sent(w.now, p, v, false)
			n.tree.Answered(w.now, p, x.Serial, true)
			if !x.Alone {
				ranges[p] = x.Range
			}
		}
	}
	n.due = n.due[:0]
	return ranges
}

// questions lets those questions leave that are due, by whom they go to.
func (w *world) questions(t *testing.T) map[uint32]Parcel {
	t.Helper()
	n := w.nodes[0]
	out := map[uint32]Parcel{}
	for _, p := range n.due {
		for x := (Parcel{}); n.tree.Next(p, &x); out[p] = x {
			if !x.Asks || !x.Alone {
				t.Errorf("%+v is due", x)
			}
			n.tree.Sent(w.now, p, x.To, false)
		}
	}
	n.due = n.due[:0]
	return out
}

// When a range should be covered one of its members is asked for it, and not the delegate: one
// of auditEach members.
func TestRangesAreAudited(t *testing.T) {
	for seed := range uint64(50) {
		audits(t, newWorld(100, 4, 3+seed))
	}
}

func audits(t *testing.T, w *world) {
	t.Helper()
	n := w.nodes[0]
	ranges := w.audited(1)
	members := 0
	for _, r := range ranges {
		members += w.ring.in(r).n
	}
	n.tree.Expire(w.now + 99*ms)
	if got := w.questions(t); len(got) != 0 {
		t.Fatal("somebody is asked too early")
	}
	w.now += 101 * ms
	n.tree.Expire(w.now)
	got := w.questions(t)
	if len(got) < 3 || len(got) > members/auditEach {
		t.Fatalf("of %d members in %d ranges %d are asked", members, len(ranges), len(got))
	}
	for p, x := range got {
		if delegate := n.tree.parcels.slot(x.Serial).accused; p == delegate || ranges[delegate] != x.Range || !x.Has(w.place(int(p-1))) {
			t.Errorf("%d is asked for the range of %d", p, delegate)
		}
	}
	n.tree.Expire(w.now + sched.Second)
	if got := w.questions(t); len(got) != 0 || n.tree.parcels.busy != 0 || n.count.DelegationsFalse != 0 {
		t.Errorf("nobody answers: %d more are asked, %d parcels wait, %d liars", len(got), n.tree.parcels.busy, n.count.DelegationsFalse)
	}
	w.check(t)
}

// Who is said to lack what somebody covered costs that one its turn, and others cover the
// range; who holds it costs nobody anything.
func TestConvicted(t *testing.T) {
	w := newWorld(100, 4, 3)
	n := w.nodes[0]
	w.audited(1)
	w.now += 101 * ms
	n.tree.Expire(w.now)
	lacks := true
	asked := w.questions(t)
	for _, p := range slices.Sorted(maps.Keys(asked)) {
		x := asked[p]
		delegate := n.tree.parcels.slot(x.Serial).accused
		before := n.count.DelegationsFalse
		n.tree.Answered(w.now, p, x.Serial, !lacks)
		if out := n.peers[delegate].out > w.now; out != lacks || (n.count.DelegationsFalse > before) != lacks {
			t.Errorf("%d lacks it, %v: %d has lost its turn: %v", p, lacks, delegate, out)
		}
		if (n.tree.Waiting() > 0) != lacks {
			t.Errorf("%d ranges wait", n.tree.Waiting())
		}
		n.tree.Flush(w.now)
		covered := 0
		for _, q := range n.due {
			for y := (Parcel{}); n.tree.Next(q, &y); n.tree.Sent(w.now, q, y.To, false) {
				if !x.Holds(y.Range) || q == delegate && !y.Alone {
					t.Errorf("%d covers %v of %v", q, y.Range, x.Range)
				}
				covered += w.ring.in(y.Range).n
			}
		}
		if n.due = n.due[:0]; lacks && covered != w.ring.in(x.Range).n {
			t.Errorf("%d are covered anew, of %d", covered, w.ring.in(x.Range).n)
		}
		lacks = false
	}
	w.check(t)
}

// A question is answered at once by what is held, and covers nothing.
func TestQuestions(t *testing.T) {
	w := newWorld(30, 4, 3)
	n := w.nodes[5]
	f := func(held uint64, refuse, want bool) {
		t.Helper()
		o := Offer{Parcel: Parcel{Alone: true, Asks: true, Origin: 1, From: 7, To: 7, Serial: 9}, Peer: 3, Held: held, Before: held, Refuse: refuse}
		v := n.tree.Take(w.now, &o)
		serial, covers, ok := n.answer(3)
		if v != Stale || serial != 9 || !ok || covers != want || n.tree.Waiting() != 0 {
			t.Errorf("held %d: %v, %v", held, v, covers)
		}
	}
	f(7, false, true)
	f(8, false, true)
	f(6, false, false)
	f(6, true, true) // it has no room: that is no delegate's fault
}

// TestAllThatWaitedAreAnswered: whoever offered what was not here yet hears that it is, however
// many did, once it came.
func TestAllThatWaitedAreAnswered(t *testing.T) {
	for many := 1; many <= 5; many++ {
		w := newWorld(1000, 32, 9)
		to, from, author := w.apart()
		n := w.nodes[to]
		o := w.offer(to, from, author)
		for serial := range uint32(many) {
			o.Alone, o.Held, o.Serial = true, 0, 1+serial
			if v := n.tree.Take(w.now, o); v != Taken {
				t.Fatalf("verdict %d", v)
			}
		}
		if _, _, ok := n.answer(o.Peer); ok {
			t.Error("it is acknowledged before it is here")
		}
		n.tree.Moved(w.now, o.Origin, 1)
		for range many {
			if _, covers, ok := n.answer(o.Peer); !ok || !covers {
				t.Errorf("of %d one is not answered", many)
			}
		}
		if len(n.tree.tasks) != 0 {
			t.Errorf("%d of %d wait still", len(n.tree.tasks), many)
		}
	}
}

// TestQueuesStayWhole: whichever parcels of a peer's queue are dropped, the others leave in their order,
// and those that come later do behind them.
func TestQueuesStayWhole(t *testing.T) {
	for dropped := range uint32(16) {
		w := newWorld(8, 2, 3)
		n := w.nodes[0]
		add := func(origin uint32) {
			n.tree.queue(w.now, &parcel{origin: origin, peer: 2, Range: Range{uint64(origin), uint64(origin)}, to: 1})
		}
		var want []uint32
		for o := uint32(1); o <= 4; o++ {
			add(o)
		}
		for o := uint32(1); o <= 4; o++ {
			if dropped>>(o-1)&1 != 0 {
				n.tree.Forget(o)
			} else {
				want = append(want, o)
			}
		}
		add(5)
		add(6)
		want = append(want, 5, 6)
		var got []uint32
		for p := (Parcel{}); n.tree.Next(2, &p); n.tree.Skip(2) {
			got = append(got, p.Origin)
		}
		if !slices.Equal(got, want) || n.tree.parcels.busy != 0 {
			t.Errorf("of six parcels, %04b of the first dropped: %v leave, want %v; %d are busy", dropped, got, want, n.tree.parcels.busy)
		}
	}
}
