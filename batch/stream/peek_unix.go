//go:build unix

package stream

import "syscall"

// peek reads what has arrived on a connection and leaves it there.
func peek(fd int, b []byte) (n int) {
	n, _, err := syscall.Recvfrom(fd, b, syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	if err != nil {
		return 0
	}
	return n
}
