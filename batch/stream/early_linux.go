package stream

import "syscall"

// withHello has the kernel keep the last packet of a connection's handshake until the hello goes
// with it (tcp(7), TCP_QUICKACK): the acceptor sees a connection and its hello at once.
func withHello(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0) // without it the hello comes a little later
	})
}
