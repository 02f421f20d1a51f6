//go:build !unix

package batchtest

// CPUTime is the process's CPU time in nanoseconds, 0 where it is not known.
func CPUTime() int64 { return 0 }

func lock()   {}
func unlock() {}
