package walk

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// side is a fake host with one peer, which is the rest of its ring.
type side struct {
	reconciletest.Node
	vectors compare.Compare
	walk    Repair
	n       Counters
	cn      compare.Counters
	talk    compare.Peer
	peer    Peer
	rtt     sched.RTT
	other   codec.OriginID // 0: it can't be sent to
	tokens  due.Board
	wheel   sched.Wheel // its one timer wakes Step
	said    reconcile.Verdict
	buf     [1200]byte
	got     reconcile.Frame // the one that came
	rest    []byte          // its records for the comparison
}

// compareHost is the side as its comparison sees it.
type compareHost struct{ *side }

func (h compareHost) Peer(uint32) *compare.Peer { return &h.talk }

func (s *side) Members(dst []codec.OriginID) []codec.OriginID {
	if s.other != 0 {
		dst = append(dst, s.other)
	}
	return dst
}

func (s *side) Find(id codec.OriginID) uint32 {
	if id == s.other && id != 0 {
		return reconciletest.Other
	}
	return 0
}

func (s *side) ID(uint32) codec.OriginID           { return s.other }
func (s *side) Peer(uint32) *Peer                  { return &s.peer }
func (s *side) RTT(uint32) *sched.RTT              { return &s.rtt }
func (s *side) Author(state.Origin) uint32         { return 0 }
func (s *side) MovedAt(state.Origin) sched.Instant { return 0 }

func newSide(name string) *side {
	s := new(side)
	s.Init(name, 7)
	s.Now = sched.Second
	s.vectors.Init(&compare.Config{Kind: codec.SyncPushPull, Frame: 1200, Frames: 16, Jobs: 2, Wants: 64}, &compare.Parts{
		Parts: s.Parts(), Host: compareHost{s}, Vector: &s.cn,
	})
	s.tokens.Init(reconciletest.Other)
	s.wheel.Init(1, s.Now)
	s.Talks = &s.vectors
	s.walk.Init(s.Store.ID(s.Self), &Parts{
		Host: s, Store: &s.Store, Vectors: &s.vectors, Rand: &s.Rand, Count: &s.n, Shared: &s.Counters,
		Board: &s.tokens, Due: 1, Timer: s.wheel.Timer(0), Busy: &s.Given,
	})
	return s
}

// pair is a ring of two, each with what the other lacks.
func pair() (a, b *side) {
	a, b = newSide("a"), newSide("b")
	a.other, b.other = b.Store.ID(b.Self), a.Store.ID(a.Self)
	for i := range 30 {
		a.Put(fmt.Sprint("of a ", i), 3)
		b.Put(fmt.Sprint("of b ", i), 3)
	}
	return a, b
}

// leave is the next frame of a node, empty if nothing is due: first what a comparison
// has, then tokens.
func (s *side) leave() []byte {
	b := append(s.buf[:0], s.Compose()...)
	if s.tokens.Has(reconciletest.Other, 1) && s.Quiet() {
		var done bool
		b, done = s.walk.Append(b, &reconcile.Page{Now: s.Now, Limit: 1200, Peer: reconciletest.Other})
		if done {
			s.tokens.Done(reconciletest.Other, 1)
		}
	}
	return b
}

// arrive takes a frame of the other.
func (s *side) arrive(frame []byte, print uint64) {
	rest := s.rest[:0]
	s.got = reconcile.Frame{Now: s.Now, Number: s.Frames + 1, Peer: reconciletest.Other, Printed: true, Print: print}
	for t, body, more := codec.NextRecord(frame); t != 0; t, body, more = codec.NextRecord(more) {
		switch {
		case t == codec.TypeRepair:
			s.said = s.walk.Receive(&s.got, body)
		case t == codec.TypeDigest && s.walk.Showed(&s.got, body):
		default:
			rest = codec.EndRecord(append(codec.BeginRecord(rest, t), body...), len(rest))
		}
	}
	s.rest = rest
	s.Take(rest, print)
}

// run lets time pass until nothing happens any more, or for so long.
func run(a, b *side, long sched.Instant) {
	for end := a.Now + long; a.Now < end; {
		for _, s := range [...]*side{a, b} {
			if _, ok := s.wheel.Expire(s.Now); ok {
				s.walk.Step(s.Now)
			}
			o := a
			if s == a {
				o = b
			}
			for f := s.leave(); len(f) > 0; f = s.leave() {
				o.arrive(f, s.Store.Fingerprint())
			}
		}
		a.Now += sched.Millisecond
		b.Now += sched.Millisecond
	}
}

// TestAWalkOfTwo takes two hops, and makes both hold the union.
func TestAWalkOfTwo(t *testing.T) {
	a, b := pair()
	if !a.walk.Start(a.Now) || a.walk.Start(a.Now) {
		t.Fatal("one walk at a time starts")
	}
	run(a, b, 2*sched.Second)
	tok, s := a.walk.Progress(a.Now)
	if s != StateDone || tok.Hop != 2 || tok.Copied < 60 || tok.Entries < 180 || a.Store.Fingerprint() != b.Store.Fingerprint() {
		t.Errorf("state %d, %+v", s, tok)
	}
	if a.walk.Held()+b.walk.Held() > 0 || b.n.RepairHops != 1 {
		t.Errorf("%d and %d tokens are held; %d hops", a.walk.Held(), b.walk.Held(), b.n.RepairHops)
	}
}

