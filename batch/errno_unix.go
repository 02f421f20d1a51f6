//go:build unix

package batch

import "syscall"

// KindOf sorts the errno of a send that failed for one destination.
func KindOf(errno syscall.Errno) ErrorKind {
	switch errno {
	case syscall.EAGAIN:
		return Again
	case syscall.EPERM, syscall.EACCES:
		return Denied
	case syscall.ENOBUFS, syscall.ENOMEM:
		return NoBuffers
	case syscall.ENETUNREACH, syscall.EHOSTUNREACH, syscall.ENETDOWN, syscall.EHOSTDOWN, syscall.EADDRNOTAVAIL,
		syscall.EAFNOSUPPORT, syscall.ENODEV, syscall.ENXIO:
		return Unreachable
	case syscall.ECONNREFUSED:
		return Refused
	case syscall.EMSGSIZE:
		return TooLong
	}
	return OtherError
}
