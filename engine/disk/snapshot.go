package disk

import (
	"errors"
	"slices"
	"strings"
	"time"
)

const (
	snapshotBlock = 64 << 10 // bytes of records in one block
)

// snapshotDone is what became of a snapshot.
type snapshotDone struct {
	number   uint64
	err      error
	bytes    int64
	contents int64    // bytes of what it refers to
	gone     int      // contents that nothing refers to
	names    []string // files that it made superfluous
	owed     uint64   // the first version whose content is not on disk
	cause    error    // why
}

var errStopped = errors.New("stopped")

// startSnapshot makes a snapshot of everything up to a version, beside. It stands before
// the log that was just begun.
func (l *Log) startSnapshot(cut uint64) {
	l.snapping, l.wanted = true, false
	s := &snapshotWriter{l: l, number: l.number - 1, cut: cut, names: slices.Clone(l.names[:len(l.names)-1])}
	l.chain, l.logs = 0, 1
	l.beginsRoom()
	l.mu.Lock()
	l.debt.begins(cut)
	s.place, s.members = l.place, l.members
	l.mu.Unlock()
	s.place.seq = cut
	s.damaged = l.damaged
	go func() {
		bytes, err := s.run()
		if full(err) { // of contents under way, which give it back: nobody waits for this one, as it waits for others
			l.writing.Lock()
			//lint:ignore SA2001 who writes a content has given its room back then
			l.writing.Unlock()
			s.gone = l.sweepUnused()
			bytes, err = s.run()
		}
		l.snapshot <- snapshotDone{s.number, err, bytes, s.contents, s.gone, s.names, s.owed, s.cause}
	}()
}

// snapshotEnded takes in what became of it.
func (l *Log) snapshotEnded(d snapshotDone) {
	l.snapping = false
	paid := l.pays(&d)
	l.tellRoom(&d)
	if d.err != nil {
		l.noSnapshot(d.err)
		return
	}
	l.names = slices.DeleteFunc(l.names, func(n string) bool { return slices.Contains(d.names, n) })
	l.snapped, l.contents = d.bytes, d.contents
	l.names = append(l.names, numbered(d.number, snapEnd))
	if !l.mending || l.file == nil {
		if paid && l.file != nil && l.o.Changed != nil {
			l.o.Changed(nil)
		}
		return
	}
	l.mending, l.retry = false, retryFirst
	l.mu.Lock()
	l.broken, l.drops = nil, false
	if l.o.Sync != SyncEach { // what was lost is in the snapshot
		l.lost = l.lost[:0]
	}
	l.mu.Unlock()
	if l.syncAt.IsZero() && !l.syncing {
		l.tell(l.written)
	}
	if l.o.Changed != nil && l.Broken() == nil {
		l.o.Changed(nil)
	}
}

// noSnapshot tries again later. While the log itself can be written nothing is lost.
func (l *Log) noSnapshot(err error) {
	l.wanted, l.wantedAt = true, time.Now().Add(retryMost)
	if err == errStopped || l.file == nil {
		return
	}
	if l.mending {
		l.fail(time.Now(), "can't be written", err)
		return
	}
	if l.o.Warn != nil {
		l.o.Warn(explain(l.o.FS.Path(), "no snapshot", err).Error())
	}
}

// snapshotWriter writes one snapshot, on a goroutine of its own.
type snapshotWriter struct {
	l       *Log
	number  uint64
	cut     uint64
	place   position
	members []Member
	names   []string     // what it makes superfluous
	damaged []string     // of that, what is kept aside
	live    map[sum]bool // contents that are referred to

	contents int64 // bytes of that
	gone     int   // contents that were removed, by all attempts
	owing

	file  File
	salt  uint32
	buf   []byte // a block's head, and records
	bytes int64
	err   error
}

