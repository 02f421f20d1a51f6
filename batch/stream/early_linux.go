package stream

import "syscall"

// ackNow has the kernel say at once what has arrived and how much room there is. It is called while a
// record is only here in part. Where packets are as long as records, as on the loopback, the rest may
// not fit the window that was told, and the kernel tells of a larger one when it answers next: after 40 ms.
func ackNow(fd int) {
	_ = syscall.SetsockoptInt(fd, syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1) // without it the rest comes later
}

// withHello has the kernel keep the last packet of a connection's handshake until the hello goes
// with it (tcp(7), TCP_QUICKACK): the acceptor sees a connection and its hello at once.
func withHello(_, _ string, c syscall.RawConn) error {
	return c.Control(func(fd uintptr) {
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 0) // without it the hello comes a little later
	})
}
