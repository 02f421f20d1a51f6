package events

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

const kept = 4

func newNode() (*Events, *Counters) {
	v, n := new(Events), new(Counters)
	v.Init(Limits{Origins: 8, Kept: kept}, n)
	return v, n
}

// deliver gives a frame's records to a node, for which the author of event n has
// handle n. It returns the numbers of the events that were new, and whether the
// frame asked for those that are kept.
func deliver(t *testing.T, to *Events, frame []byte) (fresh []uint64, asked bool) {
	t.Helper()
	for len(frame) > 0 {
		kind, body, rest := codec.NextRecord(frame)
		var e codec.Event
		switch {
		case kind != codec.TypeEvent:
			t.Fatalf("record %d", kind)
		case len(body) == 0:
			asked = true
		case codec.ParseEvent(body, &e) != nil:
			t.Fatal("not an event")
		case to.Receive(uint32(e.Origin), &e, body, false):
			fresh = append(fresh, e.Seq)
		}
		frame = rest
	}
	return fresh, asked
}

func send(t *testing.T, v *Events, self codec.OriginID, topic string) uint64 {
	t.Helper()
	time, ok := v.Send(self, []byte(topic), nil)
	if !ok {
		t.Fatal("refused")
	}
	return time
}

func TestAnEventIsTakenOnceAndInTheOrderOfCauses(t *testing.T) {
	a, _ := newNode()
	b, n := newNode()
	var p Peer
	var last uint64
	for range 3 {
		last = send(t, a, 1, "t")
		a.Offer(&p, false, false)
	}
	frame, done := a.Append(nil, 1400, &p, 1, 1, 2)
	if fresh, _ := deliver(t, b, frame); !done || fmt.Sprint(fresh) != "[3]" {
		t.Fatalf("took %v: an offer is of the newest", fresh)
	}
	if fresh, _ := deliver(t, b, frame); len(fresh) != 0 || n.BroadcastsKnown != 1 || n.BroadcastsTaken != 1 {
		t.Errorf("took %v again, %+v", fresh, *n)
	}
	if next := send(t, b, 2, "t"); next <= last {
		t.Errorf("an event of time %d after one of %d", next, last)
	}
	if frame, done = a.Append(nil, 1400, &p, 1, 1, 2); len(frame) != 0 || !done {
		t.Error("it is sent twice")
	}
}

// A peer that has events due keeps its place: what is offered meanwhile comes
// behind them.
func TestOffersGather(t *testing.T) {
	a, _ := newNode()
	b, _ := newNode()
	var p Peer
	for k := range 3 {
		send(t, a, 1, "t")
		a.Offer(&p, k > 0, false)
	}
	var fresh []uint64
	for done := false; !done; {
		var frame []byte
		room := 40 // for one event
		frame, done = a.Append(nil, room, &p, 1, 1, 2)
		if len(frame) > room {
			t.Fatalf("%d bytes", len(frame))
		}
		took, _ := deliver(t, b, frame)
		fresh = append(fresh, took...)
	}
	if fmt.Sprint(fresh) != "[1 2 3]" {
		t.Errorf("took %v", fresh)
	}
}

// Events of others go only to whom they are relayed, and not back to their author.
func TestRelays(t *testing.T) {
	a, _ := newNode()
	b, _ := newNode()
	var toA, toC, toD Peer
	send(t, a, 1, "t")
	var p Peer
	a.Offer(&p, false, false)
	frame, _ := a.Append(nil, 1400, &p, 1, 1, 2)
	deliver(t, b, frame)
	sent := func(p *Peer, to codec.OriginID, relays bool) int {
		b.Offer(p, false, relays)
		frame, _ := b.Append(nil, 1400, p, 1, 2, to)
		return len(frame)
	}
	if sent(&toA, 1, true) != 0 {
		t.Error("an event goes back to its author")
	}
	if sent(&toC, 3, true) == 0 {
		t.Error("it is not relayed")
	}
	if sent(&toD, 4, false) != 0 {
		t.Error("it is relayed by who only speaks for itself")
	}
}

