package engine

import (
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quidnunc/quidnunc/sched"
)

// LargeTurn has the loop do a turn's share of what is to do for streams, and gives the processor's
// time that it took.
func (e *Engine) LargeTurn() (took time.Duration) {
	e.ask(func(now sched.Instant) {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		began := threadTime()
		e.turnLarge(now)
		took = threadTime() - began
	})
	return took
}

func threadTime() time.Duration {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		panic(err)
	}
	return time.Duration(t.Nano())
}
