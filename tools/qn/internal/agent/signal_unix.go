//go:build unix

package agent

import (
	"os"
	"os/signal"
	"syscall"
)

func hangup(to chan<- os.Signal) { signal.Notify(to, syscall.SIGHUP) }
