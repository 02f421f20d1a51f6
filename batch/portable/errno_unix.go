//go:build unix

package portable

import (
	"syscall"

	"github.com/quidnunc/quidnunc/batch"
)

// kindOfErrno sorts what the system says of a failed send. Refused is for reports.
func kindOfErrno(errno syscall.Errno) batch.ErrorKind {
	if kind := batch.KindOf(errno); kind != batch.Refused {
		return kind
	}
	return batch.Unreachable
}

// tooLong reports whether a receive failed for the length of its datagram;
// here such a datagram is cut short without an error.
func tooLong(error) bool { return false }
