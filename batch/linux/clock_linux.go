package linux

import "golang.org/x/sys/unix"

// Boot reads CLOCK_BOOTTIME (Linux 2.6.39), which CLOCK_MONOTONIC is but for the time that
// the system was suspended.
func Boot() (nanos int64, ok bool) {
	var ts unix.Timespec
	if unix.ClockGettime(unix.CLOCK_BOOTTIME, &ts) != nil {
		return 0, false
	}
	return ts.Nano(), true
}
