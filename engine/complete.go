package engine

import (
	"slices"

	"github.com/quidnunc/quidnunc/engine/content"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// completion tells how far an origin's log is here with all of its values: up to
// the entry before the oldest one whose content is still missing. What is not fetched
// before it is read, and what is too long for this member, is not missed. It is the
// loop's own.
type completion struct {
	missing map[uint32]*lacking  // by tag
	known   map[uint32]completed // by tag, where Trace.Completed is told
}

// completed is how far an origin was looked at, and how far it was told as complete.
type completed struct{ seen, told uint64 }

// lacking are the entries of an origin whose contents were missing when they came.
type lacking struct {
	sched.Heap[lack]
	looked int // so many there were after the last look at all
}

// lack is an entry whose content was missing when it came.
type lack struct {
	version uint64
	key     string
	content content.Handle
}

// Before orders lacks by their versions.
func (a lack) Before(b lack) bool { return a.version < b.version }

// lacksFew is up to how many lacks of an origin nobody looks for those that are over.
const lacksFew = 64

// lacks notes that the content of an entry is on its way. Of a key that is written over and over
// behind a content that does not come, it keeps no more than the present number twice. Under mu.
func (l *large) lacks(tag uint32, x *content.Entry, h content.Handle) {
	c := &l.complete
	if c.missing == nil {
		c.missing = map[uint32]*lacking{}
	}
	q := c.missing[tag]
	if q == nil {
		q = &lacking{}
		c.missing[tag] = q
	}
	if len(q.Heap) >= 2*q.looked+lacksFew {
		q.Heap = slices.DeleteFunc(q.Heap, func(y lack) bool { return !l.lacksStill(tag, &y) })
		q.Init()
		q.looked = len(q.Heap)
	}
	q.Push(lack{x.Version, string(x.Key), h})
}

// lacksStill tells whether a content is still missing, and still wanted by its entry. Under mu.
func (l *large) lacksStill(tag uint32, y *lack) bool {
	r := l.table.Of(tag, []byte(y.key))
	return r != nil && r.Version == y.version && r.Want == y.content && !l.table.Here(y.content)
}

// upTo is how far an origin is complete that is here up to a version.
func (l *large) upTo(tag uint32, top uint64) uint64 {
	c := &l.complete
	q := c.missing[tag]
	if q == nil {
		return top
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(q.Heap) > 0 && !l.lacksStill(tag, &q.Heap[0]) {
		q.Pop()
	}
	if len(q.Heap) == 0 {
		delete(c.missing, tag)
		return top
	}
	return min(top, q.Heap[0].version-1)
}

// forgetLacks forgets what is not missing any more, and origins that are gone.
func (l *large) forgetLacks(gone func(tag uint32) bool) {
	c := &l.complete
	for tag := range c.missing {
		if l.upTo(tag, 0); gone(tag) {
			delete(c.missing, tag)
		}
	}
	for tag := range c.known {
		if gone(tag) {
			delete(c.known, tag)
		}
	}
}

// contents is what acknowledgements ask about large values.
type contents struct{ e *Engine }

// Open implements mail.Contents.
func (c contents) Open(o state.Origin) uint64 {
	l := &c.e.large
	if len(l.complete.missing) == 0 {
		return 0
	}
	top := c.e.store.Max(o)
	return top - l.upTo(c.e.store.Tag(o), top)
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
	to := l.upTo(tag, x.seen)
	from := x.told
	x.told = max(from, to)
	c.known[tag] = x
	if to > from {
		e.cfg.Trace.Completed(Advance{Now: now, Handle: uint32(o), Origin: uint64(e.store.ID(o)), From: from, To: to})
	}
}
