package gaps

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// host is a node with three peers of which the last is gone.
type host struct {
	gaps  map[state.Origin]*Gap
	pulls [4]Pull
	path  link.Path
	paths link.Paths
	board due.Board
	wheel sched.Wheel // its one timer wakes Chase
	count reconcile.Counters
	asked []uint32
}

func (h *host) Gap(o state.Origin) *Gap    { return h.gaps[o] }
func (h *host) Pull(p uint32) *Pull        { return &h.pulls[p] }
func (h *host) Takes(p uint32) bool        { return p == 1 || p == 2 }
func (h *host) Path(uint32) *link.Path     { return &h.path }
func (h *host) Author(state.Origin) uint32 { return 1 }
func (h *host) Partner() uint32            { return 2 }

// chase lets the gaps ask, and reports whether they go on.
func (h *host) chase(g *Gaps, now sched.Instant) (more bool) {
	timer := h.wheel.Timer(0)
	timer.Cancel()
	g.Chase(now)
	for p := h.board.Next(); p != 0; p = h.board.Next() {
		h.asked = append(h.asked, p)
		h.board.End()
	}
	return timer.Armed()
}

func ask(g *Gaps, b []byte, now sched.Instant, p uint32) []byte {
	out, _ := g.Append(b, &reconcile.Page{Now: now, Limit: 1000, Peer: p})
	return out
}

func newGaps(t *testing.T, limit, origins int) (*Gaps, *host, *state.Store) {
	t.Helper()
	g, h, s := new(Gaps), &host{gaps: map[state.Origin]*Gap{}}, new(state.Store)
	s.Init(state.LimitsDefault(), 1)
	for i := range origins {
		o, st := s.Add(codec.OriginID(i+1), 1, fmt.Appendf(nil, "o%d", i))
		if st != state.OK {
			t.Fatal(st)
		}
		h.gaps[o] = new(Gap)
	}
	h.board.Init(3)
	h.wheel.Init(1, 0)
	g.Init(limit, &Parts{Host: h, Store: s, Paths: &h.paths, Board: &h.board, Due: 1, Timer: h.wheel.Timer(0), Count: &h.count})
	return g, h, s
}

func (h *host) first() state.Origin {
	least := state.Origin(1 << 20)
	for o := range h.gaps {
		least = min(least, o)
	}
	return least
}

// A gap waits for its patience, is asked for once until an answer is late, then
// elsewhere, and is given up in the end.
func TestAGapIsChasedAndGivenUp(t *testing.T) {
	g, h, _ := newGaps(t, 4, 1)
	o := h.first()
	g.Found(10, o, 1, 7)
	if g.Found(10, o, 1, 9); len(g.list) != 1 || !h.wheel.Timer(0).Armed() {
		t.Fatal("a gap is not found once")
	}
	if !h.chase(g, 10) || len(h.asked) != 0 {
		t.Fatalf("asked at once: %v", h.asked)
	}
	now, before := sched.Instant(10)+Patience, 0
	for h.chase(g, now) {
		if n := len(h.asked); n > before {
			before = n
			if b := ask(g, nil, now, h.asked[n-1]); len(b) == 0 {
				t.Fatalf("nothing to ask of %v", h.asked)
			}
		}
		if len(h.asked) > 20 {
			t.Fatal("it is never given up")
		}
		now += Patience
	}
	if h.asked[0] != 1 || len(h.asked) != triesMax+1 {
		t.Errorf("asked %v", h.asked)
	}
	for _, p := range h.asked[1:] {
		if p != 2 {
			t.Errorf("a silent peer is asked again: %v", h.asked)
		}
	}
}

// What came meanwhile is not asked for, and an answer tells how long it took.
func TestWhatCameIsNotAskedFor(t *testing.T) {
	g, h, s := newGaps(t, 4, 2)
	a := h.first()
	g.Found(0, a, 1, 7)
	g.Found(0, a+1, 1, 7)
	s.Advance(a, 7, 0)
	if !h.chase(g, Patience) || len(h.asked) != 1 {
		t.Fatalf("asked %v", h.asked)
	}
	var pull codec.Pull
	_, body, _ := codec.NextRecord(ask(g, nil, Patience, 1))
	if codec.ParsePull(body, &pull) != nil {
		t.Fatal("no pull")
	}
	it := pull.Entries()
	if id, have, ok := it.Next(); !ok || id != s.ID(a+1) || have != 0 {
		t.Errorf("asks for %v after %d", id, have)
	}
	if h.pulls[1].Came(); h.pulls[1].open() {
		t.Error("a pull is open after its answer")
	}
}

