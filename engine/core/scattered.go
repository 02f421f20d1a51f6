package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/state"
)

// In a precise cluster entries come one by one, beyond an origin's max too (package precise).

// onPreciseRun applies entries one by one.
func (c *Core) onPreciseRun(p uint32, body []byte) bool {
	r := &c.received.Run
	switch {
	case !c.differ.Scattered():
		c.counters.Drops[DropMode]++
		return true
	case codec.ParsePreciseRun(body, r) != nil:
		return false
	}
	c.counters.RunsReceived++
	if o := c.subject(r); o != 0 {
		c.flow.Got(p, r.Count)
		c.applyScattered(p, o, r)
	}
	return true
}

// applyScattered takes the entries of a run that is no continuation of what is here.
func (c *Core) applyScattered(p uint32, o state.Origin, r *codec.Run) {
	a, lowest := precise.Apply(c.store, o, &c.received, &c.word)
	c.counters.applied(&a)
	if a.New == 0 {
		return
	}
	c.queue.Below(o, lowest)
	c.word.Moved(c.now, o)
	c.moved(o)
	if a.System {
		c.declared(o, lowest-1)
	}
}
