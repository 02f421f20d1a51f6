//go:build unix && !linux

package stream

import (
	"io"
	"net"
)

// newBell makes a bell: what is written to ring makes the loop, which has the other end, look at
// its orders. gnet's own way to run something on its loop makes two heap objects each time.
func newBell() (ring io.WriteCloser, hear net.Conn, err error) { return newPair() }
