package disk

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Sync says when writes are forced to the disk.
type Sync uint8

// The ways to sync.
const (
	SyncInterval Sync = iota // each Options.Every, while there are writes
	SyncNever                // when the operating system likes
	SyncEach                 // before anybody is told of a write
)

const (
	pendingMax = 4 << 20              // bytes that wait to be written
	linger     = 5 * time.Millisecond // a write waits so long for company, unless Each
	retryFirst = time.Second          // after a failure
	retryMost  = 30 * time.Second
	beatEvery  = time.Minute
	chainMin   = 4 << 20 // bytes of logs that are never worth a snapshot
	logsMax    = 8       // logs that a start may have to read

	contentsMin = 16 << 20 // bytes of contents, as chainMin
)

// Options say where and how a log is kept.
type Options struct {
	FS            FS
	Cluster, Name string
	Sync          Sync
	Every         time.Duration
	// Secrets: what PutSecrets kept is wanted. Without it Begin erases that.
	Secrets bool
	// Changed is told on the log's own goroutine when writes are not kept any more, and
	// why, and with nil when they are again.
	Changed func(err error)
	// Warn is told what can't be done and hurts nobody yet.
	Warn func(line string)
	// Progress is called on the log's own goroutine, with Each, when Outcome has news.
	Progress func()
	// Above tells of two held records of a key which one is worth more; nil: the later one.
	Above func(a, b *Record) bool
}

// Source is the state that snapshots are made of.
type Source interface {
	// Settle returns when Walk shows every write up to a version, or false at the end.
	Settle(version uint64) bool
	// Walk yields the newest write of every key, deletes too, until yield returns false.
	// What is written meanwhile may be missing or not. Deletes may be missing up to floor.
	// false: it was not the state of this member.
	Walk(yield func(r *Record) bool) (floor uint64, ok bool)
	// Content gives a copy of a content that a record refers to; false: it is not here any more.
	Content(sum *[sha256.Size]byte) (b []byte, ok bool)
}

// Error says what is wrong with a directory, and what to do.
type Error struct {
	Path, Problem, Fix string
	Cause              error // of the system
}

// Error is one line.
func (e *Error) Error() string { return fmt.Sprintf("%s: %s; %s", e.Path, e.Problem, e.Fix) }

// Unwrap gives the system's cause to errors.Is.
func (e *Error) Unwrap() error { return e.Cause }

// explain is an error of the system in words that say what to do.
func explain(path, doing string, err error) error {
	var known *Error
	if err == nil || errors.As(err, &known) {
		return err
	}
	problem := err.Error()
	var p *fs.PathError
	if errors.As(err, &p) {
		problem = p.Err.Error()
	}
	fix := "look at the disk and its log"
	switch {
	case full(err):
		fix = "free space there"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		fix = "let this process write there"
	}
	return &Error{Path: path, Problem: doing + ": " + problem, Fix: fix, Cause: err}
}

// ErrClosed is the outcome of a write that was not on disk when the log was closed.
var ErrClosed = errors.New("disk: closed")

// span are versions that were not kept: (from, to].
type span struct {
	from, to uint64
	err      error
}

const spansMax = 256

// Log keeps the state of one member in a directory. Offer never waits; a goroutine of
// the log's own writes and syncs, and makes snapshots beside.
type Log struct {
	o    Options
	lock io.Closer
	src  Source
	wake chan struct{}
	done chan struct{} // the goroutine has ended

	mu      sync.Mutex
	news    *sync.Cond // durable, lost, closing
	pending []byte     // a block's head, and records
	spare   []byte
	since   time.Time // when the first of them was offered
	offered uint64    // the newest version that Offer took
	durable uint64    // everything up to here is on disk, as Sync says
	lost    []span
	broken  error // why writes are not kept now
	drops   bool  // what Offer takes is lost: until there is a file again
	missed  bool  // held records did not fit: a snapshot will have them
	place   position
	members []Member
	dirty   bool // place or members are to be written
	began   bool
	closing bool
	left    bool // the disk knows that the member leaves
	stale   bool // there are secrets that are not wanted

	crowded      bool      // a content found no room: a snapshot may make some
	forRoom      bool      // the last snapshot that began is for that
	begun, ended uint      // snapshots
	gone         int       // contents that they removed
	roomAt       time.Time // not before: the last one made none

	debt debt // contents that are not on disk

	awake    atomic.Bool // the goroutine will look at pending by itself
	stopping atomic.Bool // snapshots end at once

	values
	writer
}

// Open takes a directory and reads what it holds. The caller then calls Begin, or Close.
func Open(o Options) (*Log, *Image, error) {
	lock, err := o.FS.Lock()
	if err != nil {
		return nil, nil, explain(o.FS.Path(), "can't be used", err)
	}
	l := &Log{o: o, lock: lock, wake: make(chan struct{}, 1), done: make(chan struct{})}
	l.news = sync.NewCond(&l.mu)
	l.values.init()
	i := &Image{}
	r := reader{o: &l.o, i: i}
	if err := r.read(); err != nil {
		lock.Close()
		return nil, nil, explain(o.FS.Path(), "can't be read", err)
	}
	l.writer.init(&r)
	l.found = live(i)
	l.members, l.stale = i.Members, i.stale && !o.Secrets
	return l, i, nil
}

// Begin starts a life of the member under a generation: what is offered from now on is
// kept. A mark of a close in order is used up. first are records that were written
// before, last the newest version that was given out.
func (l *Log) Begin(generation, last uint64, first []byte, src Source) error {
	l.src, l.place = src, position{generation: generation, seq: last}
	l.offered, l.durable = last, last
	l.tidy()
	err := l.beginLog(first)
	if full(err) && l.values.sweep(l.o.FS, l.found, 0) > 0 {
		err = l.beginLog(first)
	}
	if err != nil {
		return explain(l.o.FS.Path(), "can't be written", err)
	}
	l.found = nil
	l.written, l.began, l.inherited = last, true, last
	l.awake.Store(true)
	go l.run()
	return nil
}

