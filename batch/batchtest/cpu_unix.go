//go:build unix

package batchtest

import (
	"runtime"
	"syscall"
)

// CPUTime is the process's CPU time in nanoseconds, 0 where it is not known.
func CPUTime() int64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

func lock()   { runtime.LockOSThread() }
func unlock() { runtime.UnlockOSThread() }
