package gaps

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// asks are the origins and versions that the next frame to a peer asks for.
func asks(t *testing.T, g *Gaps, s *state.Store, now sched.Instant, p uint32) (of []state.Origin, after []uint64) {
	t.Helper()
	b := ask(g, nil, now, p)
	if len(b) == 0 {
		return nil, nil
	}
	var pull codec.Pull
	kind, body, rest := codec.NextRecord(b)
	if kind != codec.TypePull || codec.ParsePull(body, &pull) != nil || len(rest) > 0 {
		t.Fatal("no pull")
	}
	for it := pull.Entries(); ; {
		id, have, ok := it.Next()
		if !ok {
			return of, after
		}
		of, after = append(of, s.Find(id)), append(after, have)
	}
}

// TestAGapThatClosedIsFoundAgain: once it is filled, or there is no room for it, it leaves the
// list, and the next one of its origin is another.
func TestAGapThatClosedIsFoundAgain(t *testing.T) {
	g, h, s := newGaps(t, 4, 1)
	o := h.first()
	g.Found(0, o, 1, 7)
	s.Advance(o, 7, 0)
	if h.chase(g, Patience) || len(g.list) != 0 || g.look(o).open {
		t.Fatalf("it is filled, and stays: %+v", g.look(o))
	}
	g.Found(Patience, o, 1, 9)
	if len(g.list) != 1 || !h.chase(g, 2*Patience) || len(h.asked) != 1 {
		t.Fatal("the next one is not chased")
	}
	if of, after := asks(t, g, s, 2*Patience, 1); len(of) != 1 || after[0] != 7 {
		t.Errorf("asks for %v after %v", of, after)
	}
	g.Full(2*Patience, o)
	if h.chase(g, 3*Patience) || len(g.list) != 0 {
		t.Error("what there is no room for is chased on")
	}
}

// TestGapsWaitForTheirPath: by how much the path varies, a round trip more where another one
// relays, and anew from when a part was filled.
func TestGapsWaitForTheirPath(t *testing.T) {
	g, h, s := newGaps(t, 4, 2)
	const rtt = 10 * sched.Millisecond
	h.paths.Hears(&h.path, 1)
	for range 50 {
		h.path.RTT().Sample(rtt)
	}
	direct, relayed := h.first(), h.first()+1
	g.Found(0, direct, 1, 7)
	g.Found(0, relayed, 2, 7)
	patience := g.look(direct).wait
	if more := g.look(relayed).wait - patience; more != h.path.RTT().Smoothed() || more < rtt/2 {
		t.Errorf("where another one relays it waits %v longer, the round trip is %v", more, h.path.RTT().Smoothed())
	}
	far := h.path
	for range 50 {
		h.path.RTT().Sample(10 * PatienceMost)
	}
	if g.Found(0, relayed, 2, 7); g.look(relayed).wait > 2*PatienceMost {
		t.Errorf("it waits %v for a path that is very long", g.look(relayed).wait)
	}
	h.path = far
	g.Found(0, relayed, 2, 7)
	g.Closer(patience/2, direct)
	if of, _ := asks(t, g, s, patience, 1); len(of) != 0 {
		t.Error("what came closer is asked for as if it had not")
	}
	if of, _ := asks(t, g, s, patience/2+patience, 1); len(of) != 1 || of[0] != direct {
		t.Errorf("%v is asked for in its time", of)
	}
	if of, _ := asks(t, g, s, 1000*sched.Second, 2); len(of) != 1 || of[0] != relayed {
		t.Errorf("%v is asked of the one that relays", of)
	}
	s.Advance(relayed, 7, 0)
	if of, _ := asks(t, g, s, 2000*sched.Second, 2); len(of) != 0 {
		t.Error("what is here is asked for")
	}
	delete(h.gaps, direct)
	if of, _ := asks(t, g, s, 2000*sched.Second, 1); len(of) != 0 {
		t.Error("what nobody knows any more is asked for")
	}
	if n := h.count.PullsSent; n != 2 {
		t.Errorf("%d pulls are counted", n)
	}
}

// TestPullsWaitForTheirAnswer: a peer that was asked is not asked again before its answer is late,
// and who it is of is asked beside that, once each, of whom it was meant for.
func TestPullsWaitForTheirAnswer(t *testing.T) {
	g, h, s := newGaps(t, 4, 3)
	o := h.first()
	g.Found(0, o, 1, 7)
	h.chase(g, Patience)
	asks(t, g, s, Patience, 1)
	h.asked = nil
	late := Patience + h.path.RTT().RTO(rtoMin, rtoMax)
	if h.chase(g, late); len(h.asked) != 0 || !h.pulls[1].open() {
		t.Errorf("asked again before the answer is late: %v", h.asked)
	}
	if h.chase(g, late+1); len(h.asked) != 1 || h.asked[0] != 2 {
		t.Errorf("asked %v when it is", h.asked)
	}

	g.Ask(o+1, 0)
	g.Ask(o+1, 3)
	g.Ask(o+2, 3)
	g.Ask(o+2, 2)
	if p := h.board.Next(); p != 2 && p != 3 {
		t.Error("nobody is due")
	}
	h.board.End()
	if b := ask(g, nil, 0, 1); len(b) != 0 {
		t.Error("somebody else is asked")
	}
	of, after := asks(t, g, s, 0, 3)
	if len(of) != 2 || of[0] != o+1 || of[1] != o+2 || after[0] != codec.VersionMax || after[1] != codec.VersionMax {
		t.Errorf("asks of %v after %v", of, after)
	}
	if h.pulls[3].open() {
		t.Error("a question after somebody is taken for a pull")
	}
	if of, _ := asks(t, g, s, 0, 3); len(of) != 0 {
		t.Errorf("asks of %v again", of)
	}
	delete(h.gaps, o+2)
	if of, _ := asks(t, g, s, 0, 2); len(of) != 0 {
		t.Errorf("asks of %v, which is forgotten", of)
	}
	for i := range 2 * asksMax {
		g.Ask(o+1, 1+uint32(i%2))
	}
	g.Ask(o, 3)
	if of, _ := asks(t, g, s, 0, 3); len(of) != 1 || of[0] != o {
		t.Errorf("the newest question gives way to older ones: %v", of)
	}
}