// Offer takes records up to version last; deletes up to floor may be missing from now on.
// It copies them and never waits. false: too much waits to be written; nothing was taken.
func (l *Log) Offer(records []byte, last, floor uint64) bool {
	l.mu.Lock()
	if !l.drops && len(l.pending) > blockHead && len(l.pending)+len(records) > pendingMax {
		l.mu.Unlock()
		l.rouse()
		return false
	}
	l.offer(records, last, floor)
	l.mu.Unlock()
	if !l.awake.Load() && !l.awake.Swap(true) {
		l.rouse()
	}
	return true
}

// OfferHeld takes records of what is not this member's own: they have no version, nobody
// waits for them, and what does not fit is in the next snapshot, which is made soon then.
func (l *Log) OfferHeld(records []byte) {
	l.mu.Lock()
	switch {
	case l.drops: // as is all else
	case len(l.pending) > blockHead && len(l.pending)+len(records) > pendingMax:
		l.missed = true
	default:
		if len(l.pending) == blockHead {
			l.since = time.Now()
		}
		l.pending = append(l.pending, records...)
	}
	l.mu.Unlock()
	if !l.awake.Load() && !l.awake.Swap(true) {
		l.rouse()
	}
}

// OfferLast is Offer before Close: it takes however much waits.
func (l *Log) OfferLast(records []byte, last, floor uint64) {
	l.mu.Lock()
	l.offer(records, last, floor)
	l.mu.Unlock()
}

// offer is called under mu.
func (l *Log) offer(records []byte, last, floor uint64) {
	if l.drops {
		l.lose(last)
		return
	}
	if len(l.pending) == blockHead {
		l.since = time.Now()
	}
	l.pending = l.appendKept(l.pending, records)
	l.offered = last
	if floor > l.place.floor {
		l.place.floor, l.dirty = floor, true
	}
}

func (l *Log) rouse() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// lose notes, under mu, that versions up to last are not on disk.
func (l *Log) lose(last uint64) {
	from := l.durable
	if n := len(l.lost); n > 0 {
		from = max(from, l.lost[n-1].to)
	}
	l.offered = max(l.offered, last)
	if last <= from {
		return
	}
	if len(l.lost) == spansMax {
		l.lost = append(l.lost[:0], l.lost[spansMax/2:]...)
	}
	l.lost = append(l.lost, span{from, last, l.broken})
	l.news.Broadcast()
}

// Outcome tells what became of a version that was offered: known is false while it is
// under way.
func (l *Log) Outcome(version uint64) (known bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.outcome(version)
}

func (l *Log) outcome(version uint64) (known bool, err error) {
	for i := range l.lost {
		if s := &l.lost[i]; s.from < version && version <= s.to {
			return true, s.err
		}
	}
	if l.owes(version) {
		return true, l.debt.cause
	}
	return version <= l.durable, nil
}

// Wait returns when a version is on disk, or with why it is not, or is not known to be
// when ctx ends.
func (l *Log) Wait(ctx context.Context, version uint64) error {
	return l.await(ctx, func() (known bool, err error) { return l.outcome(version) })
}

// Leaves has the disk know that the member is about to say that it leaves, so that no life after this
// one goes on under its generation, whatever ends this one. It returns when that is on disk, when the
// disk does not work, or when ctx ends. It is for SyncEach: otherwise only Close keeps a generation.
func (l *Log) Leaves(ctx context.Context) error {
	l.note(func() { l.place.left = true })
	return l.await(ctx, func() (known bool, err error) { return l.left || l.broken != nil, l.broken })
}

// await returns when something is known, asked under mu, or not when ctx ends.
func (l *Log) await(ctx context.Context, look func() (known bool, err error)) error {
	if ctx.Done() != nil {
		defer context.AfterFunc(ctx, func() {
			l.mu.Lock()
			l.news.Broadcast()
			l.mu.Unlock()
		})()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for {
		known, err := look()
		switch {
		case known:
			return err
		case l.closing:
			return ErrClosed
		case ctx.Err() != nil:
			return ctx.Err()
		}
		l.news.Wait()
	}
}

// Broken is why writes are not kept now, or some contents are not; nil: all are.
func (l *Log) Broken() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.broken == nil && l.debt.from > 0 {
		return l.debt.cause
	}
	return l.broken
}

// Durable is the version up to which everything is on disk, as Sync says.
func (l *Log) Durable() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.durable
}

// Renewed notes that the member goes on under another generation.
func (l *Log) Renewed(generation uint64) { l.note(func() { l.place.generation = generation }) }

// Know replaces the members that are known.
func (l *Log) Know(list []Member) { l.note(func() { l.members = list }) }

func (l *Log) note(change func()) {
	l.mu.Lock()
	change()
	l.dirty = true
	l.mu.Unlock()
	if !l.awake.Swap(true) {
		l.rouse()
	}
}

// Close writes what waits, says that nothing is missing, and gives the directory back.
// left: the member said that it leaves. Deletes up to floor may be missing.
func (l *Log) Close(left bool, floor uint64) error {
	l.stopping.Store(true)
	l.mu.Lock()
	l.place.left, l.place.floor, l.closing = l.place.left || left, max(floor, l.place.floor), true
	l.news.Broadcast()
	l.mu.Unlock()
	if l.began {
		l.rouse()
		<-l.done
	}
	l.lock.Close()
	return l.Broken()
}
