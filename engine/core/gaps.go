package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// onRun applies a run.
func (c *Core) onRun(p uint32, r *codec.Run) {
	if c.rumors.Refusing(&c.received) {
		return
	}
	o := c.subject(r)
	if o == 0 {
		return
	}
	c.flow.Got(p, r.Count)
	a := reconcile.Apply(c.store, o, r, &c.received.Iter)
	c.counters.applied(&a)
	if a.Full && c.store.Seen(o) == a.To {
		c.gaps.Full(c.now, o)
	}
	if a.Gap && c.differ.Scattered() {
		c.applyScattered(p, o, r)
		c.store.Advance(o, c.store.Max(o), r.Floor) // who missed it is mended (engine/interval)
		return
	}
	if a.Gap || a.Unnamed {
		c.gaps.Found(c.now, o, p, r.To)
	}
	if a.Gap {
		c.counters.Gaps++
		return
	}
	c.peers[p].pull.Came()
	if a.Beyond > 0 {
		c.declares(o, a.Since, c.store.Last(o)) // who watches looks again
	}
	c.word.Took(c.now, o, p, a.From, a.To)
	if a.To > a.From {
		c.moved(o)
		c.gaps.Closer(c.now, o)
	}
	if a.System {
		c.declared(o, a.Since)
	}
	if (a.Full || a.To > a.From) && c.origins[o].peer == p {
		c.mail.Owe(c.now, p)
	}
	if a.To > a.From {
		c.mail.News(c.now, o, a.From, p, c.counters.FramesReceived)
	}
}

// subject is whose run came, if it is to be applied; else 0.
func (c *Core) subject(r *codec.Run) state.Origin {
	o := c.store.Find(r.ID)
	switch {
	case o == 0 && c.graves.Has(c.now, r.ID):
		c.counters.Drops[DropBuried]++
	case o == 0:
		c.counters.Drops[DropUnknown]++
	case o == c.store.Owner():
		if r.To > c.store.Max(o) {
			c.rename(c.me.Behind(c.now))
		}
		c.counters.EntriesOld += uint64(r.Count)
		return 0
	}
	return o
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

// Refill asks for what there was no room for, where there may be some now. The shell calls it after
// it has raised limits; otherwise it is tried now and then.
func (c *Core) Refill(now sched.Instant) {
	c.enter(now)
	for o, to := c.store.Refill(); o != 0; o, to = c.store.Refill() {
		c.due.Want(c.origins[o].peer, dueHave) // which says that there is room: its author begins again
		c.gaps.Found(c.now, o, c.origins[o].peer, to)
	}
}

// onFull takes what a peer has no room for. Who has no seat for others may hold all that it knows.
func (c *Core) onFull(p uint32, body []byte) bool {
	v := c.mail.ReceiveFull(&c.received, body)
	c.peers[p].shown.Fill(c.received.Full.Origins())
	return c.judge(v)
}
