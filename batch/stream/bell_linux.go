package stream

import (
	"io"
	"net"
	"os"
	"syscall"
)

// newBell makes a bell: what is written to ring makes the loop, which has the other end, look at
// its orders. gnet's own way to run something on its loop makes two heap objects each time.
//
// It is an eventfd(2): to wake up a thread by one costs the reactor a third of what a local socket
// does. gnet takes sockets only, so that the eventfd takes the place of one, by its number.
func newBell() (ring io.WriteCloser, hear net.Conn, err error) {
	n, _, errno := syscall.RawSyscall(syscall.SYS_EVENTFD2, 0, syscall.O_CLOEXEC, 0) // EFD_CLOEXEC is that
	if errno != 0 {
		return nil, nil, errno
	}
	fd := int(n)
	ring = os.NewFile(uintptr(fd), "bell") // it is blocking yet: the runtime does not watch it
	if err = syscall.SetNonblock(fd, true); err == nil {
		hear, err = newSocketOf(fd)
	}
	if err != nil {
		ring.Close()
		return nil, nil, err
	}
	return ring, hear, nil
}

// newSocketOf makes what the net package takes for a local socket, and is another file.
func newSocketOf(fd int) (net.Conn, error) {
	other, c, err := newPair()
	if err != nil {
		return nil, err
	}
	other.Close()
	raw, err := c.(syscall.Conn).SyscallConn()
	if err == nil {
		if failed := raw.Control(func(at uintptr) { err = syscall.Dup3(fd, int(at), syscall.O_CLOEXEC) }); failed != nil {
			err = failed
		}
	}
	if err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}
