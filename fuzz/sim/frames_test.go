package sim

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

func TestQueueIsAnOrder(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	var q queue
	q.init(sched.Second)
	now, pending := sched.Instant(sched.Second), []sched.Instant{}
	push := func(at sched.Instant) {
		q.push(event{at: at})
		pending = append(pending, at)
	}
	for range 100000 {
		switch {
		case rnd.IntN(2) == 0:
			push(now + sched.Instant(rnd.Uint64N(1<<(10+rnd.IntN(38)))))
		default:
			until := now + sched.Instant(rnd.Uint64N(1<<(10+rnd.IntN(34))))
			var e event
			stopped := false
			for !stopped && q.pop(until, &e) {
				least := slices.Min(pending)
				if e.at>>tickBits > least>>tickBits && e.at > now {
					t.Fatalf("%d before %d", e.at, least)
				}
				if e.at>>tickBits > until>>tickBits {
					t.Fatalf("%d after %d", e.at, until)
				}
				i := slices.Index(pending, e.at)
				pending = slices.Delete(pending, i, i+1)
				now = max(now, e.at)
				stopped = len(pending) < 50
			}
			if !stopped {
				now = until
			}
			if len(pending) > 2000 {
				pending = pending[:0]
				q.init(now)
			}
		}
	}
	if q.n != len(pending) {
		t.Errorf("%d events, want %d", q.n, len(pending))
	}
}

func TestFramesKeepBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var f frames
	held := map[frameRef][]byte{}
	for range 20000 {
		b := make([]byte, rnd.IntN(1473))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		r := f.put(b)
		if _, twice := held[r]; twice {
			t.Fatal("given out twice")
		}
		held[r] = b
		for r, b := range held {
			if !slices.Equal(f.bytes(r)[:len(b)], b) {
				t.Fatal("changed")
			}
			if rnd.IntN(3) != 0 {
				f.release(r)
				delete(held, r)
			}
			break
		}
	}
}

func BenchmarkQueue(b *testing.B) {
	var q queue
	q.init(0)
	rnd := rand.New(rand.NewPCG(1, 1))
	for range 10000 {
		q.push(event{at: sched.Instant(rnd.Uint64N(1e8))})
	}
	var e event
	b.ReportAllocs()
	for b.Loop() {
		q.pop(sched.Never, &e)
		e.at += sched.Instant(e.at*2654435761) & (1<<20 - 1)
		q.push(e)
	}
}
