package disk

import (
	"errors"
	"io"
	"os"
	"syscall"
)

var errLocked = errors.New("locked")

const errSharing = syscall.Errno(32) // ERROR_SHARING_VIOLATION

// lock opens a file that nobody else may have open.
func lock(path string) (io.Closer, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, err
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ|syscall.GENERIC_WRITE, 0, nil, syscall.OPEN_ALWAYS, syscall.FILE_ATTRIBUTE_NORMAL, 0)
	if err == errSharing {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return os.NewFile(uintptr(h), path), nil
}

// Sync does nothing: the file system keeps the order of names itself.
func (d Dir) Sync() error { return nil }
