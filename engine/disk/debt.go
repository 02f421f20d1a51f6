package disk

import (
	"errors"
	"time"

	"github.com/quidnunc/quidnunc/codec"
)

// debt is what is known of contents that found no room, but with Each, which refuses them. A record
// of one is not written, so that a start finds what its key held before, and neither its version nor
// a later one is on disk before a snapshot has written the content.
type debt struct {
	from  uint64 // the first of these versions; 0: there is none
	last  uint64
	later uint64        // the first that the snapshot under way may not show
	cause error         // why the last content was not written
	at    time.Time     // when a snapshot tries
	retry time.Duration // after it
}

// owes tells, under mu, whether something that is missing stands at or before a version.
func (l *Log) owes(version uint64) bool { return l.debt.from > 0 && l.debt.from <= version }

// owe notes, under mu, the record of a content that is not here.
func (l *Log) owe(version uint64) {
	d := &l.debt
	if d.from == 0 {
		d.from, d.retry = version, retryFirst
		d.at = time.Now().Add(d.retry)
	}
	if d.later == 0 {
		d.later = version
	}
	if d.cause == nil {
		d.cause = errReplaced
	}
	d.last = version
	l.news.Broadcast()
}

// appendKept appends, under mu, the records of an offer that the log is to have: not those of
// contents that are not here, and where there are some, those too that a later one replaces.
func (l *Log) appendKept(dst, records []byte) []byte {
	if l.o.Sync == SyncEach || !l.lacks(records) {
		return appendLive(dst, records)
	}
	var r Record
	for at := 0; at < len(records); {
		one := records[at : at+recordSize(records[at:])]
		if at += len(one); readRecord(one, &r) > 0 && l.lacksContent(&r) {
			l.owe(r.Version)
			continue
		}
		dst = append(dst, one...)
	}
	return dst
}

// lacks tells whether a record refers to a content that is not here.
func (l *Log) lacks(records []byte) bool {
	var r Record
	for at := 0; at < len(records); {
		h := records[at:]
		n := recordSize(h)
		if h[18]&(1<<RecordClass-1) == OpContent && readRecord(h[:n], &r) > 0 && l.lacksContent(&r) {
			return true
		}
		at += n
	}
	return false
}

// lacksContent tells whether it is one of a content that is not here.
func (l *Log) lacksContent(r *Record) bool {
	var c codec.Content
	return r.Op == OpContent && codec.ParseContent(r.Value, &c) == nil && !l.isHere(&c.Sum)
}

// begins notes, under mu, that a snapshot of all up to a version begins.
func (d *debt) begins(cut uint64) {
	if d.later = 0; d.last > cut {
		d.later = cut + 1
	}
}

// errReplaced is why a content is not on disk that was replaced before it could be written.
var errReplaced = errors.New("a content was replaced before it was on disk")

// pays notes what a snapshot could not write, and reports whether it wrote the last that was missing.
func (l *Log) pays(s *snapshotDone) (paid bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	d := &l.debt
	paid = d.from > 0
	if s.err == nil {
		if s.owed == 0 {
			d.from = d.later
		} else { // which may have replaced what was missing before
			d.from = first(d.from, s.owed)
		}
		if s.cause != nil {
			d.cause = s.cause
		}
	}
	if d.from == 0 {
		return paid
	}
	if d.cause == nil {
		d.cause = errReplaced
	}
	if s.gone > 0 || d.retry == 0 {
		d.retry = retryFirst
	}
	d.at = time.Now().Add(d.retry)
	d.retry = min(2*d.retry, retryMost)
	return false
}

// first is the lower of two versions of which 0 is none.
func first(a, b uint64) uint64 {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}

// debtAt is when a snapshot is to be made for contents that are not on disk; zero: never.
func (l *Log) debtAt() (at time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.debt.from > 0 && !l.snapping {
		at = l.debt.at
	}
	return at
}

func (l *Log) isDue(now time.Time) bool {
	at := l.debtAt()
	return !at.IsZero() && !now.Before(at)
}

// sooner is the earlier of two times of which zero is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// owing is what a snapshot could not write.
type owing struct {
	owed    uint64 // the first version
	cause   error
	noRoom  int     // a content so long was not written
	files   *reader // what is on disk, once it is asked for
	instead Record
}

// standing is the record that a snapshot has of a key: the one of the state, after its content was
// written if it is not on disk, else the one that the files have, nil if they have none.
func (s *snapshotWriter) standing(r *Record) *Record {
	l := s.l
	if !l.lacksContent(r) {
		return r
	}
	if s.writeContent(r) || l.o.Sync == SyncEach || r.Version <= l.inherited { // those are in the files already
		return r
	}
	s.owed = first(s.owed, r.Version)
	if s.files == nil {
		s.files = &reader{o: &Options{FS: l.o.FS, Cluster: l.o.Cluster, Name: l.o.Name}, i: &Image{}}
		if err := s.files.scan(); err != nil {
			s.err = err
		}
	}
	i, ok := s.files.keys[string(r.Key)]
	if s.err != nil || !ok {
		return nil
	}
	s.instead = s.files.all[i]
	return &s.instead
}

// writeContent has the content of a record on disk, if it can.
func (s *snapshotWriter) writeContent(r *Record) bool {
	var c codec.Content
	if codec.ParseContent(r.Value, &c) != nil || s.noRoom > 0 && int(c.Length) >= s.noRoom {
		return false
	}
	b, ok := s.l.src.Content(&c.Sum)
	if !ok { // it was replaced since
		return false
	}
	err := s.l.keep(&c.Sum, b)
	if err != nil {
		s.cause = explain(s.l.o.FS.Path(), "can't be written", err)
		s.noRoom = len(b)
	}
	return err == nil
}
