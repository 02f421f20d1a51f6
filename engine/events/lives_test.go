package events

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// authors walks the events of a frame and returns whose they are.
func authors(t *testing.T, frame []byte) (of []codec.OriginID) {
	t.Helper()
	for len(frame) > 0 {
		_, body, rest := codec.NextRecord(frame)
		var e codec.Event
		if err := codec.ParseEvent(body, &e); err != nil {
			t.Fatal(err)
		}
		of, frame = append(of, e.Origin), rest
	}
	return of
}

// TestEventsGoOnInTheNextLife: a life that follows on another one of the same boot sends what that
// one still owed, as its own; and what is kept of it is passed on as the present life's. Events of
// others stay theirs, and each number stays taken once.
func TestEventsGoOnInTheNextLife(t *testing.T) {
	const former, present, other = 1, 7, 2
	for _, all := range []bool{false, true} {
		v, _ := newNode()
		var p Peer
		send(t, v, former, "a")
		v.Offer(&p, false, all)
		foreign := codec.Event{Origin: other, Seq: 1, Time: 1, Topic: []byte("b")}
		if !v.Receive(other, &foreign, codec.AppendEventBody(nil, &foreign), false) {
			t.Fatal("an event of another is not new")
		}
		send(t, v, former, "c")
		v.Renamed(former, present)

		frame, done := v.Append(nil, 1400, &p, 1, present, 99)
		if !done {
			t.Fatal("some did not fit")
		}
		want := []codec.OriginID{present, present}
		if all {
			want = []codec.OriginID{present, other, present}
		}
		if of := authors(t, frame); len(of) != len(want) || of[0] != want[0] || of[1] != want[1] {
			t.Errorf("all %v: a life owes events of %v and sends those of %v", all, want, of)
		}
	}
}

// TestNumbersGoOnInTheNextLife: an origin that goes on under another handle has sent what it sent;
// one that is forgotten, or follows on another boot, begins anew.
func TestNumbersGoOnInTheNextLife(t *testing.T) {
	v, _ := newNode()
	take := func(o uint32, seq uint64) bool {
		e := codec.Event{Origin: codec.OriginID(o), Seq: seq, Time: seq, Topic: []byte("t")}
		return v.Receive(o, &e, codec.AppendEventBody(nil, &e), false)
	}
	for seq := uint64(1); seq <= 3; seq++ {
		if !take(1, seq) {
			t.Fatalf("event %d is not new", seq)
		}
	}
	k := v.Known(1)
	v.Know(4, k)
	v.Forget(1)
	for seq := uint64(1); seq <= 3; seq++ {
		if take(4, seq) {
			t.Errorf("event %d is taken twice", seq)
		}
		if !take(1, seq) {
			t.Errorf("event %d of whom nothing is known is not taken", seq)
		}
	}
	if !take(4, 4) {
		t.Error("the next event of the life that goes on is not taken")
	}
}