func (s *snapshotWriter) run() (int64, error) {
	l := s.l
	s.live, s.contents, s.bytes, s.buf, s.err, s.owing = map[sum]bool{}, 0, 0, nil, nil, owing{}
	if !l.src.Settle(s.cut) {
		return 0, errStopped
	}
	name := numbered(s.number, snapEnd)
	h := header{kind: snapshotFile, number: s.number, generation: s.place.generation, salt: newSalt(), cluster: l.o.Cluster, name: l.o.Name}
	l.o.FS.Remove(name + tempEnd) // of an attempt before
	f, err := begin(l.o.FS, name+tempEnd, &h)
	if err != nil {
		return 0, err
	}
	s.file, s.salt = f, h.salt
	if err := s.write(); err != nil {
		f.Close()
		l.o.FS.Remove(name + tempEnd)
		return 0, err
	}
	if err := l.o.FS.Rename(name+tempEnd, name); err != nil {
		return 0, err
	}
	if err := l.o.FS.Sync(); err != nil {
		return 0, err
	}
	s.setAside()
	for _, old := range s.names {
		l.o.FS.Remove(old) // what stays is overtaken, and removed by the next
	}
	s.gone += l.values.sweep(l.o.FS, s.live, s.cut)
	return s.bytes, nil
}

// write writes all blocks and closes the file.
func (s *snapshotWriter) write() error {
	now := time.Now()
	s.buf = appendBlock(nil, s.salt, blockPosition, now, func(b []byte) []byte { return appendPosition(b, &s.place) })
	if len(s.members) > 0 {
		s.buf = appendBlock(s.buf, s.salt, blockMembers, now, func(b []byte) []byte { return appendMembers(b, s.members) })
	}
	s.flush()
	floor, ok := s.l.src.Walk(s.add)
	s.place.floor = floor
	s.flushRecords(now)
	if s.err == nil && !ok {
		s.err = errStopped
	}
	if s.err == nil && s.l.stopping.Load() {
		s.err = errStopped
	}
	s.buf = appendBlock(s.buf[:0], s.salt, blockPosition, now, func(b []byte) []byte { return appendPosition(b, &s.place) })
	s.buf = appendBlock(s.buf, s.salt, blockEnd, now, func(b []byte) []byte { return b })
	s.flush()
	if s.err == nil {
		s.err = s.file.Sync()
	}
	if s.err == nil {
		s.err = s.file.Close()
	}
	return s.err
}

// add takes one record. One that ends has a block of its own, which says when it began.
func (s *snapshotWriter) add(r *Record) bool {
	if r = s.standing(r); r == nil {
		return s.err == nil && !s.l.stopping.Load()
	}
	if len(s.buf) == 0 {
		s.buf = append(s.buf, make([]byte, blockHead)...)
	}
	if r.ends() {
		s.flushRecords(time.Now())
		s.buf = append(s.buf[:0], make([]byte, blockHead)...)
	}
	s.buf = AppendRecord(s.buf, r)
	s.contents += refer(s.live, r)
	switch {
	case r.ends():
		s.flushRecords(time.Unix(0, r.Wall))
	case len(s.buf) >= snapshotBlock:
		s.flushRecords(time.Now())
	}
	return s.err == nil && !s.l.stopping.Load()
}

func (s *snapshotWriter) flushRecords(wall time.Time) {
	if len(s.buf) > blockHead {
		seal(s.buf, s.salt, blockWrites, wall)
		s.flush()
	}
	s.buf = s.buf[:0]
}

func (s *snapshotWriter) flush() {
	if s.err == nil {
		var n int
		n, s.err = s.file.Write(s.buf)
		s.bytes += int64(n)
	}
	s.buf = s.buf[:0]
}

// setAside keeps damaged files for whoever wants to look, and not too many of them.
func (s *snapshotWriter) setAside() {
	dir := s.l.o.FS
	for _, name := range s.damaged {
		dir.Rename(name, name+asideEnd)
	}
	names, err := dir.List()
	if err != nil {
		return
	}
	names = slices.DeleteFunc(names, func(n string) bool { return !strings.HasSuffix(n, asideEnd) })
	for _, name := range names[:max(0, len(names)-asideMax)] {
		dir.Remove(name)
	}
}
