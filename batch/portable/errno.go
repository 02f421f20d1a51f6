//go:build unix || windows

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
	return kindOfErrno(errno)
}
