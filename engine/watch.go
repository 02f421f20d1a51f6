package engine

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// scanMax is the longest run of versions that the loop looks through for
// watched keys. Of a longer one it only says that the member changed, and the
// watchers look themselves.
const scanMax = 512

// watchList holds the watchers of an engine.
type watchList struct {
	count atomic.Int32
	mu    sync.Mutex
	list  []*watcher

	// The loop's own.
	cursor state.Cursor
	entry  codec.Entry
}

// watcher collects names of members whose watched key may have changed. It
// holds no values: those are read when it gets to them, so that a slow one
// skips to the newest and memory stays bounded by the number of members.
type watcher struct {
	key    string
	all    bool // every key
	signal chan struct{}
	mu     sync.Mutex
	dirty  map[string]struct{}
}

func newWatcher(key string) *watcher {
	return &watcher{key: key, signal: make(chan struct{}, 1), dirty: map[string]struct{}{}}
}

func (w *watcher) mark(name string) {
	w.mu.Lock()
	w.dirty[name] = struct{}{}
	w.mu.Unlock()
	select {
	case w.signal <- struct{}{}:
	default:
	}
}

// take empties the set into dst.
func (w *watcher) take(dst []string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	for name := range w.dirty {
		dst = append(dst, name)
	}
	clear(w.dirty)
	return dst
}

// advanced marks whoever watches a key with a version in (from, to]. It runs
// on the loop.
func (l *watchList) advanced(s *state.Store, o state.Origin, name string, from, to uint64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	one := false // of the watchers wants a key of its own
	for _, w := range l.list {
		if w.all || to-from > scanMax {
			w.mark(name)
		} else {
			one = true
		}
	}
	if !one {
		return
	}
	s.After(o, from, &l.cursor)
	for l.cursor.Next(&l.entry) {
		for _, w := range l.list {
			if !w.all && w.key == string(l.entry.Key) {
				w.mark(name)
			}
		}
	}
}

// member marks a member for all watchers.
func (l *watchList) member(name string) {
	l.mu.Lock()
	for _, w := range l.list {
		w.mark(name)
	}
	l.mu.Unlock()
}

// add reports whether there is room for one more.
func (l *watchList) add(w *watcher, limit int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.list) >= limit {
		return false
	}
	l.list = append(l.list, w)
	l.count.Add(1)
	return true
}

func (l *watchList) remove(w *watcher) {
	l.mu.Lock()
	for i, x := range l.list {
		if x == w {
			l.list = append(l.list[:i], l.list[i+1:]...)
			break
		}
	}
	l.mu.Unlock()
	l.count.Add(-1)
}

// Watch yields the entry under key of every member that has one, and from then
// on each newer one. Changes coalesce: who is slow sees the newest and not
// every one between, and costs the engine nothing. A delete is an Update with
// Deleted set, and so is the end of a time to live, whatever became of its owner.
// A key that no member can have ends it with ErrKey or ErrTooLarge. It ends when the loop body does, or with the error of ctx, or
// with ErrClosed. To resume, watch again: it starts from what is there.
func (e *Engine) Watch(ctx context.Context, key string) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		if len(key) == 0 || codec.Reserved(key) || len(key) > KeyBytesMax {
			yield(Update{}, e.sizeError(key, nil)) // no member can have it
			return
		}
		w := newWatcher(key)
		if !e.watches.add(w, e.cfg.Limits.Watchers) {
			yield(Update{}, ErrWatchers)
			return
		}
		defer e.watches.remove(w)
		for m := range e.Members() {
			w.mark(m.Name)
		}
		seen := map[string]Version{} // last yielded; the zero Seq stands for a delete
		var names []string
		var ends endings
		defer ends.stop()
		for {
			names = w.take(names[:0])
			for _, name := range names {
				u, ok := e.look(name, key, seen)
				if ok && !yield(u, nil) {
					return
				}
				if ok {
					ends.note(&u)
				}
			}
			select {
			case <-w.signal:
				continue
			case <-ends.next():
				ends.mark(w)
				continue
			case <-ctx.Done():
				yield(Update{}, ctx.Err())
			case <-e.done:
				yield(Update{}, ErrClosed)
			}
			return
		}
	}
}

// endings are when what a watcher was told ends by its time to live: nobody may be
// left to say so.
type endings struct {
	at    map[string]time.Time // by member
	timer *time.Timer
}

func (x *endings) note(u *Update) {
	if u.Deleted || u.Meta.TTL == 0 {
		delete(x.at, u.Member)
		return
	}
	if x.at == nil {
		x.at = map[string]time.Time{}
	}
	x.at[u.Member] = time.Now().Add(u.Meta.TTL - u.Meta.Age)
}

// next fires when the first of them ends; never if there is none.
func (x *endings) next() <-chan time.Time {
	x.stop()
	var first time.Time
	for _, at := range x.at {
		if first.IsZero() || at.Before(first) {
			first = at
		}
	}
	if first.IsZero() {
		return nil
	}
	x.timer = time.NewTimer(time.Until(first))
	return x.timer.C
}

func (x *endings) stop() {
	if x.timer != nil {
		x.timer.Stop()
	}
}

// mark lets the watcher look at those that have ended.
func (x *endings) mark(w *watcher) {
	now := time.Now()
	for name, at := range x.at {
		if !at.After(now) {
			w.mark(name)
			x.at[name] = now.Add(time.Millisecond) // until it is seen to be gone
		}
	}
}

// look reads one member's entry and reports whether it is news.
func (e *Engine) look(name, key string, seen map[string]Version) (Update, bool) {
	value, meta, ok := e.AppendGet(nil, name, key)
	last, had := seen[name]
	if !ok {
		delete(seen, name)
		if meta.Version.IsZero() {
			meta.Version = last // the member was forgotten: what is gone is the last that was told
		}
		return Update{Member: name, Key: key, Meta: meta, Deleted: true}, had
	}
	if had && meta.Version.Compare(last) <= 0 {
		return Update{}, false
	}
	seen[name] = meta.Version
	return Update{Member: name, Key: key, Value: value, Meta: meta}, true
}
