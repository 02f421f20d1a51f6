package state

import (
	"runtime"
	"syscall"
	"testing"
)

// cpuTime is the processor time of this thread in nanoseconds: on a machine that others use, the
// time that counts.
func cpuTime() int64 {
	var u syscall.Rusage
	const thread = 1
	if syscall.Getrusage(thread, &u) != nil {
		return 0
	}
	return u.Utime.Nano() + u.Stime.Nano()
}

// measureCPU reports processor time beside the elapsed one, per op and so many parts of it.
func measureCPU(b *testing.B, parts int) func() {
	runtime.LockOSThread()
	start := cpuTime()
	return func() {
		b.ReportMetric(float64(cpuTime()-start)/float64(b.N*parts), "cpu-ns/part")
		runtime.UnlockOSThread()
	}
}
