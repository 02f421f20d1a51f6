package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
)

// sum is the SHA-256 of a content.
type sum = [sha256.Size]byte

// values are the contents that records refer to, a file each. They are written before
// the record, by whoever writes it, and removed by the snapshot after the next that
// finds no reference.
type values struct {
	mu    sync.Mutex
	here  map[sum]bool
	tries uint64          // names of files under way
	fresh int64           // bytes written since the last snapshot began
	late  [2]map[sum]bool // put since the last snapshot began, and since the one before
}

func (v *values) init() { v.here, v.late = map[sum]bool{}, [2]map[sum]bool{{}, {}} }

// forget is for a directory that is gone: what is put again is written again.
func (v *values) forget() {
	v.mu.Lock()
	clear(v.here)
	v.mu.Unlock()
}

func valueName(s *sum) string { return filePrefix + "-" + hex.EncodeToString(s[:]) + valueEnd }

func valueOf(name string) (s sum, ok bool) {
	digits, is := strings.CutPrefix(strings.TrimSuffix(name, valueEnd), filePrefix+"-")
	if !is || !strings.HasSuffix(name, valueEnd) || len(digits) != 2*len(s) {
		return s, false
	}
	_, err := hex.Decode(s[:], []byte(digits))
	return s, err == nil
}

// begin gives the set of contents that a snapshot must keep whatever it finds.
func (v *values) begin() map[sum]bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	keep := map[sum]bool{}
	for _, late := range v.late {
		for s := range late {
			keep[s] = true
		}
	}
	v.late[1], v.late[0] = v.late[0], map[sum]bool{}
	v.fresh = 0
	return keep
}

// sinceSnapshot is how many bytes were written since the last snapshot began.
func (v *values) sinceSnapshot() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fresh
}

// sweep removes the contents that nothing refers to.
func (v *values) sweep(dir FS, keep map[sum]bool) {
	names, err := dir.List()
	if err != nil {
		return
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, name := range names {
		s, ok := valueOf(name)
		if !ok || keep[s] || v.late[0][s] {
			continue
		}
		delete(v.here, s)
		dir.Remove(name)
	}
}

// PutValue keeps a content under its SHA-256. It is for the goroutine that writes, before
// the record that refers to it: it takes as long as the disk does. With Each it is synced.
func (l *Log) PutValue(s *sum, b []byte) error {
	v := &l.values
	v.mu.Lock()
	v.late[0][*s] = true
	here := v.here[*s]
	v.tries++
	temp := fmt.Sprintf("%s-%d%s%s", filePrefix, v.tries, valueEnd, tempEnd)
	v.mu.Unlock()
	if here {
		return nil
	}
	if err := l.writeValue(valueName(s), temp, b); err != nil {
		return explain(l.o.FS.Path(), "can't be written", err)
	}
	v.mu.Lock()
	v.here[*s] = true
	v.fresh += int64(len(b))
	v.mu.Unlock()
	return nil
}

func (l *Log) writeValue(name, temp string, b []byte) error {
	f, err := l.o.FS.Create(temp)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil && l.o.Sync != SyncNever {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = l.o.FS.Rename(temp, name)
	}
	if err == nil && l.o.Sync == SyncEach {
		err = l.o.FS.Sync()
	}
	if err != nil {
		l.o.FS.Remove(temp)
	}
	return err
}

// Value reads a content, and checks it.
func (l *Log) Value(s *sum) ([]byte, error) {
	b, err := l.o.FS.Read(valueName(s))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("its content is missing")
	case err != nil:
		return nil, err
	case sha256.Sum256(b) != *s:
		return nil, fmt.Errorf("its content is damaged")
	}
	l.values.mu.Lock()
	l.here[*s] = true
	l.values.mu.Unlock()
	return b, nil
}
