package linux

import (
	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

// kindOf sorts the errno of a send that failed for one destination.
func kindOf(errno unix.Errno) batch.ErrorKind {
	switch errno {
	case unix.EAGAIN:
		return batch.Again
	case unix.EPERM, unix.EACCES:
		return batch.Denied
	case unix.ENOBUFS, unix.ENOMEM:
		return batch.NoBuffers
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN, unix.EHOSTDOWN, unix.EADDRNOTAVAIL,
		unix.EAFNOSUPPORT, unix.ENODEV, unix.ENXIO:
		return batch.Unreachable
	case unix.ECONNREFUSED:
		return batch.Refused
	case unix.EMSGSIZE:
		return batch.TooLong
	}
	return batch.OtherError
}

// late reports whether an errno may be that of an earlier datagram, which the
// kernel tells with whatever call comes next (udp(7), IP_RECVERR).
func late(errno unix.Errno) bool {
	switch errno {
	case unix.ECONNREFUSED, unix.EHOSTUNREACH, unix.ENETUNREACH, unix.EMSGSIZE, unix.EACCES, unix.EPROTO,
		unix.EHOSTDOWN, unix.ENONET, unix.EOPNOTSUPP, unix.ENOPROTOOPT, unix.EPERM:
		return true
	}
	return false
}

// segmentRefusal reports whether a segmented send failed for being segmented.
func segmentRefusal(errno unix.Errno) bool {
	return errno == unix.EIO || errno == unix.EINVAL || errno == unix.EMSGSIZE || errno == unix.EOPNOTSUPP
}
