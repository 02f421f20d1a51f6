//go:build unix

package portable

import (
	"syscall"

	"github.com/quidnunc/quidnunc/batch"
)

// kindOfErrno sorts what the system says of a failed send.
func kindOfErrno(errno syscall.Errno) batch.ErrorKind {
	switch errno {
	case syscall.EAGAIN:
		return batch.Again
	case syscall.EPERM, syscall.EACCES:
		return batch.Denied
	case syscall.ENOBUFS, syscall.ENOMEM:
		return batch.NoBuffers
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN,
		syscall.EADDRNOTAVAIL, syscall.EAFNOSUPPORT, syscall.ECONNREFUSED:
		return batch.Unreachable
	case syscall.EMSGSIZE:
		return batch.TooLong
	}
	return batch.OtherError
}

// tooLong reports whether a receive failed for the length of its datagram;
// here such a datagram is cut short without an error.
func tooLong(error) bool { return false }
