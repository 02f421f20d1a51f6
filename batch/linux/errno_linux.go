package linux

import "golang.org/x/sys/unix"

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
