package bulk

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// book knows origins by their names alone.
type book struct{ s *state.Store }

func (b book) Intro(o state.Origin, in *codec.Intro) {
	*in = codec.Intro{ID: b.s.ID(o), Gen: b.s.Gen(o), Name: b.s.Name(o)}
}

func store() *state.Store {
	s := new(state.Store)
	s.Init(state.Limits{Origins: 2000, Keys: 100_000, ValueBytes: 16 << 20}, 1)
	return s
}

func fill(s *state.Store, origins, keys int) {
	for i := range origins {
		name := fmt.Appendf(nil, "node-%d", i)
		o, _ := s.Add(codec.MakeOriginID([2]uint64{1, 2}, name, 1), 1, name)
		for k := range keys {
			s.Apply(o, &codec.Entry{Version: uint64(k + 1), Key: fmt.Appendf(nil, "key-%d", k), Value: fmt.Appendf(nil, "%050d", k)})
		}
		s.Advance(o, uint64(keys), 0)
	}
}

// The parts cover every id once.
func TestSplit(t *testing.T) {
	for n := 1; n <= 8; n++ {
		next := codec.OriginID(0)
		for i := range n {
			lo, hi := Split(i, n)
			if lo != next || hi < lo {
				t.Errorf("part %d of %d: %x to %x, want from %x", i, n, lo, hi, next)
			}
			next = hi + 1
		}
		if next != 0 {
			t.Errorf("%d parts end at %x", n, next-1)
		}
	}
}

// Ask and answer, over and over, bring a blank replica level: every answer is a
// prefix of what is missing, no piece is longer than its bound, and what was
// broken off goes on where it stopped.
func TestCatchUp(t *testing.T) {
	full, blank := store(), store()
	fill(full, 700, 40)
	var source Source
	own, _ := full.Add(1, 1, []byte("own"))
	full.Advance(own, 1, 0)
	source.Init(reconcile.View{Store: full, Own: own}, book{full})
	var job reconcile.Job
	job.Init(WantsMax)
	var iter codec.RunIter
	answers := 0
	for lo := codec.OriginID(0); ; {
		window, through := AppendWindow(nil, 4096, blank, lo, reconcile.LastID)
		if !source.Open(0, window, &job) {
			t.Fatal("a window is refused")
		}
		body := []byte(nil)
		for n := -1; n != len(body) && !job.Done(); {
			n = len(body)
			if body = source.Append(body, 100_000, &job); len(body)-n > PieceBytes {
				t.Fatalf("a piece of %d bytes", len(body)-n)
			}
		}
		if len(body) == 0 {
			if through == reconcile.LastID {
				break
			}
			lo = through + 1
			continue
		}
		if answers++; answers%3 == 0 { // it breaks in the middle
			for cut := body; len(cut) > 0; {
				_, _, rest := codec.NextRecord(cut)
				if len(rest) < len(body)/2 {
					body = body[:len(body)-len(rest)]
					break
				}
				cut = rest
			}
		}
		for rest := body; len(rest) > 0; {
			before := len(rest)
			rest = Take(rest, PieceBytes, func(typ codec.Type, b []byte) {
				if typ == codec.TypeIntro {
					var in codec.Intro
					if codec.ParseIntro(b, &in) != nil {
						t.Fatal("an introduction that can't be read")
					}
					blank.Add(in.ID, in.Gen, in.Name)
					return
				}
				var r codec.Run
				if err := codec.ParseRun(b, &r); err != nil {
					t.Fatal(err)
				}
				if a := blank.ApplyRun(blank.Find(r.ID), &r, &iter); a.Status != state.OK {
					t.Fatalf("a run is %v", a.Status)
				}
			})
			if before-len(rest) > 2*PieceBytes {
				t.Fatalf("%d bytes at once", before-len(rest))
			}
		}
		if answers > 1000 {
			t.Fatal("it does not end")
		}
	}
	if blank.Fingerprint() != full.Fingerprint() {
		t.Errorf("not level after %d answers: %d origins of %d", answers, blank.Len(), full.Len())
	}
	t.Logf("%d answers", answers)
}

// Bytes that are no window are refused.
func TestOpenRefuses(t *testing.T) {
	full := store()
	var source Source
	source.Init(reconcile.View{Store: full}, book{full})
	var job reconcile.Job
	job.Init(4)
	good, _ := AppendWindow(nil, 4096, full, 0, reconcile.LastID)
	for _, b := range [][]byte{nil, good[:len(good)-1], append(good[:len(good):len(good)], good...), []byte("rubbish"), {1, 0, 0}} {
		if source.Open(0, b, &job) {
			t.Errorf("%x is taken for a window", b)
		}
	}
	if !source.Open(0, good, &job) {
		t.Error("a window is refused")
	}
}

// TestPiecesDoNotAllocate: an ask, its answer piece by piece and what is taken of it need
// the memory that they were given.
func TestPiecesDoNotAllocate(t *testing.T) {
	full, blank := store(), store()
	fill(full, 50, 20)
	var source Source
	source.Init(reconcile.View{Store: full}, book{full})
	var job reconcile.Job
	job.Init(WantsMax)
	ask, body := make([]byte, 0, 4096), make([]byte, 0, AnswerBytes)
	records := 0
	count := func(codec.Type, []byte) { records++ }
	if n := testing.AllocsPerRun(50, func() {
		records = 0
		window, _ := AppendWindow(ask, 4096, blank, 0, reconcile.LastID)
		if !source.Open(0, window, &job) {
			t.Fatal("a window is refused")
		}
		answer := body
		for before := -1; before != len(answer) && !job.Done(); {
			before = len(answer)
			answer = source.Append(answer, AnswerBytes, &job)
		}
		for len(answer) > 0 {
			answer = Take(answer, PieceBytes, count)
		}
	}); n != 0 || records < 100 {
		t.Errorf("%v allocations for %d records", n, records)
	}
}

// clock is news of which only the time counts that it is asked at.
type clock struct{ now sched.Instant }

func (c *clock) Settled(now sched.Instant, _ state.Origin) uint64 { c.now = now; return 1 << 40 }

func (c *clock) Coming(now sched.Instant, _ state.Origin, _ uint64) bool { c.now = now; return false }

func (c *clock) Moving(now sched.Instant, _ state.Origin) bool { c.now = now; return false }

// TestASourceLooksAtTheTimeOfEachAsk: what is left to push is so as of the ask, and not as of an
// earlier one.
func TestASourceLooksAtTheTimeOfEachAsk(t *testing.T) {
	full, blank, asked := store(), store(), new(clock)
	fill(full, 3, 3)
	fill(blank, 3, 1)
	own, _ := full.Add(1, 1, []byte("own"))
	var source Source
	source.Init(reconcile.View{Store: full, Own: own, News: asked}, book{full})
	var job reconcile.Job
	job.Init(WantsMax)
	window, _ := AppendWindow(nil, 4096, blank, 0, reconcile.LastID)
	for now := sched.Instant(1); now < 100*sched.Second; now *= 10 {
		if !source.Open(now, window, &job) || asked.now != now {
			t.Fatalf("asked at %d, it looks as of %d", now, asked.now)
		}
	}
}
