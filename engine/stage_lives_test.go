package engine

import (
	"errors"
	"reflect"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// TestTheLastLivesAreKnown: versions of the last lives of a process are its own, however many it
// had, and those of the first are forgotten.
func TestTheLastLivesAreKnown(t *testing.T) {
	s := newStage(1 << 16)
	last, _ := s.set("k", "v")
	for gen := uint64(6); gen < 6+3*livesMax; gen++ {
		s.renew(gen)
		last, _ = s.set("k", "v")
		if last.Gen != gen {
			t.Fatalf("a write of life %d is %v", gen, last)
		}
		for back := uint64(0); back < 2*livesMax && gen-back >= 5; back++ {
			err := s.gaveOut(Version{Gen: gen - back, Seq: last.Seq})
			if known := back < livesMax; (err == nil) != known {
				t.Fatalf("in life %d, one of %d lives before is known: %v", gen, back, err == nil)
			}
		}
		var wrong *VersionError
		if err := s.gaveOut(Version{Gen: gen + 1, Seq: last.Seq}); !errors.As(err, &wrong) || wrong.Last != last {
			t.Fatalf("of a life that was not yet: %v", err)
		}
	}
}

// TestWhoWaitsForRoomIsWoken: whatever ends what was staged wakes all that wait for room, once and
// for all: a turn of the loop, and the end.
func TestWhoWaitsForRoomIsWoken(t *testing.T) {
	for name, end := range map[string]func(s *stage){
		"turn":     func(s *stage) { s.begin() },
		"conflict": func(s *stage) { s.stop(ErrNameConflict) },
		"end":      func(s *stage) { s.stop(ErrClosed); s.letGo() },
	} {
		s := newStage(1 << 12)
		s.set("k", "v")
		first, second := s.empties(), s.empties()
		if first == nil || first != second {
			t.Fatalf("%s: nothing to wait for", name)
		}
		end(s)
		select {
		case <-first:
		default:
			t.Errorf("%s: who waits is not woken", name)
		}
		if again := s.empties(); again != nil {
			t.Errorf("%s: there is something to wait for still", name)
		}
	}
}

// asNew reports the fields of a struct that hold anything: those that a reset has to empty. A slice
// that has a capacity and no length holds nothing.
func asNew(x any, but ...string) (full []string) {
	v := reflect.ValueOf(x).Elem()
	kept := map[string]bool{}
	for _, name := range but {
		kept[name] = true
	}
	for i := range v.NumField() {
		f := v.Field(i)
		if kept[v.Type().Field(i).Name] || f.IsZero() || f.Kind() == reflect.Slice && f.Len() == 0 {
			continue
		}
		full = append(full, v.Type().Field(i).Name)
	}
	return full
}

// TestWhatIsResetIsAsNew: what is used again has nothing of before.
func TestWhatIsResetIsAsNew(t *testing.T) {
	var b Batch
	b.Set("a", []byte("x"))
	b.SetTTL("b", nil, -time.Second)
	b.SetLease(new(Lease), "c", nil)
	b.SetLease(nil, "d", nil)
	b.Set("a", nil)
	b.SetLease(new(Lease), "c", nil)
	b.livesBy()
	if full := asNew(&b); len(full) != 5 {
		t.Fatalf("%v are in use", full)
	}
	if b.Reset(); len(asNew(&b)) > 0 {
		t.Errorf("a batch keeps its %v", asNew(&b))
	}

	s := newStage(1 << 12)
	s.gate.clock = func() (now sched.Instant) { return 1 }
	s.write(opSet, 1000, "k", []byte("v"))
	s.write(opDelete, 0, "k", nil)
	if s.front.reset(); len(asNew(s.front, "log", "index", "epoch", "last")) > 0 {
		t.Errorf("a buffer of the stage keeps its %v", asNew(s.front, "log", "index", "epoch", "last"))
	}

	var n newsList
	n.put(tellKey, "m", []byte("k"))
	n.over = true
	if n.reset(); len(asNew(&n)) > 0 {
		t.Errorf("news keep their %v", asNew(&n))
	}
}
