package engine

import (
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// completion tells how far an origin's log is here with all of its values: up to
// the entry before the oldest one whose content is still missing. It is the
// loop's own.
type completion struct {
	missing map[uint32]map[string]uint64 // by tag and key: version of the entry
	told    map[uint32]uint64            // by tag
}

// lacks notes that the content of an entry is on its way, or that nothing of a
// key is any more (version 0).
func (c *completion) lacks(tag uint32, key string, version uint64) {
	of := c.missing[tag]
	if version == 0 {
		delete(of, key)
		if len(of) == 0 {
			delete(c.missing, tag)
		}
		return
	}
	if of == nil {
		if c.missing == nil {
			c.missing = map[uint32]map[string]uint64{}
		}
		of = map[string]uint64{}
		c.missing[tag] = of
	}
	of[key] = version
}

// upTo is how far an origin is complete that is here up to max.
func (c *completion) upTo(tag uint32, max uint64) uint64 {
	for _, v := range c.missing[tag] {
		max = min(max, v-1)
	}
	return max
}

// completed tells Trace how far an origin is complete.
func (e *Engine) completed(now sched.Instant, o state.Origin) {
	t := e.cfg.Trace
	if t == nil || t.Completed == nil {
		return
	}
	c, tag := &e.large.complete, e.store.Tag(o)
	if c.told == nil {
		c.told = map[uint32]uint64{}
	}
	if from, to := c.told[tag], c.upTo(tag, e.store.Max(o)); to > from {
		c.told[tag] = to
		t.Completed(Advance{Now: now, Handle: uint32(o), Origin: uint64(e.store.ID(o)), From: from, To: to})
	}
}

// nowHere takes the entries of an origin off the list whose contents are here now.
func (e *Engine) nowHere(o state.Origin) {
	l := &e.large
	tag := e.store.Tag(o)
	l.mu.Lock()
	defer l.mu.Unlock()
	for key := range l.complete.missing[tag] {
		if x := l.table.Of(tag, []byte(key)); x == nil || l.table.Here(x.Want) {
			l.complete.lacks(tag, key, 0)
		}
	}
}
