package batch

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// host is a system with its clocks.
type host struct {
	mono, boot, wall int64
	calls            int            // of the one that goes on
	between          func(call int) // what happens while the clocks are read
}

func (h *host) passes(d time.Duration) {
	h.mono, h.boot, h.wall = h.mono+int64(d), h.boot+int64(d), h.wall+int64(d)
}
func (h *host) sleeps(d time.Duration) { h.boot, h.wall = h.boot+int64(d), h.wall+int64(d) }

func (h *host) clock() *Clock {
	c := new(Clock)
	c.begin(func() (int64, bool) {
		if h.calls++; h.between != nil {
			h.between(h.calls)
		}
		return h.boot, true
	}, func() (int64, int64) {
		h.passes(25 * time.Nanosecond)
		return h.mono, h.wall
	})
	return c
}

// TestClockCountsSuspends: the time that a system was suspended has passed, whatever its wall
// clock was set to and however it is slewed; what has not passed is never counted.
func TestClockCountsSuspends(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	rng := rand.New(rand.NewPCG(seed, 1))
	h := &host{mono: 5, boot: 7_000_000_000, wall: time.Now().UnixNano()}
	c := h.clock()
	zero, last := h.boot-int64(c.Now()), sched.Instant(0)
	for range 100_000 {
		switch d := time.Duration(1 + rng.Int64N(int64(time.Second))); rng.IntN(8) {
		case 0:
			h.sleeps(d * time.Duration(1+rng.IntN(20_000)))
		case 1:
			h.wall += int64(d-time.Second/2) * (1 + rng.Int64N(1e6))
		case 2:
			h.passes(d)
			h.wall += int64(d) / 2000 // slewed
		default:
			h.passes(d / time.Duration(1+rng.IntN(1e6)))
		}
		h.between = nil
		if rng.IntN(4) == 0 { // it happens in the middle
			at, d := h.calls+1+rng.IntN(4), rng.Int64N(int64(time.Hour))
			h.between = func(call int) {
				switch {
				case call != at:
				case d&1 == 0:
					h.sleeps(time.Duration(d))
				default:
					h.passes(time.Duration(d))
				}
			}
		}
		now := c.Now()
		if now < last {
			t.Fatalf("seed %d: it went back from %v to %v", seed, last, now)
		}
		if h.between == nil {
			if off := h.boot - zero - int64(now); off < -int64(time.Microsecond) || off > int64(2*time.Millisecond) {
				t.Fatalf("seed %d: it is off by %v", seed, time.Duration(off))
			}
		}
		last = now
	}
	h.between = nil
	c.Now()
	if before := h.calls; before > 100_000 {
		t.Errorf("the other clock was asked %d times", before)
	}
}

// TestClockAsksRarely: nothing but a wall clock that goes otherwise has the other one asked.
func TestClockAsksRarely(t *testing.T) {
	h := &host{boot: 1}
	c := h.clock()
	begun := h.calls
	for range 100_000 {
		c.Now()
	}
	if h.calls != begun {
		t.Errorf("it was asked %d times", h.calls-begun)
	}
	h.wall += int64(time.Hour)
	if c.Now(); c.Now() > sched.Second || h.calls != begun+1 {
		t.Errorf("set ahead by an hour: it was asked %d times and shows %v", h.calls-begun, c.Now())
	}
}

// TestClockWithoutAnother: where the system has no clock that goes on, or refuses it, the
// runtime's serves.
func TestClockWithoutAnother(t *testing.T) {
	for _, boot := range []func() (int64, bool){nil, func() (int64, bool) { return 0, false }} {
		var c Clock
		c.Begin(boot)
		if a, b := c.Now(), c.Now(); a < 0 || b < a || c.boot != nil {
			t.Errorf("%v, then %v", a, b)
		}
	}
}

// TestClockDoesNotAllocate: a reader of an entry with a time to live asks it.
func TestClockDoesNotAllocate(t *testing.T) {
	var c Clock
	c.Begin(func() (int64, bool) { return 1, true })
	if n := testing.AllocsPerRun(1000, func() { c.Now() }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkClock(b *testing.B) {
	for _, boot := range []func() (int64, bool){nil, func() (int64, bool) { return 1, true }} {
		b.Run(fmt.Sprint("suspends=", boot != nil), func(b *testing.B) {
			var c Clock
			c.Begin(boot)
			b.ReportAllocs()
			for b.Loop() {
				c.Now()
			}
		})
	}
}
