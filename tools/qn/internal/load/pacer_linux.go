package load

import "syscall"

const prSetTimerSlack = 29 // PR_SET_TIMERSLACK, prctl(2)

// exactTimers asks the kernel not to group this thread's timers: by default a sleep may last 50 µs
// more than asked.
func exactTimers() {
	syscall.RawSyscall(syscall.SYS_PRCTL, prSetTimerSlack, 1, 0) // a refusal costs precision only
}

// sleep blocks the thread, not only the goroutine: Go's own timers wake through the netpoller and
// add up to a millisecond.
func sleep(nanos int64) {
	ts := syscall.NsecToTimespec(nanos)
	_ = syscall.Nanosleep(&ts, nil) // an interrupted sleep is short; the caller looks at the clock
}
