package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Who has no room for our writes is believed in what it says of this life of ours, and of no more
// than was written.
func TestNoRoomForOurWrites(t *testing.T) {
	const own = codec.OriginID(7)
	f := func(name string, full codec.FullAt, want bool) {
		t.Helper()
		n := newNode(t, usual())
		n.write(t, 0)
		n.write(t, 1)
		v := n.mail.ReceiveFull(&reconcile.Frame{Peer: 1}, codec.AppendFullAt(nil, &full))
		missing, is := n.cursors[1].Full()
		if v != reconcile.Taken || n.count.FullsReceived != 1 || is != want || want && missing != full.Missing {
			t.Errorf("%s: verdict %d, full %v, %d missing, %d received", name, v, is, missing, n.count.FullsReceived)
		}
	}
	f("of some", codec.FullAt{ID: own, Through: 1, Missing: 3}, true)
	f("of all", codec.FullAt{ID: own, Through: 2, Missing: 4}, true)
	f("of more than was written", codec.FullAt{ID: own, Through: 3}, false)
	f("of another life", codec.FullAt{ID: own + 1, Through: 1}, false)
	n := newNode(t, usual())
	if v := n.mail.ReceiveFull(&reconcile.Frame{Peer: 1}, nil); v != reconcile.Malformed || n.count.FullsReceived != 0 {
		t.Errorf("an empty body: verdict %d", v)
	}
}

// voice is a Word that notes when it is asked.
type voice struct {
	rides, answers int
	said           uint64
}

func (v *voice) Ride(b []byte, _ *reconcile.Page) []byte   { v.rides++; return b }
func (v *voice) Answer(b []byte, _ *reconcile.Page) []byte { v.answers++; return b }
func (v *voice) Said(uint32) uint64                        { return v.said }

