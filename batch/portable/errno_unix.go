//go:build unix

package portable

import (
	"errors"
	"net"
	"syscall"

	"github.com/quidnunc/quidnunc/batch"
)

// kindOf sorts a failed send.
func kindOf(err error) batch.ErrorKind {
	var family *net.AddrError // an IPv6 destination on an IPv4 socket
	if errors.As(err, &family) {
		return batch.Unreachable
	}
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return batch.OtherError
	}
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
