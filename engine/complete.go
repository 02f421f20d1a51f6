package engine

import (
	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// completion tells how far an origin's log is here with all of its values: up to
// the entry before the oldest one whose content is still missing. It is the
// loop's own, and kept only where Trace.Completed is told.
type completion struct {
	missing map[uint32]sched.Heap[lack] // by tag
	known   map[uint32]completed        // by tag
}

// completed is how far an origin was looked at, and how far it was told as complete.
type completed struct{ seen, told uint64 }

// lack is an entry whose content was missing when it came.
type lack struct {
	version uint64
	key     string
	content content.Handle
}

// Before orders lacks by their versions.
func (a lack) Before(b lack) bool { return a.version < b.version }

// lacks notes that the content of an entry is on its way.
func (c *completion) lacks(tag uint32, key []byte, version uint64, h content.Handle) {
	if c.missing == nil {
		c.missing = map[uint32]sched.Heap[lack]{}
	}
	q := c.missing[tag]
	q.Push(lack{version, string(key), h})
	c.missing[tag] = q
}

// upTo is how far an origin is complete that is here up to max. stands tells whether a
// content is missing still, and wanted by that entry.
func (c *completion) upTo(tag uint32, max uint64, stands func(l *lack) bool) uint64 {
	q := c.missing[tag]
	for len(q) > 0 && !stands(&q[0]) {
		q.Pop()
	}
	if len(q) == 0 {
		delete(c.missing, tag)
		return max
	}
	c.missing[tag] = q
	return min(max, q[0].version-1)
}

// tracesComplete tells whether somebody is told how far origins are complete.
func (e *Engine) tracesComplete() bool { return e.cfg.Trace != nil && e.cfg.Trace.Completed != nil }

// completes tells Trace how far an origin is complete. With advanced all that is here of it
// was looked at, else as much as before.
func (e *Engine) completes(now sched.Instant, o state.Origin, advanced bool) {
	if !e.tracesComplete() {
		return
	}
	l := &e.large
	c, tag := &l.complete, e.store.Tag(o)
	if c.known == nil {
		c.known = map[uint32]completed{}
	}
	x := c.known[tag]
	if advanced {
		x.seen = e.store.Max(o)
	}
	l.mu.Lock()
	to := c.upTo(tag, x.seen, func(y *lack) bool {
		r := l.table.Of(tag, []byte(y.key))
		return r != nil && r.Version == y.version && !l.table.Here(y.content)
	})
	l.mu.Unlock()
	from := x.told
	x.told = max(from, to)
	c.known[tag] = x
	if to > from {
		e.cfg.Trace.Completed(Advance{Now: now, Handle: uint32(o), Origin: uint64(e.store.ID(o)), From: from, To: to})
	}
}
