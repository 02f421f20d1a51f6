package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
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
			c.rename(c.me.Behind(c.now))
		}
		c.counters.EntriesOld += uint64(r.Count)
		return
	}
	c.flow.Got(p, int(r.Count))
	c.store.Hop(int64(c.peers[p].link.Underway()))
	a := reconcile.Apply(&c.store, o, r, &c.rec.Iter)
	c.store.Hop(0)
	c.counters.EntriesNew += uint64(a.New)
	c.counters.EntriesOld += uint64(a.Old)
	if a.Full {
		c.counters.Drops[DropFull]++
		c.origins[o].gap.Full(c.now)
	}
	if a.Gap && c.differ.Scattered() {
		c.applyScattered(p, o, r)
		return
	}
	if a.Gap {
		c.counters.Gaps++
		c.gap(o, p, r.To)
		return
	}
	c.peers[p].pull.Came()
	if a.To == a.From {
		return
	}
	c.moved(o)
	c.origins[o].gap.Closer(c.now)
	if a.System {
		c.declared(o, a.From)
	}
	if c.origins[o].peer == p {
		c.mail.Owe(c.now, p)
	}
	c.mail.News(c.now, o, a.From, p, c.counters.FramesReceived)
}

// gapHost is what gaps see of the node.
type gapHost struct {
	*peerList
	*originList
	roster *roster.Roster
}

func (h gapHost) Pull(p uint32) *gaps.Pull { return &(*h.peerList)[p].pull }

func (h gapHost) Partner() uint32 {
	p, _ := h.roster.Partner()
	return p
}

// gap notes that a run of o that ends at `to` began above our max.
func (c *Core) gap(o state.Origin, p uint32, to uint64) {
	path := &c.peers[p].link
	wait := path.Patience(gaps.Patience, gaps.PatienceMost)
	if c.origins[o].peer != p { // others relay: it may come by two peers more
		wait += min(path.RTT.Smoothed(), gaps.PatienceMost)
	}
	c.gaps.Found(c.now, o, p, to, wait)
}
