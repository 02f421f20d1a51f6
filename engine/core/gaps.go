package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// A run that starts above our max is a gap: what is between was lost, or is
// still on its way by another path. It waits a moment, then the peer that sent
// the run is asked; one pull at a time is under way to a peer and names all of
// its gaps.

const (
	gapPatience = 2 * sched.Millisecond // what another path may still bring
	gapTriesMax = 5                     // then anti-entropy has to do
	fullPause   = sched.Second          // news that there was no room for is not asked for
	pullRTOMin  = 5 * sched.Millisecond
	pullRTOMax  = 500 * sched.Millisecond
)

// onRun applies a run.
func (c *Core) onRun(p uint32, r *codec.Run) {
	c.counters.RunsReceived++
	o := c.store.Find(r.ID)
	switch {
	case c.rumors.Refusing(&c.received):
		return
	case o == 0 && c.graves.Has(c.now, r.ID):
		c.counters.Drops[DropBuried]++
		return
	case o == 0:
		c.counters.Drops[DropUnknown]++
		return
	case o == c.self:
		if r.To > c.store.Max(o) {
			c.amnesia(r.To)
		}
		c.counters.EntriesOld += uint64(r.Count)
		return
	}
	c.flow.Got(p, int(r.Count))
	c.store.Hop(int64(c.peers[p].link.Underway()))
	a := reconcile.Apply(&c.store, o, r, &c.iter)
	c.store.Hop(0)
	c.counters.EntriesNew += uint64(a.New)
	c.counters.EntriesOld += uint64(a.Old)
	if a.Full {
		c.counters.Drops[DropFull]++
		c.origins[o].fullAt = c.now
	}
	if a.Gap && c.differ.Scattered() {
		c.applyScattered(p, o, r)
		return
	}
	if a.Gap {
		c.counters.Gaps++
		c.counters.Drops[DropGap]++
		c.gap(o, p, r.To)
		return
	}
	q := &c.peers[p]
	if q.pulling {
		q.pulling = false
		q.link.RTT.Sample(c.now - q.pullAt)
	}
	if a.To == a.From {
		return
	}
	c.moved(o)
	if a.System {
		c.system(o, a.From)
	}
	if c.origins[o].peer == p {
		c.owe(p)
	}
	c.news(o, a.From, p)
}

func (c *Core) gap(o state.Origin, p uint32, to uint64) {
	x := &c.origins[o]
	if c.refused(x) {
		return
	}
	x.gapTo = max(x.gapTo, to)
	x.gapFrom = p
	if x.gapped {
		return
	}
	if len(c.gaps) == cap(c.gaps) {
		return // anti-entropy finds it
	}
	x.gapped, x.gapAt, x.tries = true, c.now, 0
	c.gaps = append(c.gaps, o)
	if !c.wheel.Armed(timerGaps) {
		c.wheel.Set(timerGaps, c.now+gapPatience)
	}
}

// refused reports that there was no room for news of an origin lately: then it
// makes no sense to ask for more.
func (c *Core) refused(x *origin) bool { return x.fullAt != 0 && c.now-x.fullAt < fullPause }

// chase asks for what is still missing.
func (c *Core) chase() {
	for i := 0; i < len(c.gaps); {
		o := c.gaps[i]
		x := &c.origins[o]
		if !x.known || c.store.Max(o) >= x.gapTo || x.tries > gapTriesMax || c.refused(x) {
			x.gapped, x.gapTo = false, 0
			c.gaps[i] = c.gaps[len(c.gaps)-1]
			c.gaps = c.gaps[:len(c.gaps)-1]
			continue
		}
		i++
		if c.now-x.gapAt < gapPatience {
			continue
		}
		q := &c.peers[x.gapFrom]
		late := q.pulling && c.now-q.pullAt > q.link.RTT.RTO(pullRTOMin, pullRTOMax)
		gone := !q.takes()
		if late || gone {
			q.pulling = false
			if other, ok := c.members.Next(&c.rand); ok {
				x.gapFrom = other
				q = &c.peers[other]
			}
		}
		switch {
		case gone: // counted here, since there may be nobody to ask
			x.tries++
		case !q.pulling:
			c.want(x.gapFrom, duePull)
		}
	}
	if len(c.gaps) > 0 {
		c.wheel.Set(timerGaps, c.now+gapPatience)
	}
}

// composePull appends the gaps that this peer may fill.
func (c *Core) composePull(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	q.due &^= duePull
	var w codec.PullWriter
	if !w.Begin(b, limit) {
		return b
	}
	for _, o := range c.gaps {
		x := &c.origins[o]
		if x.gapFrom != p || c.now-x.gapAt < gapPatience || c.store.Max(o) >= x.gapTo {
			continue
		}
		if !w.Add(c.store.ID(o), c.store.Max(o)) {
			break
		}
		x.tries++
	}
	if w.Count() == 0 {
		return b
	}
	q.pulling, q.pullAt = true, c.now
	c.counters.PullsSent++
	return w.End()
}