func TestWhoJoinsLateGetsWhatIsKept(t *testing.T) {
	a, _ := newNode()
	late, _ := newNode()
	for range kept + 3 {
		send(t, a, 1, "t")
	}
	var toA, toLate Peer
	late.Ask()
	frame, _ := late.Append(nil, 1400, &toA, 1, 9, 1)
	if _, asked := deliver(t, a, frame); !asked {
		t.Fatal("it does not ask")
	}
	a.Replay(&toLate)
	frame, _ = a.Append(nil, 1400, &toLate, 1, 1, 9)
	if fresh, _ := deliver(t, late, frame); fmt.Sprint(fresh) != "[4 5 6 7]" {
		t.Errorf("took %v", fresh)
	}
	var e codec.Event
	for range kept {
		if !late.Next(&e) {
			t.Error("the shell is not given all")
		}
	}
	if late.Next(&e) {
		t.Error("the shell is given too much")
	}
}

func TestASlowShellLosesTheOldestAndIsToldSo(t *testing.T) {
	a, n := newNode()
	for range kept + 3 {
		send(t, a, 1, "t")
	}
	var e codec.Event
	if !a.Next(&e) || e.Seq != 4 || n.BroadcastsLost != 3 {
		t.Errorf("event %d, %d lost", e.Seq, n.BroadcastsLost)
	}
}

func TestForgottenAuthorsBeginAnew(t *testing.T) {
	v, _ := newNode()
	v.Forget(3) // before there is anything
	e := codec.Event{Origin: 3, Seq: 1, Time: 1, Topic: []byte("t")}
	body := codec.AppendEventBody(nil, &e)
	first, again := v.Receive(3, &e, body, false), v.Receive(3, &e, body, false)
	v.Forget(3)
	if !first || again || !v.Receive(3, &e, body, false) {
		t.Error("the handle's next author is taken for the one before")
	}
}

func TestSteadyStateAllocatesNothing(t *testing.T) {
	a, _ := newNode()
	b, _ := newNode()
	var p Peer
	var e codec.Event
	topic, buf := []byte("deploy"), make([]byte, 0, 1400)
	step := func() {
		a.Send(1, topic, topic)
		a.Offer(&p, false, false)
		frame, _ := a.Append(buf, 1400, &p, 1, 1, 2)
		_, body, _ := codec.NextRecord(frame)
		if codec.ParseEvent(body, &e) != nil || !b.Receive(1, &e, body, false) || !b.Next(&e) || !a.Next(&e) {
			t.Fatal("lost")
		}
	}
	step() // the first one takes the memory
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestNumbersInAnothersName: somebody sends an event in an author's name under a number far ahead.
// It is one event more, and those of the author are taken as before: where the author itself sends
// them, or once the number has come to it. Those that were seen before are not taken again.
func TestNumbersInAnothersName(t *testing.T) {
	at := func(v *Events, seq uint64, direct bool) bool {
		e := codec.Event{Origin: 3, Seq: seq, Time: 1, Topic: []byte("t")}
		return v.Receive(3, &e, codec.AppendEventBody(nil, &e), direct)
	}
	for _, ahead := range []uint64{SeenWindow, 1000, seqStepMax} {
		v, _ := newNode()
		for seq := uint64(1); seq <= 200; seq++ {
			if !at(v, seq, true) {
				t.Fatal("an event is not taken")
			}
		}
		if !at(v, 200+ahead, false) || at(v, 201+ahead+seqStepMax, false) {
			t.Errorf("%d ahead: a step is bounded by %d", ahead, uint64(seqStepMax))
		}
		for seq := uint64(100); seq <= 200; seq++ { // as to who asks for what is kept
			if at(v, seq, true) {
				t.Errorf("%d ahead: event %d is taken twice", ahead, seq)
			}
		}
		for seq := uint64(201 + SeenWindow); seq < 300+SeenWindow; seq++ {
			if !at(v, seq, true) || at(v, seq, true) {
				t.Errorf("%d ahead: event %d of the author", ahead, seq)
			}
		}
	}

	author, n := newNode()
	send(t, author, 3, "t")
	author.Returned(&codec.Event{Origin: 3, Seq: 1000})
	author.Returned(&codec.Event{Origin: 3, Seq: 1001 + seqStepMax}) // nobody takes that
	send(t, author, 3, "t")
	var e codec.Event
	for author.Next(&e) {
		continue
	}
	if e.Seq != 1001 || n.BroadcastsKnown != 2 {
		t.Errorf("the author goes on with %d", e.Seq)
	}
}
