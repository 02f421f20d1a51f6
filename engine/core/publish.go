package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/sched"
)

// cost is what an entry takes of the own rate.
func (c *Core) cost(key, value int) int {
	if c.lab.Deltas > 0 {
		return flow.Thousandth
	}
	return key + value + entryCost
}

// meanCost is about what an own entry costs.
func (c *Core) meanCost() int {
	if c.lab.Deltas > 0 {
		return flow.Thousandth
	}
	return c.meanBytes()
}

// bounded reports whether the rate is in force.
func (f *flowing) bounded() bool { return f.on && f.rated && !f.source.Free() }

// Admit asks whether a write of so many bytes of key and value may be made now.
// If not, rate is what is allowed, in bytes a second (thousandths of entries
// where those are counted), and at is when to try again.
func (c *Core) Admit(now sched.Instant, key, value int) (ok bool, rate uint32, at sched.Instant) {
	c.enter(now)
	f := &c.flow
	if cost := c.cost(key, value); f.bounded() && !f.gate.Pass(now, cost) {
		f.meter.Wished(uint64(cost))
		return false, f.source.Allowed(), f.gate.When()
	}
	return true, 0, now
}

// Wish tells of writes that the shell refused, by their cost in bytes.
func (c *Core) Wish(cost uint64) { c.flow.meter.Wished(cost) }

// Allowed is the rate at which own writes may be published now, in bytes a
// second; flow.RateMax while there is no congestion.
func (c *Core) Allowed() uint32 {
	if !c.flow.bounded() {
		return flow.RateMax
	}
	return c.flow.source.Allowed()
}

// Unpublished reports whether there are writes that peers are not told of yet.
func (c *Core) Unpublished() bool { return c.flow.behind }

// publish tells the cluster of a write, now or when there is rate for it.
func (c *Core) publish(op *Op) {
	f := &c.flow
	from, cost := c.store.Max(c.self), c.cost(len(op.Key), len(op.Value))
	f.written = op.Version
	if c.cfg.Throttle == Coalesce && f.bounded() && !codec.System(op.Key) &&
		(f.behind || !f.gate.Pass(c.now, cost)) {
		c.counters.WritesHeld++
		f.behind = true
		c.publishLater()
		return
	}
	f.meter.Published(cost)
	f.behind = false
	c.advanceSelf(from, op.Version)
}

func (c *Core) advanceSelf(from, to uint64) {
	c.store.Advance(c.self, to, c.store.Floor(c.self))
	c.moved(c.self)
	c.news(c.self, from, 0)
}

// publishLater sets the timer for what is not published yet.
func (c *Core) publishLater() {
	if c.flow.behind && !c.wheel.Armed(timerPublish) {
		c.wheel.Set(timerPublish, max(c.now+1, c.flow.gate.When()))
	}
}

// publishUpTo is how far the rate reaches beyond what is published.
func (c *Core) publishUpTo(from uint64) uint64 {
	f, to := &c.flow, from
	if !f.bounded() {
		f.behind = false
		return f.written
	}
	c.store.After(c.self, from, &c.unsent)
	for n := 0; c.unsent.Next(&c.entry); n++ {
		cost := c.cost(len(c.entry.Key), len(c.entry.Value))
		if n == publishMost || !f.gate.Pass(c.now, cost) {
			return to
		}
		to = c.entry.Version
		f.meter.Published(cost)
	}
	f.behind = false
	return f.written
}

// publishMore publishes as many of the held writes as there is rate for.
func (c *Core) publishMore() {
	f := &c.flow
	from := c.store.Max(c.self)
	if !f.behind {
		return
	}
	if to := c.publishUpTo(from); to > from {
		c.advanceSelf(from, to)
	}
	c.publishLater()
}
