package disk

import (
	"errors"
	"io/fs"
)

// relock takes the directory anew where it was removed, and the lock with it. What is there
// instead may be another process's by now.
func (l *Log) relock() error {
	if _, lost := l.lock.(unlocked); !lost && !errors.Is(l.Broken(), fs.ErrNotExist) {
		return nil
	}
	l.lock.Close()
	l.values.forget()
	l.inherited = 0
	lock, err := l.o.FS.Lock()
	if err != nil {
		l.lock = unlocked{}
		return err
	}
	l.lock = lock
	return nil
}

// unlocked is a lock that is not held.
type unlocked struct{}

func (unlocked) Close() error { return nil }
