// Package peer runs systems that the engine is compared with, for the benchmarks of the
// package above and for fan: one driver each.
package peer

import (
	"errors"
	"os"
	"strconv"
	"strings"
	"time"
)

// ValueBytes is the length of what is said.
const ValueBytes = 64

// ErrAbsent is returned for what is not installed here.
var ErrAbsent = errors.New("not installed")

// startMax is how long one may take to start.
const startMax = time.Minute

// ProcessTime is the processor time that all threads of another process have used, by /proc.
func ProcessTime(pid int) (total time.Duration) {
	dir := "/proc/" + strconv.Itoa(pid) + "/task/"
	tasks, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, t := range tasks {
		if b, err := os.ReadFile(dir + t.Name() + "/schedstat"); err == nil { // nanoseconds come first
			n, _ := strconv.ParseInt(strings.Fields(string(b))[0], 10, 64)
			total += time.Duration(n)
		}
	}
	return total
}
