package batch

import (
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// Clock tells the time since it was begun, and counts the time that the system was
// suspended. The clock of Go's runtime stands still meanwhile on most systems
// (CLOCK_MONOTONIC on Linux, mach_absolute_time on Darwin; on Windows it goes on). It is
// good where that goes on, or where the system has another one that does and is given to
// Begin: CLOCK_BOOTTIME on Linux. Elsewhere a suspend is time that did not pass. A virtual
// machine that its host stops without telling it has no clock that knows.
//
// Such a clock costs a system call where the runtime's costs none, so it is asked only
// when the wall clock, which is read along with the runtime's, went otherwise than that
// by a millisecond: after a suspend, or when somebody set it.
type Clock struct {
	start time.Time
	read  func() (mono, wall int64) // nanoseconds; mono since start
	boot  func() (int64, bool)      // nanoseconds, by the clock that goes on; nil: there is none

	ahead int64        // by how much boot was ahead of mono at the start
	slept atomic.Int64 // by how much that has grown: it only grows
	skew  atomic.Int64 // by how much wall was ahead of mono when slept was right
}

const (
	skewMax    = int64(time.Millisecond) // between looks at the other clock
	readingMax = int64(time.Millisecond) // that three clocks may take to be read together
	readings   = 8                       // attempts at that
)

// Begin starts the clock. boot reads a clock of the system, in nanoseconds, that goes on
// while it is suspended; nil: it has none.
func (c *Clock) Begin(boot func() (nanos int64, ok bool)) {
	c.start = time.Now()
	c.begin(boot, func() (mono, wall int64) {
		now := time.Now()
		return int64(now.Sub(c.start)), now.UnixNano()
	})
}

func (c *Clock) begin(boot func() (int64, bool), read func() (mono, wall int64)) {
	c.boot, c.read = boot, read
	if boot == nil {
		return
	}
	if _, ok := boot(); !ok { // the runtime's has to do
		c.boot = nil
		return
	}
	ahead, skew, _ := c.compare()
	c.ahead = ahead
	c.skew.Store(skew)
}

// Now is the time since Begin. It never goes back. It is for any goroutine.
func (c *Clock) Now() sched.Instant {
	if c.boot == nil {
		return sched.Instant(time.Since(c.start))
	}
	mono, wall := c.read()
	if off := wall - mono - c.skew.Load(); off > skewMax || off < -skewMax {
		c.look()
	}
	return sched.Instant(mono + c.slept.Load())
}

// Span is Now as of when that was last asked for: it does not notice that the system slept
// since. It is for what is waited for, at half the cost.
func (c *Clock) Span() sched.Instant {
	return sched.Instant(int64(time.Since(c.start)) + c.slept.Load())
}

// look finds out whether the system slept. What it can't find out now the next call does.
func (c *Clock) look() {
	ahead, skew, ok := c.compare()
	if !ok {
		return
	}
	for slept := ahead - c.ahead; ; {
		was := c.slept.Load()
		if slept <= was || c.slept.CompareAndSwap(was, slept) {
			break
		}
	}
	c.skew.Store(skew)
}

// compare reads the clocks together: by how much boot is ahead of mono, at least, and wall.
// Where something came between, which a suspend may be, it reads them again; not ok: each
// time.
func (c *Clock) compare() (ahead, skew int64, ok bool) {
	for range readings {
		mono, wall := c.read()
		boot, works := c.boot()
		later, wallLater := c.read()
		ahead, skew = boot-later, wallLater-later
		turned := skew - (wall - mono)
		if works && later-mono <= readingMax && turned <= skewMax && turned >= -skewMax {
			return ahead, skew, true
		}
	}
	return ahead, skew, false
}
