package events

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
)

// fake is a node with three peers, whose ids are 101 to 103.
type fake struct {
	cast                           Cast
	store                          state.Store
	board                          due.Board
	count                          Counters
	peers                          [4]Peer
	all                            []uint32
	mails, relays, pushes, partial bool
}

func (f *fake) Peer(p uint32) *Peer        { return &f.peers[p] }
func (f *fake) ID(p uint32) codec.OriginID { return codec.OriginID(100 + p) }
func (f *fake) Reach() int                 { return len(f.all) }
func (f *fake) Partners() []uint32         { return f.all }
func (f *fake) Pick(n int) []uint32        { return f.all[:min(n, len(f.all))] }
func (f *fake) Fanout() int                { return 2 }
func (f *fake) Tells() bool                { return f.mails }
func (f *fake) Relays() bool               { return f.relays }
func (f *fake) Pushes() bool               { return f.pushes }
func (f *fake) Partial() bool              { return f.partial }

func newFake(t *testing.T, own codec.OriginID) *fake {
	t.Helper()
	f := &fake{all: []uint32{1, 2, 3}, mails: true, pushes: true}
	f.store.Init(state.LimitsDefault(), 1)
	self, _ := f.store.Add(own, 1, []byte("own"))
	if own != 55 {
		if _, st := f.store.Add(55, 1, []byte("author")); st != state.OK {
			t.Fatal(st)
		}
	}
	f.board.Init(3)
	f.cast.Init(Limits{Origins: 64, Kept: kept}, &Parts{Host: f, Store: &f.store, Own: self, Board: &f.board, Due: 1, Count: &f.count})
	return f
}

// due says at which peers something is due.
func (f *fake) due() (n int) {
	for p := uint32(1); p < 4; p++ {
		if f.board.Has(p, 1) {
			n++
		}
	}
	return n
}

// frame is what is due at a peer.
func (f *fake) frame(t *testing.T, p uint32) []byte {
	t.Helper()
	b, done := f.cast.Append(nil, &reconcile.Page{Limit: 1400, Peer: p})
	if done {
		f.board.Done(p, 1)
	}
	return b
}

func (f *fake) take(b []byte, from uint32) (v reconcile.Verdict) {
	for _, body, rest := codec.NextRecord(b); body != nil; _, body, rest = codec.NextRecord(rest) {
		v = f.cast.Receive(&reconcile.Frame{Peer: from}, body)
	}
	return v
}

// An own event goes to all where news is mailed and most are reached, else to a few;
// one of another goes on where news is relayed, and not back to whom it came from.
func TestWhomAnEventGoesTo(t *testing.T) {
	for _, c := range []struct {
		mails, relays, pushes, partial bool
		own, passed                    int
	}{
		{mails: true, pushes: true, own: 3},
		{mails: true, pushes: true, partial: true, relays: true, own: 2, passed: 1},
		{pushes: true, relays: true, own: 2, passed: 1},
		{own: 2, passed: 1}, // gossip pushes nothing, and events have no other way
	} {
		a, b := newFake(t, 55), newFake(t, 7)
		for _, f := range []*fake{a, b} {
			f.mails, f.relays, f.pushes, f.partial = c.mails, c.relays, c.pushes, c.partial
		}
		if _, st := a.cast.Send([]byte("topic"), nil); st != Sent || a.due() != c.own {
			t.Errorf("%+v: %d, due at %d", c, st, a.due())
		}
		if v := b.take(a.frame(t, 1), 1); v != reconcile.Taken || b.due() != c.passed {
			t.Errorf("%+v: verdict %d, passed on to %d", c, v, b.due())
		}
	}
}

// The shell and peers that are not slow lose nothing: a sender waits.
func TestSendWaits(t *testing.T) {
	f := newFake(t, 7)
	var e codec.Event
	st := Sent
	n := 0
	for ; st == Sent; n++ {
		_, st = f.cast.Send([]byte("topic"), nil)
		f.cast.Next(&e)
	}
	if st != Busy || n != kept+1 {
		t.Errorf("status %d after %d", st, n)
	}
	for p := uint32(1); p < 4; p++ {
		f.frame(t, p)
	}
	if _, st = f.cast.Send([]byte("topic"), nil); st != Sent {
		t.Errorf("status %d though all was sent", st)
	}
	if _, st = f.cast.Send(nil, nil); st != Long {
		t.Errorf("status %d for an event without a topic", st)
	}
}

// What comes is told apart: rubbish, of an author that nobody introduced, our own.
func TestVerdictsOnEvents(t *testing.T) {
	f, stranger, self := newFake(t, 7), newFake(t, 66), newFake(t, 7)
	stranger.cast.Send([]byte("topic"), nil)
	if v := f.take(stranger.frame(t, 1), 1); v != reconcile.Unknown {
		t.Errorf("of a stranger: %d", v)
	}
	self.cast.Send([]byte("topic"), nil)
	if v := f.take(self.frame(t, 1), 1); v != reconcile.Taken || f.count.BroadcastsKnown != 1 || f.due() != 0 {
		t.Errorf("our own: %d, %+v", v, f.count)
	}
	if v := f.cast.Receive(&reconcile.Frame{Peer: 1}, []byte{1}); v != reconcile.Malformed {
		t.Errorf("rubbish: %d", v)
	}
}

// The first peer that is reached is asked for what it keeps, and gives it.
func TestTheFirstPeerIsAsked(t *testing.T) {
	old, late := newFake(t, 55), newFake(t, 7)
	old.cast.Send([]byte("before"), nil)
	if late.cast.Met(1); late.due() != 0 {
		t.Error("the third peer is asked")
	}
	late.all = late.all[:1]
	late.cast.Met(1)
	old.take(late.frame(t, 1), 2)
	late.take(old.frame(t, 2), 1)
	var e codec.Event
	if !late.cast.Next(&e) || string(e.Topic) != "before" {
		t.Errorf("got %+v", e)
	}
}

// TestAQuestionIsAnswered: who asks for what is kept is sent all of it, who is asked first is asked
// when it is met, and who is not the first is not.
func TestAQuestionIsAnswered(t *testing.T) {
	a, b := newFake(t, 55), newFake(t, 7)
	b.mails, b.pushes = true, true
	for range 2 {
		b.cast.Send([]byte("topic"), nil)
	}
	for p := uint32(1); p < 4; p++ {
		b.frame(t, p)
	}
	a.all = []uint32{2}
	if a.cast.Met(2); a.due() != 1 {
		t.Fatal("the first one is not asked")
	}
	if v := b.take(a.frame(t, 2), 1); v != reconcile.Taken || b.due() != 1 {
		t.Fatalf("verdict %d, due at %d", v, b.due())
	}
	if frame := b.frame(t, 1); len(frame) == 0 {
		t.Error("the question is not answered")
	}
	a.all = []uint32{1, 2}
	if a.cast.Met(1); a.due() != 0 {
		t.Error("the second one is asked, too")
	}
}

// TestWhatIsDueGathers: an event does not take the place of one that is due at a peer already.
func TestWhatIsDueGathers(t *testing.T) {
	f := newFake(t, 7)
	f.mails, f.pushes = true, true
	for range 3 {
		f.cast.Send([]byte("topic"), nil)
	}
	var e codec.Event
	n := 0
	for b := f.frame(t, 1); len(b) > 0; n++ {
		_, body, rest := codec.NextRecord(b)
		if b = rest; codec.ParseEvent(body, &e) != nil || e.Seq != uint64(n+1) {
			t.Errorf("event %d is number %d", n, e.Seq)
		}
	}
	if n != 3 {
		t.Errorf("%d of 3", n)
	}
}
