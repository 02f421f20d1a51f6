//go:build unix

package stream

import (
	"net"
	"os"
	"syscall"
)

// newPair makes two ends of a local socket.
func newPair() (ring, hear net.Conn, err error) {
	pair, err := syscall.Socketpair(syscall.AF_UNIX, syscall.SOCK_STREAM, 0)
	if err != nil {
		return nil, nil, err
	}
	syscall.CloseOnExec(pair[0])
	syscall.CloseOnExec(pair[1])
	if ring, err = connOf(pair[0]); err == nil {
		if hear, err = connOf(pair[1]); err == nil {
			return ring, hear, nil
		}
		ring.Close()
		return nil, nil, err
	}
	_ = syscall.Close(pair[1])
	return nil, nil, err
}

func connOf(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "bell")
	defer f.Close() // FileConn has a duplicate
	return net.FileConn(f)
}
