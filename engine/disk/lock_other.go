//go:build !windows && (!unix || solaris || illumos || aix)

package disk

import (
	"errors"
	"io"
)

var errLocked = errors.New("locked")

// lock refuses: where two processes can't be kept apart, state is not kept.
func lock(string) (io.Closer, error) {
	return nil, errors.New("this system has no lock that ends with its process")
}

// Sync does nothing.
func (d Dir) Sync() error { return nil }