// What the node says of its log rides on the frame that brings a peer level, and on no other; who
// asks is answered with it, and with how far our writes go, unless mail will say so.
func TestWhatRidesOnMail(t *testing.T) {
	n, v := newNode(t, usual()), new(voice)
	n.mail.parts.Word = v
	n.write(t, 0)
	n.page = reconcile.Page{Limit: 1200, Peer: 1}
	if _, done := n.mail.Append(n.buf[:0], &n.page); !done || v.rides != 1 {
		t.Errorf("level: done %v, %d words", done, v.rides)
	}
	for k := byte(0); n.store.Max(n.own) < 200; k++ { // more than a frame holds
		e := codec.Entry{Version: n.store.Max(n.own) + 1, Key: []byte{'k', k}, Value: n.buf[:40]}
		n.store.Apply(n.own, &e)
		n.store.Advance(n.own, e.Version, 0)
	}
	if _, done := n.mail.Append(n.buf[:0], &n.page); done || v.rides != 1 || n.cursors[1].At() >= 200 {
		t.Errorf("not level: done %v, %d words, sent up to %d", done, v.rides, n.cursors[1].At())
	}
	ask := func(name string, asked bool, at uint64, spread tune.Spread, want bool) {
		t.Helper()
		before := v.answers
		n.mail.cfg.Spread, n.cursors[2], n.debts[2] = spread, Cursor{}, Debt{}
		n.cursors[2].Mailed(at)
		if asked {
			n.debts[2].Answer()
		}
		n.page = reconcile.Page{Limit: 1200, Peer: 2}
		if n.mail.AppendHave(n.buf[:0], &n.page); v.answers-before != btoi(want) {
			t.Errorf("%s: %d answers", name, v.answers-before)
		}
	}
	ask("nobody asks", false, 200, tune.SpreadMail, false)
	ask("all is mailed", true, 200, tune.SpreadMail, true)
	ask("mail is on its way", true, 199, tune.SpreadMail, false)
	ask("there is no mail", true, 199, tune.SpreadGossip, true)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// Why news takes its way, and into how many ranges it is cut.
func TestWhyNewsTakesItsWay(t *testing.T) {
	f := func(spread tune.Spread, most int, scattered bool, way tune.Spread, why Why) {
		t.Helper()
		cfg := usual()
		cfg.Spread, cfg.MailMax = spread, most
		n := newNode(t, cfg)
		n.mail.parts.Scattered = scattered
		n.mail.look(sched.Second)
		got, direct, because := n.mail.Chosen()
		if got != way || because != why || (direct > 0) != (way == tune.SpreadDelegated) {
			t.Errorf("%v, at most %d: %v, %d directly, %v; want %v, %v", spread, most, got, direct, because, way, why)
		}
		if tells := way == tune.SpreadMail || way == tune.SpreadDelegated; n.mail.Tells() != tells || n.mail.Pushes() != (way != tune.SpreadGossip) {
			t.Errorf("%v: tells %v, pushes %v", way, n.mail.Tells(), n.mail.Pushes())
		}
	}
	f(tune.SpreadAuto, peers, false, tune.SpreadMail, WhyFew)
	f(tune.SpreadAuto, peers-1, false, tune.SpreadDelegated, WhyMany)
	f(tune.SpreadAuto, peers, true, tune.SpreadMail, WhyPartial)
	f(tune.SpreadAuto, peers-1, true, tune.SpreadRumor, WhyPartial)
	f(tune.SpreadDelegated, peers, false, tune.SpreadDelegated, WhyChosen)
	f(tune.SpreadDelegated, peers, true, tune.SpreadRumor, WhyChosen)
	f(tune.SpreadGossip, peers, false, tune.SpreadGossip, WhyChosen)
}

// A fan-out that nobody chose is about ln n and two more, eight at most.
func TestFanoutFollowsTheSize(t *testing.T) {
	n := newNode(t, usual())
	const most = 3000
	n.roster.Init(roster.Limits{Handles: most, Seats: most, Candidates: most, Pick: most}, &n.rand)
	want := map[int]int{1: 3, 32: 3, 33: 4, 65: 4, 66: 5, 130: 5, 132: 6, 528: 8, most: 8}
	for reach := 1; reach <= most; reach++ {
		p, life := n.roster.Take(), roster.Life(0)
		n.roster.BecomeNamed(p, &life)
		n.roster.BecomeProven(p, &life)
		if k, ok := want[reach]; ok && n.mail.Fanout() != k {
			t.Errorf("%d members: %d, want %d", reach, n.mail.Fanout(), k)
		}
	}
	if n.mail.cfg.Fanout = 2; n.mail.Fanout() != 2 {
		t.Errorf("2 is chosen: %d", n.mail.Fanout())
	}
}

// An acknowledgement waits for its delay, to the nanosecond: it may find a ride.
func TestHowLongAnAcknowledgementWaits(t *testing.T) {
	n := newNode(t, usual())
	n.mail.Owe(sched.Second, 2)
	at := sched.Second + n.mail.cfg.AckDelay
	if _, early := n.wheel.Expire(at - sched.Millisecond); early {
		t.Error("it did not wait")
	}
	if id, ok := n.wheel.Expire(at + sched.Millisecond); !ok || id != timerAck+2*2 {
		t.Errorf("timer %d, %v", id, ok)
	}
}

// Who was heard lately and did not acknowledge is asked with the next frame what it has, who
// was not may only be far.
func TestLateOrOnlySilent(t *testing.T) {
	f := func(silence sched.Instant, asks bool) {
		t.Helper()
		n := newNode(t, usual())
		now := sched.Instant(10 * sched.Second)
		n.write(t, now)
		n.send(now, 1)
		n.paths.Sends(&n.links[1], now, false)
		n.links[1].Time(now, true)
		n.paths.Hears(&n.links[1], now)
		if n.mail.Resend(now+silence, 1) || n.count.Rewinds != 1 || n.paths.Asks(&n.links[1], now+silence) != asks {
			t.Errorf("silent for %d: %d rewinds, the next frame asks: %v", silence, n.count.Rewinds, n.paths.Asks(&n.links[1], now+silence))
		}
	}
	f(heardMin, true)
	f(heardMin+1, false)
}

// References are sent to who was told what our log sums up to, since others brought it any of it, who
// knows them, has room, and does not ask again and again.
func TestWhoIsSentReferences(t *testing.T) {
	n, v := newNode(t, usual()), new(voice)
	n.mail.parts.Word = v
	for i := range 40 {
		n.write(t, sched.Instant(i))
	}
	g := &reconcile.Page{Peer: 1, Kinds: codec.KindByRef}
	have := func(at, version uint64) {
		n.cursors[1].Mailed(at)
		_, body, _ := codec.NextRecord(codec.AppendHave(nil, codec.Have{Max: version}))
		n.links[1].Sent(false) // which it has seen
		if got := n.mail.Receive(&reconcile.Frame{Peer: 1, Fresh: true, Ack: n.links[1].Last()}, body); got != reconcile.Taken {
			t.Fatal(got)
		}
	}
	f := func(name string, want bool) {
		t.Helper()
		if got := n.mail.knows(g) >= codec.KindByRef; got != want {
			t.Errorf("%s: references %v", name, got)
		}
	}
	f("at first", false)
	have(5, 5)
	f("it was told nothing", false)
	v.said = 7
	have(7, 6)
	f("it does not hold so much", false)
	have(7, 7)
	f("it was told", true)
	v.said = 20
	have(20, 12)
	f("it is told again", true)
	g.Kinds = codec.KindByRef - 1
	f("it is of an older version", false)
	g.Kinds = codec.KindByRef
	have(20, 25)
	f("others brought it some", false)
	have(26, 26)
	f("it was told before that", false)
	v.said = 26
	have(26, 26)
	f("it was told after that", true)
	n.cursors[1].NoRoom(&codec.FullAt{Version: 26, Through: 30, Missing: 1})
	f("it is full", false)
	have(30, 30)
	f("it has room", true)
	n.cursors[1].Told(35)
	f("delegates told it", false)
	have(36, 36)
	v.said = 36
	have(36, 36)
	f("it was told since", true)
	for range 20 {
		n.filler.Asked(0, 1)
	}
	f("it asks and asks", false)
}
