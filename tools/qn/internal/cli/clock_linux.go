package cli

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"

	"github.com/quidnunc/quidnunc/tools/qn/internal/api"
)

// checkClock asks the kernel whether something keeps the wall clock right (adjtimex(2)).
func checkClock() api.Check {
	var t unix.Timex
	if _, err := unix.Adjtimex(&t); err != nil {
		return api.Check{Name: "clock", Status: api.OK, Detail: "this system does not say whether it is right"}
	}
	return clockCheck(t.Status&unix.STA_UNSYNC == 0, time.Duration(t.Maxerror)*time.Microsecond)
}

// clockCheck judges what the kernel says: whether the clock is kept right, and how far it may be
// off then.
func clockCheck(kept bool, off time.Duration) api.Check {
	const fix = "run chrony or systemd-timesyncd: the last writer of a shared key wins by clock"
	if !kept {
		return api.Check{Name: "clock", Status: api.Warn, Detail: "nothing keeps it right", Fix: fix}
	}
	return check("clock", off <= clockWanted, api.Warn, fmt.Sprintf("kept right, off by at most %v", off.Round(time.Millisecond)), fix)
}
