package agent

import (
	"context"
	"net"
	"os"
	"strconv"
	"time"
)

// notify tells systemd about the state of the service (sd_notify(3)). Without systemd it does
// nothing.
func notify(state string) {
	path := os.Getenv("NOTIFY_SOCKET")
	if path == "" {
		return
	}
	if path[0] == '@' {
		path = "\x00" + path[1:]
	}
	c, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		return
	}
	defer c.Close()
	_, _ = c.Write([]byte(state)) // systemd's own time-out tells of a loss
}

// watchdogSpan is how often systemd wants to hear, 0 for never (sd_watchdog_enabled(3)).
func watchdogSpan() time.Duration {
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return 0
	}
	us, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64)
	if err != nil || us <= 0 {
		return 0
	}
	return time.Duration(us) * time.Microsecond
}

// feed tells the watchdog that the process lives, as long as lives says so in time.
func feed(ctx context.Context, span time.Duration, lives func() bool) {
	if span == 0 {
		return
	}
	again := time.NewTicker(span / 2)
	defer again.Stop()
	for {
		if lives() {
			notify("WATCHDOG=1")
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			return
		}
	}
}
