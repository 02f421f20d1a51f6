//go:build unix && !solaris && !illumos && !aix

package disk

import (
	"errors"
	"io"
	"os"
	"strconv"
	"syscall"
)

var errLocked = errors.New("locked")

// lock takes a file with flock(2): the kernel gives it back however the process ends.
func lock(path string) (io.Closer, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		f.Close()
		if err == syscall.EWOULDBLOCK {
			return nil, errLocked
		}
		return nil, err
	}
	f.Truncate(0)
	f.WriteString(strconv.Itoa(os.Getpid()) + "\n") // for the message of who comes next
	return f, nil
}

// Sync writes the names down.
func (d Dir) Sync() error {
	f, err := os.Open(string(d))
	if err != nil {
		return err
	}
	defer f.Close()
	return f.Sync()
}
