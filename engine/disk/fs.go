package disk

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FS is the directory that a log lives in, as narrow as the log needs it, so that tests
// can make it fail at any call. All names are plain.
type FS interface {
	// Lock takes the directory, which it makes if it is missing, for this process alone.
	Lock() (io.Closer, error)
	List() ([]string, error)
	Read(name string) ([]byte, error)
	// Create makes a new file that only its owner may read.
	Create(name string) (File, error)
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes names that were created, renamed and removed survive a loss of power.
	Sync() error
	// Path is the directory, for messages.
	Path() string
}

// File is a file under construction.
type File interface {
	io.Writer
	// Sync also fails where the name does not lead to the file any more: what was removed
	// takes writes, and syncs, as if nothing was.
	Sync() error
	Close() error
}

// errRemoved is why a file that can be written is of no use.
var errRemoved = fmt.Errorf("it was removed, or another one is in its place: %w", fs.ErrNotExist)

// Dir is a directory of the operating system.
type Dir string

// Path is the directory.
func (d Dir) Path() string { return string(d) }

func (d Dir) at(name string) string { return filepath.Join(string(d), name) }

// Lock makes the directory and takes it.
func (d Dir) Lock() (io.Closer, error) {
	switch info, err := os.Stat(string(d)); {
	case errors.Is(err, fs.ErrNotExist):
		if err := os.MkdirAll(string(d), 0o700); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !info.IsDir():
		return nil, &Error{Path: string(d), Problem: "is not a directory", Fix: "name a directory"}
	}
	if err := d.foreign(); err != nil {
		return nil, err
	}
	f, err := lock(d.at(lockName))
	if err != errLocked {
		return f, err
	}
	by := "another process"
	if pid, err := os.ReadFile(d.at(lockName)); err == nil && len(pid) > 0 {
		by = "process " + strings.TrimSpace(string(pid))
	}
	return nil, &Error{Path: string(d), Problem: "is in use by " + by, Fix: "end that one, or give this member a directory of its own"}
}

// foreign refuses a directory with files of somebody else and none of ours.
func (d Dir) foreign() error {
	names, err := d.List()
	if err != nil {
		return err
	}
	other := ""
	for _, name := range names {
		if strings.HasPrefix(name, filePrefix) {
			return nil
		}
		if other == "" && name[0] != '.' && name != "lost+found" {
			other = name
		}
	}
	if other == "" {
		return nil
	}
	return &Error{Path: string(d), Problem: fmt.Sprintf("holds %q and no state of a member", other), Fix: "name an empty directory, or the one that this member used before"}
}

// List names what is in the directory, in order.
func (d Dir) List() (names []string, err error) {
	list, err := os.ReadDir(string(d))
	for _, e := range list {
		names = append(names, e.Name())
	}
	return names, err
}

// Read gives a whole file.
func (d Dir) Read(name string) ([]byte, error) { return os.ReadFile(d.at(name)) }

// Create makes a new file.
func (d Dir) Create(name string) (File, error) {
	f, err := os.OpenFile(d.at(name), os.O_CREATE|os.O_EXCL|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err // not a nil *os.File in an interface
	}
	return dirFile{f}, nil
}

// dirFile is a file of a directory.
type dirFile struct{ *os.File }

// Sync writes the file down, and looks whether it can be found.
func (f dirFile) Sync() error {
	if err := f.File.Sync(); err != nil {
		return err
	}
	return inPlace(f.File)
}

// inPlace tells whether the name of a file still leads to it.
func inPlace(f *os.File) error {
	there, err := os.Stat(f.Name())
	if errors.Is(err, fs.ErrNotExist) {
		return errRemoved
	}
	if err != nil {
		return err
	}
	if here, err := f.Stat(); err != nil || !os.SameFile(here, there) {
		return cmp.Or(err, errRemoved)
	}
	return nil
}

// Rename replaces a file by another.
func (d Dir) Rename(from, to string) error { return os.Rename(d.at(from), d.at(to)) }

// Remove takes a file away.
func (d Dir) Remove(name string) error { return os.Remove(d.at(name)) }
