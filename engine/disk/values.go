package disk

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// sum is the SHA-256 of a content.
type sum = [sha256.Size]byte

// values are the contents that records refer to, a file each. They are written before
// the record, by whoever writes it, and removed by the next snapshot that finds no
// reference and can know of that record. A record of one that is not here is not written (debt.go).
type values struct {
	mu    sync.Mutex
	here  map[sum]bool
	tries uint64         // names of files under way
	fresh int64          // bytes written since the last snapshot began
	late  map[sum]placed // put since

	renamed atomic.Bool // since the directory was synced, with Interval

	removing sync.Mutex // before mu, held while a content is removed: who puts the same one waits

	writing sync.RWMutex // held by all who write a content: one that finds no room takes all there is
}

// placed tells where a content that was put is referred to.
type placed struct {
	writers int    // who put it and have no version for it yet
	version uint64 // the newest record that refers to it
}

func (v *values) init() { v.here, v.late = map[sum]bool{}, map[sum]placed{} }

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

// begin notes that a snapshot begins.
func (v *values) begin() {
	v.mu.Lock()
	v.fresh = 0
	v.mu.Unlock()
}

// sinceSnapshot is how many bytes were written since the last snapshot began.
func (v *values) sinceSnapshot() int64 {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.fresh
}

// sweep removes the contents that nothing refers to: not what is live, which is all that records up
// to a version refer to, nor a later one. It says how many went.
func (v *values) sweep(dir FS, live map[sum]bool, version uint64) (gone int) {
	names, err := dir.List()
	if err != nil {
		return 0
	}
	v.mu.Lock()
	for s, p := range v.late {
		if p.writers == 0 && p.version <= version {
			delete(v.late, s)
		}
	}
	v.mu.Unlock()
	for _, name := range names {
		if s, ok := valueOf(name); ok && !live[s] && v.remove(dir, name, &s) {
			gone++
		}
	}
	return gone
}

// remove removes a content, but one that was put since. Offer does not wait for the disk meanwhile.
func (v *values) remove(dir FS, name string, s *sum) (gone bool) {
	v.removing.Lock()
	defer v.removing.Unlock()
	v.mu.Lock()
	_, late := v.late[*s]
	if !late {
		delete(v.here, *s)
	}
	v.mu.Unlock()
	return !late && dir.Remove(name) == nil
}

// refer notes what a record refers to, and how long that is.
func refer(live map[sum]bool, r *Record) (bytes int64) {
	var c codec.Content
	if r.Op != OpContent || codec.ParseContent(r.Value, &c) != nil || live[c.Sum] {
		return 0
	}
	live[c.Sum] = true
	return int64(c.Length)
}

// PutValue keeps a content under its SHA-256. It is for the goroutine that writes, before
// the record that refers to it, whose version Placed is told then: it takes as long as the disk
// does, and where that is full, until what nothing refers to has gone, but no longer than roomMost.
// With Each it is synced. After an error the record may be offered all the same, but with Each: it is
// on disk once the content is.
func (l *Log) PutValue(s *sum, b []byte) error {
	v := &l.values
	v.removing.Lock()
	v.mu.Lock()
	p := v.late[*s]
	p.writers++
	v.late[*s] = p
	here := v.here[*s]
	v.mu.Unlock()
	v.removing.Unlock()
	if here {
		return nil
	}
	err := l.keep(s, b)
	if full(err) && l.makeRoom() {
		err = l.keep(s, b)
	}
	if err != nil {
		err = explain(l.o.FS.Path(), "can't be written", err)
		if l.o.Sync == SyncEach {
			l.Placed(s, 0)
			return err
		}
		l.mu.Lock()
		l.debt.cause = err
		l.mu.Unlock()
	}
	return err
}

// keep writes a content.
func (l *Log) keep(s *sum, b []byte) error {
	v := &l.values
	v.mu.Lock()
	v.tries++
	temp := fmt.Sprintf("%s-%d%s%s", filePrefix, v.tries, valueEnd, tempEnd)
	v.mu.Unlock()
	err := l.writeValue(valueName(s), temp, b)
	if err != nil {
		return err
	}
	v.mu.Lock()
	v.here[*s] = true
	v.fresh += int64(len(b))
	v.mu.Unlock()
	return nil
}

// isHere tells whether a content is on disk.
func (v *values) isHere(s *sum) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.here[*s]
}

// Placed says in which version a record refers to a content that PutValue was given; 0: in none.
func (l *Log) Placed(s *sum, version uint64) {
	v := &l.values
	v.mu.Lock()
	p := v.late[*s]
	p.writers, p.version = p.writers-1, max(p.version, version)
	if v.late[*s] = p; p == (placed{}) {
		delete(v.late, *s)
	}
	v.mu.Unlock()
}

func (l *Log) writeValue(name, temp string, b []byte) error {
	l.writing.RLock()
	defer l.writing.RUnlock()
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
	switch {
	case err != nil:
	case l.o.Sync == SyncEach:
		err = l.o.FS.Sync()
	case l.o.Sync == SyncInterval: // as is the record
		l.renamed.Store(true)
	}
	if err != nil {
		l.o.FS.Remove(temp)
	}
	return err
}

// syncFile syncs a log, and before it the names of the contents that its records refer to.
func (l *Log) syncFile(f File) error {
	if l.renamed.Swap(false) {
		if err := l.o.FS.Sync(); err != nil {
			l.renamed.Store(true)
			return err
		}
	}
	return f.Sync()
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
