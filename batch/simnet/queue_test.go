package simnet

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestQueueIsAnOrder: nothing comes before what is due earlier by more than a tick, and
// nothing that is later than asked for comes at all.
func TestQueueIsAnOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var q Queue[int]
	q.Init(sched.Second)
	now, pending := sched.Instant(sched.Second), []sched.Instant{}
	push := func(at sched.Instant) {
		q.Push(at, len(pending))
		pending = append(pending, at)
	}
	for range 100000 {
		switch {
		case rnd.IntN(2) == 0:
			push(now + sched.Instant(rnd.Uint64N(1<<(10+rnd.IntN(38)))))
		default:
			until := now + sched.Instant(rnd.Uint64N(1<<(10+rnd.IntN(34))))
			var e int
			stopped := false
			for !stopped {
				at, ok := q.Pop(until, &e)
				if !ok {
					break
				}
				least := slices.Min(pending)
				if at>>queueTickBits > least>>queueTickBits && at > now {
					t.Fatalf("%d before %d", at, least)
				}
				if at>>queueTickBits > until>>queueTickBits {
					t.Fatalf("%d after %d", at, until)
				}
				i := slices.Index(pending, at)
				pending = slices.Delete(pending, i, i+1)
				now = max(now, at)
				stopped = len(pending) < 50
			}
			if !stopped {
				now = until
			}
			if len(pending) > 2000 {
				pending = pending[:0]
				q.Init(now)
			}
		}
	}
	if q.Len() != len(pending) {
		t.Errorf("%d events, want %d", q.Len(), len(pending))
	}
}

// TestQueueOfEquals: what is due at one time comes in the order in which it was pushed,
// however far ahead that was.
func TestQueueOfEquals(t *testing.T) {
	var q Queue[int]
	q.Init(sched.Second)
	const at = 90 * sched.Second
	var none int
	for i := range 100 {
		q.Push(at, i)
		q.Pop(sched.Second+sched.Instant(i)*850*sched.Millisecond, &none) // time goes on, nothing is due
	}
	for i := range 100 {
		var e int
		if when, ok := q.Pop(at, &e); !ok || when != at || e != i {
			t.Fatalf("%d at %d, want %d", e, when, i)
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	var q Queue[[3]uint64]
	q.Init(0)
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		q.Push(sched.Instant(rnd.Uint64N(1e8)), [3]uint64{})
	}
	var e [3]uint64
	b.ReportAllocs()
	for b.Loop() {
		at, _ := q.Pop(sched.Never, &e)
		q.Push(at+sched.Instant(at*2654435761)&(1<<20-1), e)
	}
}
