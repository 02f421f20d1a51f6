package space

import (
	"context"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

const (
	// LogMax is how many changes are kept for those who come back, LogBytesMax the bytes of their
	// values together.
	LogMax      = 8192
	LogBytesMax = 32 << 20
	// wakeGap is how often those who follow are woken at most.
	wakeGap = 2 * time.Millisecond
)

// Change is one update with its number.
type Change struct {
	Seq uint64
	engine.Update
	At      time.Time
	Expired bool // of a delete: the lifetime of the key was over
}

// Log is the last changes. Its methods are safe for any number of goroutines.
type Log struct {
	done chan struct{}

	mu     sync.Mutex
	ring   []Change // change n is at n % LogMax
	oldest uint64   // that is kept
	newest uint64
	bytes  int // of values that are kept
	closed bool
	signal chan struct{} // closed at the next change
	woken  time.Time
	timer  *time.Timer
	seen   map[string]engine.Version // by member
}

func newLog() *Log {
	return &Log{oldest: 1, done: make(chan struct{}), signal: make(chan struct{}), seen: map[string]engine.Version{}}
}

func (l *Log) add(u *engine.Update, now time.Time, expired bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.newest++
	c := Change{l.newest, *u, now, expired}
	if len(l.ring) < LogMax {
		l.ring = append(l.ring, c) // change 1 is at 0
	} else {
		l.drop(l.newest - LogMax)
		l.ring[(l.newest-1)%LogMax] = c
	}
	for l.bytes += len(u.Value); l.bytes > LogBytesMax && l.oldest < l.newest; {
		l.drop(l.oldest)
	}
	if u.Key != "" && u.Member != "" { // shared ones come in no order
		l.seen[u.Member] = u.Meta.Version
	}
	switch {
	case l.timer != nil:
	case now.Sub(l.woken) >= wakeGap:
		l.wake(now)
	default:
		l.timer = time.AfterFunc(wakeGap, func() {
			l.mu.Lock()
			l.timer = nil
			l.wake(time.Now())
			l.mu.Unlock()
		})
	}
}

// drop forgets a change, if it is the oldest.
func (l *Log) drop(seq uint64) {
	if seq == l.oldest {
		old := &l.ring[(seq-1)%LogMax]
		l.bytes -= len(old.Value)
		old.Value = nil
		l.oldest++
	}
}

// wake lets those go who wait. The mutex is held.
func (l *Log) wake(now time.Time) {
	l.woken = now
	if !l.closed {
		close(l.signal)
		l.signal = make(chan struct{})
	}
}

func (l *Log) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	close(l.signal)
	close(l.done)
}

// Newest is the number of the newest change; 0 before the first.
func (l *Log) Newest() uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.newest
}

// After appends up to limit changes after a number to dst. whole is false if some of them are gone:
// the caller must read everything anew. signal is closed when there may be more; ended, when there
// won't.
func (l *Log) After(seq uint64, dst []Change, limit int) (list []Change, whole, ended bool, signal <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if seq > l.newest || seq+1 < l.oldest {
		return dst, false, l.closed, l.signal
	}
	for n := seq + 1; n <= l.newest && len(dst) < limit; n++ {
		dst = append(dst, l.ring[(n-1)%LogMax])
	}
	return dst, true, l.closed, l.signal
}

// reach waits until a member's version is in the log.
func (l *Log) reach(ctx context.Context, member string, v engine.Version) error {
	for {
		l.mu.Lock()
		seen, closed, signal := l.seen[member], l.closed, l.signal
		l.mu.Unlock()
		if closed || seen.Compare(v) >= 0 {
			return nil
		}
		select {
		case <-signal:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
