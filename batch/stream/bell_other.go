//go:build !unix

package stream

import (
	"errors"
	"io"
	"net"
)

// newBell has no local sockets to make here: the loop is told by gnet.
func newBell() (ring io.WriteCloser, hear net.Conn, err error) {
	return nil, nil, errors.ErrUnsupported
}
