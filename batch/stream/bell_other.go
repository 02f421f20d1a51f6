//go:build !unix

package stream

import (
	"errors"
	"net"
)

// newBell has no local sockets to make here: the loop is told by gnet.
func newBell() (ring, hear net.Conn, err error) {
	return nil, nil, errors.ErrUnsupported
}
