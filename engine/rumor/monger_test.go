package rumor

import (
	"fmt"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// side is a fake host with a few peers.
type side struct {
	reconciletest.Node
	m     Monger
	n     Counters
	peers [4]Peer
	board due.Board
	all   []uint32
	woken int
	buf   [1200]byte
	frame uint64

	authors map[state.Origin]uint32 // peers that write them
}

func (s *side) Author(o state.Origin) uint32 { return s.authors[o] }
func (s *side) Peer(p uint32) *Peer          { return &s.peers[p] }
func (s *side) Partners() []uint32           { return append(s.all[:0], 1, 2, 3) }
func (s *side) Fanout() int                  { return 2 }
func (s *side) End(sched.Instant)            { s.woken++ }

func newSide(name string, p tune.RumorPolicy) *side {
	s := &side{all: make([]uint32, 0, 3)}
	s.Init(name, 5)
	s.board.Init(3)
	s.m.Init(p, 16, &Parts{
		Host: s, Store: &s.Store, Filler: &s.Filler, Rand: &s.Rand, Count: &s.n, Shared: &s.Counters,
		Board: &s.board, Due: Due{Windows: 1, Contact: 2, Answers: 4}, Cycles: s, Busy: &s.Given,
	})
	return s
}

// write makes versions of an origin and tells of them.
func (s *side) write(name string, versions int) {
	o := s.Origin(name)
	lo := s.Store.Max(o)
	s.Put(name, versions)
	s.m.Learn(o, lo, 0, 0)
}

// frameTo is the next frame to a peer, empty if nothing is due.
func (s *side) frameTo(p uint32) []byte {
	b := s.buf[:0]
	g := reconcile.Page{Limit: 1200, Peer: p}
	for _, bit := range [...]uint32{2, 4, 1} {
		if !s.board.Has(p, bit) {
			continue
		}
		done := false
		switch bit {
		case 2:
			b, done = s.m.AppendContact(b, &g)
		case 4:
			b, done = s.m.AppendAnswers(b, &g)
		default:
			b, done = s.m.AppendWindows(b, &g)
		}
		if done {
			s.board.Done(p, bit)
		}
	}
	return b
}

// arrive takes a frame of peer p, and returns the kinds of the feedback in it.
func (s *side) arrive(p uint32, frame []byte) (kinds string) {
	s.frame++
	f := reconcile.Frame{Number: s.frame, Peer: p}
	for t, body, rest := codec.NextRecord(frame); t != 0; t, body, rest = codec.NextRecord(rest) {
		switch t {
		case codec.TypeIntro:
			var in codec.Intro
			codec.ParseIntro(body, &in)
			s.Store.Add(in.ID, in.Gen, in.Name)
		case codec.TypeRun:
			var r codec.Run
			var it codec.RunIter
			codec.ParseRun(body, &r)
			if o := s.Store.Find(r.ID); !s.m.Refusing(&f) {
				if a := reconcile.Apply(&s.Store, o, &r, &it); a.To > a.From {
					s.m.Learn(o, a.From, p, s.frame)
				}
			}
		case codec.TypeRumorFeedback:
			if items, err := codec.ParseFeedbacks(body); err == nil && len(body) > 0 {
				for it := (codec.Feedback{}); items.Next(&it); {
					kinds += fmt.Sprint(it.Kind)
				}
			}
			s.m.Receive(&f, body)
		}
	}
	return kinds
}

// TestAContactIsAnswered: needed once, known the second time, refused over the limit.
func TestAContactIsAnswered(t *testing.T) {
	p := tune.RumorPolicy{K: 2, Limit: 1, SendBack: true}
	a, b := newSide("a", p), newSide("b", p)
	hear := func(want Kind) {
		t.Helper()
		if a.m.Cycle(); a.m.Owed() != 2 {
			t.Fatalf("%d contacts", a.m.Owed())
		}
		b.m.Cycle()
		var frames [2][]byte
		n := 0
		for peer := uint32(1); peer < 4; peer++ {
			if f := a.frameTo(peer); len(f) > 0 {
				frames[n] = append([]byte(nil), f...)
				n++
			}
		}
		if n != 2 || a.m.Owed() != 0 {
			t.Fatalf("%d frames, %d are owed", n, a.m.Owed())
		}
		b.arrive(1, frames[0])
		if got := a.arrive(2, b.frameTo(1)); got != fmt.Sprint(want) {
			t.Errorf("the answer is %q, want %d", got, want)
		}
		b.arrive(1, frames[1])
		if got := a.arrive(3, b.frameTo(1)); got != fmt.Sprint(Refused) {
			t.Errorf("over the limit the answer is %q", got)
		}
	}
	a.write("a", 3)
	hear(Needed)
	if a.Store.Fingerprint() == 0 || b.Store.Max(b.Origin("a")) != 3 {
		t.Error("the news is not there")
	}
	hear(Known)
	if b.woken == 0 || b.m.Held() != 0 {
		t.Errorf("woken %d times, %d answers are held", b.woken, b.m.Held())
	}
}

// TestForgottenAndDropped: an origin that goes leaves the cycle, a peer its contact.
func TestForgottenAndDropped(t *testing.T) {
	a := newSide("a", Default())
	a.write("a", 1)
	a.write("other", 1)
	a.m.Cycle()
	a.write("late", 1)
	for _, name := range []string{"other", "late"} {
		a.m.Forget(a.Origin(name))
	}
	if a.m.Hot() != 1 || a.m.Waiting() != 0 || a.m.Owed() != 2 {
		t.Errorf("hot %d, waiting %d, owed %d", a.m.Hot(), a.m.Waiting(), a.m.Owed())
	}
	for p := uint32(1); p < 4; p++ {
		a.m.Drop(p)
		a.m.Drop(p)
	}
	if a.m.Owed() != 0 || a.m.Cycle() != 0 { // blind, K 1: told once
		t.Errorf("owed %d", a.m.Owed())
	}
}

// TestMongeringDoesNotAllocate, and an origin costs what the page says.
func TestMongeringDoesNotAllocate(t *testing.T) {
	a := newSide("a", Default())
	o := a.Self
	e := codec.Entry{Key: []byte("key"), Value: []byte("value")}
	one := func() {
		lo := a.Store.Max(o)
		e.Version = lo + 1
		a.Store.Apply(o, &e)
		a.Store.Advance(o, e.Version, 0)
		a.m.Learn(o, lo, 0, 0)
		if a.m.Cycle() != 2 {
			t.Fatal("no contacts")
		}
		for p := uint32(1); p < 4; p++ {
			a.frameTo(p)
		}
	}
	for range 100 {
		one()
	}
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if n := unsafe.Sizeof(news{}); n != 24 {
		t.Errorf("news takes %d bytes", n)
	}
}

// TestNewsOfAForgottenOrigin goes with it: who has its handle next is told of as anybody is, at
// whatever point the one before was forgotten.
func TestNewsOfAForgottenOrigin(t *testing.T) {
	for _, cycles := range []int{0, 1, 2} {
		s := newSide("a", Default())
		s.write("gone", 3)
		for range cycles {
			s.m.Cycle()
			s.frameTo(1)
			s.frameTo(2)
			s.frameTo(3)
		}
		o := s.Store.FindName([]byte("gone"))
		s.m.Forget(o)
		s.Store.Remove(o)
		for s.Store.Tidy(1000) {
		}
		name := ""
		for i := 0; name == ""; i++ {
			if next := fmt.Sprint("next", i); s.Origin(next) == o {
				name = next
			}
		}
		if s.m.Waiting() != 0 || s.m.Hot() != 0 {
			t.Errorf("%d cycles: %d wait and %d are hot of one that is forgotten", cycles, s.m.Waiting(), s.m.Hot())
		}
		s.write(name, 2)
		if s.m.Waiting() != 1 {
			t.Fatalf("%d cycles: news of the next one does not wait", cycles)
		}
		for p := range uint32(3) {
			s.m.EndContact(p + 1)
		}
		if s.m.Cycle() == 0 || s.m.Hot() != 1 {
			t.Errorf("%d cycles: nobody is told of the next one", cycles)
		}
		if lo, hi, _ := s.m.table.Window(uint32(o)); lo != 0 || hi != 2 {
			t.Errorf("%d cycles: from %d to %d is told of", cycles, lo, hi)
		}
	}
}
