package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// declare acts on a reserved key that we are about to write. A leave is told by
// the detector too, so that it is heard of even where there is no room for it.
func (c *Core) declare(op *Op) {
	if c.live.Zone(c.now, 0, c.roster.Declared(0, declare.Zone(op.Key, op.Value))); string(op.Key) != string(declare.LeaveKey) {
		c.declares(c.store.Owner(), op.Version-1, op.Version)
		return
	}
	c.origins[c.store.Owner()].left = true
	c.live.Leave(c.now)
}

// declares reports that a member says something new of itself.
func (c *Core) declares(o state.Origin, from, to uint64) {
	c.queue.Push(Event{Kind: Declared, Origin: o, Peer: c.origins[o].peer, From: from, To: to})
}

// declared acts on what the node of o says of itself after from. It is greeted at the
// address that it declares, and sent there once it has answered from there. If it
// leaves, its state stays readable until it is forgotten.
func (c *Core) declared(o state.Origin, from uint64) {
	x := &c.origins[o]
	p, q := x.peer, &c.peers[x.peer]
	said := declare.Read(c.store, o, from)
	if said.BadAddr {
		c.counters.Drops[DropRecord]++
	}
	if addr := said.Addr; addr.IsValid() && q.at.Declares(addr) && !q.Left() {
		if q.Proven() {
			c.door.Push(&door.Reply{Kind: codec.TypeHello, To: addr})
		} else {
			q.at.Moved(addr)
			c.greetSoon(p)
		}
	}
	if said.Leaves && !x.left {
		x.left = true
		if !c.live.Left(c.now, p, q.id) {
			c.left(p)
		}
		c.mail.Owe(c.now, p) // it waits to hear that the word got through
	}
	if c.live.Zone(c.now, p, c.roster.Declared(p, said.Zone)); said.Other {
		c.declares(o, from, c.store.Max(o))
	}
}

// Advertise changes the address that this node tells others. The caller also writes
// declare.AddrKey, which brings the news to those that know us already.
func (c *Core) Advertise(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	c.me.Addr = addr
}

// Ask makes every peer that has not confirmed our newest write whole, or all of them,
// answer at once with what it holds and its fingerprint.
func (c *Core) Ask(now sched.Instant, all bool) {
	c.enter(now)
	own := c.store.Max(c.store.Owner())
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		if all || q.mail.Whole() < own {
			c.AskPeer(now, uint32(p))
		}
	}
}

// AskPeer makes one peer answer so, and say how far its own writes go.
func (c *Core) AskPeer(now sched.Instant, p uint32) {
	c.enter(now)
	if q := &c.peers[p]; q.Open() {
		q.debt.Ask()
		c.due.Want(p, dueHave)
	}
}

// Agreement is how far the members that we reach hold what we hold.
type Agreement struct {
	Members int // reachable ones, and those that are known and have not answered yet
	// Own versions that all have, or have no room for, and with contents; 0: one has not answered.
	Confirmed, Whole uint64
	Equal            int // of them, those whose fingerprint is ours
}

// Agreement asks what the members have told; Equal counts what they told at since or
// later. A member that has not answered yet is waited for, until it does or is given up.
func (c *Core) Agreement(since sched.Instant) Agreement {
	own, a := c.Fingerprint(), Agreement{Confirmed: c.store.Max(c.store.Owner())}
	a.Whole = a.Confirmed
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		switch q.Life {
		case roster.Open:
			a.Confirmed, a.Whole = min(a.Confirmed, q.mail.Seen()), min(a.Whole, q.mail.Whole())
		case roster.Named:
			a.Confirmed, a.Whole = 0, 0
		default:
			continue
		}
		a.Members++
		if q.shown.Equals(own, since) && !c.flow.Behind() {
			a.Equal++
		}
	}
	return a
}
