package rumor

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// records are the types of the records in a frame.
func records(frame []byte) (all []codec.Type) {
	for t, _, rest := codec.NextRecord(frame); t != 0; t, _, rest = codec.NextRecord(rest) {
		all = append(all, t)
	}
	return all
}

// Who pushes blindly and takes everything says nothing but the news; all others open a contact.
func TestWhoSpeaksOfContacts(t *testing.T) {
	f := func(p tune.RumorPolicy, want bool) {
		t.Helper()
		s := newSide("a", p)
		s.write("a", 1)
		s.m.Cycle()
		for peer := uint32(1); peer < 4; peer++ {
			if b := s.frameTo(peer); len(b) > 0 && (records(b)[0] == codec.TypeRumorFeedback) != want {
				t.Errorf("%+v: %v", p, records(b))
			}
		}
	}
	f(Default(), false)
	f(tune.RumorPolicy{K: 1}, true)
	f(tune.RumorPolicy{K: 1, Blind: true, Limit: 1}, true)
	f(tune.RumorPolicy{K: 1, Blind: true, Shape: tune.ShapePushPull}, true)
}

// Who pulls asks as many as the fan-out is, who pushes asks nobody; a question is answered with
// what is hot, by all but those who only push.
func TestWhoAsks(t *testing.T) {
	for shape, want := range map[tune.Shape]int{tune.ShapePush: 0, tune.ShapePull: 2, tune.ShapePushPull: 2} {
		s := newSide("a", tune.RumorPolicy{K: 1, Shape: shape})
		s.m.Ask()
		asked := 0
		for peer := uint32(1); peer < 4; peer++ {
			if b := s.frameTo(peer); len(b) > 0 {
				asked++
			}
		}
		if asked != want {
			t.Errorf("%v: %d are asked", shape, asked)
		}
		if s.arrive(1, codec.EndRecord(codec.BeginRecord(nil, codec.TypeRumorFeedback), 0)); s.m.Owed() != 0 {
			t.Errorf("%v: an answer is owed where nothing is hot", shape)
		}
		s.write("a", 1)
		s.m.Cycle()
		for peer := uint32(1); peer < 4; peer++ {
			s.frameTo(peer)
		}
		s.arrive(1, codec.EndRecord(codec.BeginRecord(nil, codec.TypeRumorFeedback), 0))
		if owes := s.m.Owed() == 1; owes != (shape != tune.ShapePush) {
			t.Errorf("%v: a question is answered: %v", shape, owes)
		}
	}
}

// hot is a side with a rumor that went out to two peers.
func hot(p tune.RumorPolicy) *side {
	s := newSide("a", p)
	s.write("a", 1)
	s.m.Cycle()
	for peer := uint32(1); peer < 4; peer++ {
		s.frameTo(peer)
	}
	return s
}

// answer is what a peer says of the rumor.
func (s *side) answer(p uint32, k Kind) {
	b := codec.BeginRecord(nil, codec.TypeRumorFeedback)
	b = codec.AppendFeedback(b, &codec.Feedback{Kind: k, Origin: s.Store.ID(s.Origin("a")), Hi: 1})
	s.arrive(p, codec.EndRecord(b, 0))
}

// A rumor that went to two is ended by two who knew it, and not by three answers where it takes
// more: no more answers count than offers left. One that never left is ended by nobody.
func TestAnswersToWhatWasSent(t *testing.T) {
	f := func(name string, s *side, answers int, want int) {
		t.Helper()
		for range answers {
			s.answer(1, Known)
		}
		if s.m.Cycle(); s.m.Hot() != want {
			t.Errorf("%s: %d rumors are hot", name, s.m.Hot())
		}
	}
	f("one of two", hot(tune.RumorPolicy{K: 2}), 1, 1)
	f("two of two", hot(tune.RumorPolicy{K: 2}), 2, 0)
	f("three of two, where three end it", hot(tune.RumorPolicy{K: 3}), 3, 1)
	s := newSide("a", tune.RumorPolicy{K: 1})
	s.write("a", 1)
	s.m.Cycle()
	f("nothing left", s, 1, 1)
}

// Who is refused tries somebody else, as often as the policy says, and nobody where it was taken.
func TestWhoIsRefusedHunts(t *testing.T) {
	f := func(k Kind, hunt uint8, want bool) {
		t.Helper()
		hunted := 0
		for range 8 { // the one who is drawn may be the one who refused
			s := hot(tune.RumorPolicy{K: 3, Limit: 1, Hunt: hunt})
			if s.answer(1, k); s.m.Owed() > 0 {
				hunted++
			}
			s.Rand.Uint64()
		}
		if (hunted > 0) != want {
			t.Errorf("answer %d, hunts %d times: %d of 8", k, hunt, hunted)
		}
	}
	f(Refused, 1, true)
	f(Refused, 0, false)
	f(Known, 1, false)
}

// A window for which a frame has no room goes with the next one, and is given up if that frame has
// nothing else: no frame is longer.
func TestWindowsThatDoNotFit(t *testing.T) {
	f := func(length, begun int, done bool) {
		t.Helper()
		s := newSide("a", Default())
		s.write("a", 1)
		s.m.Cycle()
		p := uint32(1)
		for !s.board.Has(p, 1) {
			p++
		}
		b, ended := s.m.AppendWindows(s.buf[:length], &reconcile.Page{Limit: length + 8, Begun: begun, Peer: p})
		if ended != done || len(b) != length || (s.m.Owed() == 1) != done {
			t.Errorf("%d bytes, begun at %d: done %v, %d bytes, %d owed", length, begun, ended, len(b), s.m.Owed())
		}
	}
	f(40, 40, true)
	f(40, 39, false)
}

// A coin with one side falls at once, and a window of an origin that never rests is cut in half
// every so many cycles.
func TestHowRumorsEnd(t *testing.T) {
	r := newTable(1, tune.RumorPolicy{Blind: true, Loss: tune.LossCoin, K: 1})
	r.Learned(1, 0, 1, 0, 0)
	if r.CycleEnd(); r.Hot() != 0 {
		t.Error("a coin that always falls ends nothing")
	}
	const age = 3
	p := pushCounter(9)
	p.Age = age
	r = newTable(1, p)
	r.Learned(1, 0, 10, 0, 0)
	for cycle := 1; cycle <= 2*age; cycle++ {
		r.Learned(1, uint64(9+cycle), uint64(10+cycle), 0, 0)
		r.CycleEnd()
		if lo, _, _ := r.Window(1); (lo > 0) != (cycle >= 2*age) {
			t.Errorf("after %d cycles the window begins after %d", cycle, lo)
		}
	}
}
