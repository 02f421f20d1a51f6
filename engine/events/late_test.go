package events

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// event is number seq of author 3, as it is on the wire.
func event(seq uint64) (e codec.Event, body []byte) {
	e = codec.Event{Origin: 3, Seq: seq, Time: seq, Topic: []byte("t")}
	return e, codec.AppendEventBody(nil, &e)
}

// TestWhatIsLostIsCounted: an event that may have been seen, one that the shell did not take in
// time and one that a peer was not sent in time are lost, each counted once, and what comes after
// them is taken and sent.
func TestWhatIsLostIsCounted(t *testing.T) {
	v, n := newNode()
	take := func(seq uint64) bool {
		e, body := event(seq)
		return v.Receive(3, &e, body, false)
	}
	if !take(SeenWindow + 1) {
		t.Fatal("the first one is refused")
	}
	if !take(2) || n.BroadcastsLost != 0 {
		t.Errorf("the oldest one that is known to be new is lost: %+v", n)
	}
	if take(1) || n.BroadcastsLost != 1 || n.BroadcastsKnown != 0 {
		t.Errorf("one that may have been seen: %+v", n)
	}
	if take(2) || n.BroadcastsKnown != 1 || n.BroadcastsLost != 1 {
		t.Errorf("one that was seen: %+v", n)
	}
	if take(0) || n.BroadcastsLost != 1 {
		t.Errorf("one without a number: %+v", n)
	}

	v, n = newNode()
	var p Peer
	for range kept {
		send(t, v, 1, "t")
		v.Offer(&p, p.at > 0 || v.seq > 1, false)
	}
	if n.BroadcastsSent != kept || n.BroadcastsLost != 0 || v.Room() {
		t.Fatalf("%+v, room %v", n, v.Room())
	}
	send(t, v, 1, "t") // one too many, for the shell and for the peer
	frame, done := v.Append(nil, 1400, &p, 1, 1, 2)
	if n.BroadcastsLost != 1 || !done {
		t.Errorf("what a peer was not sent: %+v", n)
	}
	other, _ := newNode()
	if fresh, _ := deliver(t, other, frame); len(fresh) != kept || fresh[0] != 2 {
		t.Errorf("it is sent %v", fresh)
	}
	var e codec.Event
	for want := uint64(2); want <= kept+1; want++ {
		if !v.Next(&e) || e.Seq != want {
			t.Fatalf("the shell is given %d, want %d", e.Seq, want)
		}
	}
	if v.Next(&e) || n.BroadcastsLost != 2 {
		t.Errorf("what the shell did not take: %+v", n)
	}
	if again, done := v.Append(nil, 1400, &p, 1, 1, 2); len(again) != 0 || !done || n.BroadcastsLost != 2 {
		t.Error("what was sent is sent again")
	}
}

// TestFramesAreFilled: a frame is filled to its last byte, and what has no room in it is due in the
// next.
func TestFramesAreFilled(t *testing.T) {
	v, _ := newNode()
	send(t, v, 1, "t")
	v.Offer(new(Peer), false, false)
	size := codec.RecordBytes + len(v.kept.At(0))
	send(t, v, 1, "t")
	for room, want := range map[int]int{size - 1: 0, size: 1, 2*size - 1: 1, 2 * size: 2} {
		p := Peer{}
		frame, done := v.Append(nil, room, &p, 1, 1, 2)
		if len(frame) != want*size || done != (want == 2) || p.at != uint64(want) {
			t.Errorf("in %d bytes %d, done %v, next %d; want %d events", room, len(frame), done, p.at, want)
		}
	}
}

// TestAsksOnce: who asks for what others keep asks one of them, once; and nobody who is asked
// before they keep anything fails.
func TestAsksOnce(t *testing.T) {
	v, _ := newNode()
	v.Ask()
	asks := func() bool {
		frame, _ := v.Append(nil, 1400, new(Peer), 1, 1, 2)
		_, asked := deliver(t, v, frame)
		return asked
	}
	if !asks() || asks() {
		t.Error("it asks not at all, or twice")
	}
	fresh, _ := newNode()
	var p Peer
	fresh.Replay(&p)
	if frame, done := fresh.Append(nil, 1400, &p, 1, 1, 2); len(frame) != 0 || !done {
		t.Errorf("%d bytes of nothing", len(frame))
	}
	from, _ := newNode()
	for seq := uint64(1); seq <= 2; seq++ {
		e, body := event(seq)
		from.Receive(3, &e, body, false)
	}
	q := Peer{at: 2}
	from.Replay(&q)
	if frame, _ := from.Append(nil, 1400, &q, 1, 1, 2); len(frame) == 0 {
		t.Error("what is kept of others is not given to who asks")
	}
}

// TestWhatIsNotNews: an event that comes again is not passed on again, a peer that was left out is
// sent the newest alone and holds nobody up, and a shell that takes nothing does.
func TestWhatIsNotNews(t *testing.T) {
	author, f := newFake(t, 55), newFake(t, 7)
	author.cast.Send([]byte("topic"), nil)
	again := author.frame(t, 1)
	f.pushes, f.relays = false, true
	if f.take(again, 1); f.due() == 0 {
		t.Fatal("what is new is not passed on")
	}
	for _, p := range f.all {
		f.frame(t, p)
	}
	if f.take(again, 2); f.due() != 0 {
		t.Error("what is known is passed on again")
	}
	f.cast.Forget(f.store.Find(55))
	if f.take(again, 1); f.due() == 0 {
		t.Error("what was known of an author is known of whoever has its handle")
	}

	f = newFake(t, 7)
	f.mails = false // to two of three
	var e codec.Event
	for n := range 3 * kept {
		if _, st := f.cast.Send([]byte("topic"), nil); st != Sent {
			t.Fatalf("event %d: status %d, for a peer to which nothing is due", n, st)
		}
		f.cast.Next(&e)
		f.frame(t, 1)
		f.frame(t, 2)
	}
	f.mails = true // to all
	f.cast.Send([]byte("topic"), nil)
	_, body, rest := codec.NextRecord(f.frame(t, 3))
	if codec.ParseEvent(body, &e) != nil || e.Seq != 3*kept+1 || len(rest) != 0 {
		t.Errorf("a peer that was left out is sent %d, and %d bytes more", e.Seq, len(rest))
	}

	f = newFake(t, 7)
	for n := range kept + 1 {
		_, st := f.cast.Send([]byte("topic"), nil)
		if (st == Busy) != (n == kept) {
			t.Errorf("event %d: status %d, though the shell took none", n, st)
		}
		for _, p := range f.all {
			f.frame(t, p)
		}
	}
}