// TestASuccessorThatAnswersWithoutEnd: one whose answers bring the hop no further does
// not keep the walk's place for ever.
func TestASuccessorThatAnswersWithoutEnd(t *testing.T) {
	answer := map[string]func(a *side, at codec.OriginID, k uint64) []byte{
		"always another": func(a *side, at codec.OriginID, k uint64) []byte {
			var w codec.DigestWriter
			w.Begin(nil, 1200, codec.DigestWantRuns, at)
			w.Add(codec.DigestEntry{ID: a.Store.ID(a.Origin("of a 3")), Max: 1 + k%2})
			w.Add(codec.DigestEntry{ID: 1<<64 - 2, Max: k + 1})
			return w.End(reconcile.LastID)
		},
		"windows of nothing": func(_ *side, at codec.OriginID, _ uint64) []byte {
			var w codec.DigestWriter
			w.Begin(nil, 1200, codec.DigestWantRuns, at)
			return w.End(at)
		},
	}
	for name, f := range answer {
		a, _ := pair()
		a.walk.Start(a.Now)
		end := a.Now + 60*sched.Second
		for k := uint64(0); a.Now < end && a.walk.hops[0].id != 0; k++ {
			for b := a.leave(); len(b) > 0; b = a.leave() {
			}
			a.Now += 5 * sched.Millisecond
			a.arrive(f(a, a.walk.hops[0].at, k), 1)
			if _, ok := a.wheel.Expire(a.Now); ok {
				a.walk.Step(a.Now)
			}
		}
		if took := a.Now - (end - 60*sched.Second); took < patience || took > 2*patience {
			t.Errorf("%s: the hop took %d ms", name, took/sched.Millisecond)
		}
	}
}

// TestATokenOfNobody: a walk of more hops than the members known here need is refused.
func TestATokenOfNobody(t *testing.T) {
	a, _ := pair()
	tok := codec.Token{Kind: codec.TokenPass, Walk: 5, Starter: a.other, Hop: 1, Hops: 2*Hops(a.Store.Len()) + 1}
	frame := codec.AppendToken(nil, &tok)
	if a.arrive(frame, 1); a.said != reconcile.Forged || a.n.RepairHops != 0 || a.tokens.Next() != 0 {
		t.Errorf("verdict %d, hops %d", a.said, a.n.RepairHops)
	}
	var none Repair
	if v := none.Receive(&reconcile.Frame{}, frame[codec.RecordBytes:]); v != reconcile.OtherMode || none.Start(1) {
		t.Errorf("a cluster that compares by key takes part: %d", v)
	}
}

// TestAWalkDoesNotAllocate: a ring that was walked once is walked again without memory,
// copies of what is new included.
func TestAWalkDoesNotAllocate(t *testing.T) {
	a, b := pair()
	o, v := a.Self, uint64(0)
	e := codec.Entry{Key: []byte("key"), Value: []byte("value")}
	one := func() {
		v++
		if e.Version = v; a.Store.Apply(o, &e) != state.OK {
			t.Fatal("not written")
		}
		a.Store.Advance(o, v, 0)
		a.Now, b.Now = a.Now+sched.Second, b.Now+sched.Second
		if !a.walk.Start(a.Now) {
			t.Fatal("no walk starts")
		}
		run(a, b, 200*sched.Millisecond)
	}
	for range 50 {
		one()
	}
	if n := testing.AllocsPerRun(100, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if _, s := a.walk.Progress(a.Now); s != StateDone || a.Store.Fingerprint() != b.Store.Fingerprint() {
		t.Errorf("state %d", s)
	}
}

// TestWhatASuccessorLacks: of each origin a walk sends what is behind the successor's copy, all of what
// it does not hold, and nothing of what it holds as well or better.
func TestWhatASuccessorLacks(t *testing.T) {
	s := newSide("a")
	s.Put("of a", 27)
	o := s.Store.FindName([]byte("of a"))
	top := s.Store.Max(o)
	for what, x := range map[string]struct {
		theirs Copy
		listed bool
		from   uint64
		lacks  bool
	}{
		"it does not know it":       {Copy{}, false, 0, true},
		"it has none of it":         {Copy{}, true, 0, true},
		"it has a part":             {Copy{Max: top - 2}, true, top - 2, true},
		"it has as much":            {Copy{Max: top, Floor: s.Store.Floor(o)}, true, 0, false},
		"it has more":               {Copy{Max: top + 5}, true, 0, false},
		"it has more, and collects": {Copy{Max: top + 5, Floor: top}, true, 0, false},
	} {
		if from, lacks := s.walk.from(o, x.theirs, x.listed); from != x.from || lacks != x.lacks {
			t.Errorf("%s: from %d, lacks %v, want %d, %v", what, from, lacks, x.from, x.lacks)
		}
	}
}