// An origin without room is not asked for, one that is forgotten leaves the list, and a
// list that is full takes no more.
func TestLimits(t *testing.T) {
	g, h, _ := newGaps(t, 2, 4)
	o := h.first()
	g.Full(5, o)
	if g.Found(6, o, 1, 9); len(g.list) != 0 {
		t.Error("what there is no room for is asked for")
	}
	for i := range state.Origin(3) {
		g.Found(6, o+1+i, 1, 9)
	}
	if len(g.list) != 2 || g.look(o+3).open {
		t.Error("the list takes more or less than two")
	}
	delete(h.gaps, o+1)
	h.chase(g, 6)
	if g.Found(6, o+3, 1, 9); len(g.list) != 2 || !g.look(o+3).open {
		t.Error("a forgotten origin keeps its place")
	}
	delete(h.gaps, o+2)
	h.chase(g, 6)
	if g.Found(5+fullPause, o, 1, 9); !g.look(o).open {
		t.Error("it is refused for ever")
	}
}

// A peer that can't be sent to any more is not asked, but another one.
func TestAPeerThatIsGone(t *testing.T) {
	g, h, _ := newGaps(t, 2, 1)
	g.Found(0, h.first(), 3, 9)
	h.chase(g, Patience)
	h.chase(g, 2*Patience)
	if len(h.asked) != 1 || h.asked[0] != 2 {
		t.Errorf("asked %v", h.asked)
	}
}

func TestChasingDoesNotAllocate(t *testing.T) {
	g, h, _ := newGaps(t, 4, 1)
	o, b := h.first(), make([]byte, 0, 1000)
	h.asked = make([]uint32, 0, 10_000)
	now := sched.Instant(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += 10 * sched.Millisecond
		g.Found(now, o, 1, 9)
		h.chase(g, now+Patience)
		ask(g, b[:0], now+Patience, 1)
		h.pulls[1].Came()
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestGapsWaitWhileTheLoopIsLate: what is missing lies in the socket, and is not asked for before the
// loop had some turns to read it; nor is a peer given up that has as much to do.
func TestGapsWaitWhileTheLoopIsLate(t *testing.T) {
	f := func(lag, asked sched.Instant) {
		t.Helper()
		g, h, _ := newGaps(t, 4, 1)
		h.paths.Lag = lag
		g.Found(0, h.first(), 1, 7)
		for now := sched.Instant(Patience); len(h.asked) == 0 && now < sched.Second; now += Patience {
			if h.chase(g, now); len(h.asked) > 0 && now != asked {
				t.Errorf("turns of %v: asked after %v, want %v", lag, now, asked)
			}
		}
		if len(h.asked) == 0 {
			t.Errorf("turns of %v: never asked", lag)
		}
	}
	f(0, Patience)
	f(sched.Millisecond, Patience+lateTurns*sched.Millisecond)
	f(20*sched.Millisecond, Patience+80*sched.Millisecond)
	f(100*sched.Millisecond, Patience+PatienceMost)
}

// TestAGapOpensAnew: a gap that was closed, given up or filled, has nothing of before when the next
// one is found: it ends where that one does, and is asked for as often.
func TestAGapOpensAnew(t *testing.T) {
	g, h, s := newGaps(t, 4, 1)
	o := h.first()
	now := sched.Instant(sched.Second)
	for round := range uint64(3) {
		to := 1000 - 300*round
		g.Found(now, o, 1, to)
		if x := g.look(o); x.to != to || x.tries != 0 || !x.open {
			t.Fatalf("round %d: a gap up to %d is %+v", round, to, x)
		}
		if round == 1 {
			s.Advance(o, 0, 0) // nothing comes
		}
		for more := true; more; now += sched.Second {
			if more = h.chase(g, now); more {
				ask(g, nil, now, 1)
				ask(g, nil, now, 2)
			}
		}
		if x := g.look(o); x.open {
			t.Fatalf("round %d: %+v is not given up", round, x)
		}
	}
}

func TestGapBytes(t *testing.T) {
	if n := unsafe.Sizeof(gap{}); n != gapBytes {
		t.Errorf("a gap has %d bytes", n)
	}
}

// TestAGapIsLent: an origin without one takes nothing, one that is chased keeps its own for however long
// that takes, and for one that was closed a minute ago the next one takes no more memory.
func TestAGapIsLent(t *testing.T) {
	const origins = 50
	g, h, s := newGaps(t, origins, origins)
	first, now := h.first(), sched.Instant(1)
	for range 2 * active.RestAfter / sched.Second {
		now += sched.Second
		g.Found(now, first, 1, 1000)
		if g.Chase(now); g.look(first) == nil || !g.look(first).open {
			t.Fatal("its gap is lent to another one")
		}
	}
	for o := first + 1; o < first+origins; o++ {
		if g.look(o) != nil {
			t.Fatal("one without a gap has one")
		}
		now += active.RestAfter
		g.Found(now, o, 1, 7)
		s.Advance(o, 7, 0)
		g.Chase(now)
	}
	if n := g.lent.Len(); n > 2 {
		t.Errorf("one gap after the other takes %d parts", n)
	}
}
