package engine

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestWhatStandsAtALimitIsTaken: of each limit of a name, a value or a number what stands at it is taken
// and one more is refused, with an error that says so.
func TestWhatStandsAtALimitIsTaken(t *testing.T) {
	c := Local()
	c.Name, c.LeaveTimeout = "one", -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := e.Shared()
	name := func(n int) string { return strings.Repeat("k", n) }
	bytes := func(n int) []byte { return make([]byte, n) }
	limits := []struct {
		what  string
		limit int
		take  func(n int) error
	}{
		{"a key", KeyBytesMax, func(n int) error { _, err := e.Set(name(n), nil); return err }},
		{"a value", EntryBytesMax - 1, func(n int) error { _, err := e.Set("k", bytes(n)); return err }},
		{"a value beside a long key", EntryBytesMax - KeyBytesMax, func(n int) error { _, err := e.Set(name(KeyBytesMax), bytes(n)); return err }},
		{"a shared key", SharedKeyBytesMax, func(n int) error { _, err := s.Set(name(n), nil); return err }},
		{"a shared value", SharedEntryBytesMax - 1, func(n int) error { _, err := s.Set("k", bytes(n)); return err }},
		{"a counter", CounterKeyBytesMax, func(n int) error { _, _, err := s.Add(name(n), 1); return err }},
		{"a topic", codec.TopicBytesMax, func(n int) error { _, err := e.Broadcast(name(n), nil); return err }},
		{"a broadcast", BroadcastBytesMax - 1, func(n int) error { _, err := e.Broadcast("t", bytes(n)); return err }},
	}
	for _, x := range limits {
		if err := x.take(x.limit); err != nil {
			t.Errorf("%s of %d bytes: %v", x.what, x.limit, err)
		}
		var size *SizeError
		if err := x.take(x.limit + 1); !errors.As(err, &size) && !errors.Is(err, ErrTooLarge) && !errors.Is(err, ErrKey) {
			t.Errorf("%s of %d bytes: %v", x.what, x.limit+1, err)
		}
	}
	for i, x := range []struct{ most, one int64 }{{math.MaxInt64, 1}, {math.MinInt64, -1}} {
		key := fmt.Sprint("sum", i)
		for _, by := range []int64{x.most - 5*x.one, 4 * x.one, x.one} {
			if _, _, err := s.Add(key, by); err != nil {
				t.Errorf("%d more, to at most %d: %v", by, x.most, err)
			}
		}
		if _, _, err := s.Add(key, x.one); err != ErrNotNumber {
			t.Errorf("beyond %d: %v", x.most, err)
		}
		if sum, ok := s.Sum(key); sum != x.most || !ok {
			t.Errorf("%d, %v, want %d", sum, ok, x.most)
		}
	}
}

// TestSetIfOfNothing: who decided where nothing stands writes where nothing stands, be it that nothing
// ever did or that it was deleted; and not where something does.
func TestSetIfOfNothing(t *testing.T) {
	c := Local()
	c.Name, c.LeaveTimeout = "one", -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	s := e.Shared()
	for range 3 {
		is, err := s.SetIf(t.Context(), "k", SharedVersion{}, []byte("v"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.SetIf(t.Context(), "k", SharedVersion{}, []byte("w")); !errors.Is(err, ErrConflict) {
			t.Errorf("over a value: %v", err)
		}
		if _, err := s.SetIf(t.Context(), "k", is, []byte("w")); err != nil {
			t.Errorf("over what was read: %v", err)
		}
		if _, err := s.Delete("k"); err != nil {
			t.Fatal(err)
		}
	}
}

// TestALossIsToldInItsPlace: a listener hears all up to a loss, then of the loss, and then what came after:
// nothing of that before it, in whatever order what comes, what is lost and its looks fall.
func TestALossIsToldInItsPlace(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 83))
	for round := range 500 {
		s := &subscriber{signal: make(chan struct{}, 1)}
		var want []uint64 // heard next, by time
		lost := false
		for n := range uint64(2000) {
			switch rng.IntN(1 + 2*subscriberQueue) {
			case 0:
				s.put(nil)
				lost = true
			case 1, 2:
				queue, told := s.take()
				if told != lost || len(queue) != len(want) {
					t.Fatalf("round %d: %d are told and a loss %v, want %d and %v", round, len(queue), told, len(want), lost)
				}
				for i := range queue {
					if queue[i].Time != want[i] {
						t.Fatalf("round %d: %d is told for %d", round, queue[i].Time, want[i])
					}
				}
				want, lost = want[:0], false
			default:
				s.put(&Broadcast{Time: n})
				if lost = lost || len(want) == subscriberQueue; !lost {
					want = append(want, n)
				}
			}
		}
	}
}
