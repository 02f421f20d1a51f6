package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// LeaveKey is the reserved key that a node writes last: it leaves for good. A
// later life of the node is another origin, which does not have it.
var LeaveKey = []byte{codec.ReservedPrefix, 'l', 'e', 'f', 't'}

// system looks for reserved keys among the entries of o after from.
func (c *Core) system(o state.Origin, from uint64) {
	var cur state.Cursor
	c.store.After(o, from, &cur)
	declared := false
	for cur.Next(&c.rec.Entry) {
		switch e := &c.rec.Entry; {
		case !codec.System(e.Key):
		case string(e.Key) == string(LeaveKey):
			c.leaves(o)
		case string(e.Key) == string(AddrKey):
			c.declaresAddr(o, e.Value)
		default:
			declared = true
		}
	}
	if declared {
		c.declares(o, from)
	}
}

// leaves stops sending to a member that said that it goes. Its state stays
// readable until it is forgotten.
func (c *Core) leaves(o state.Origin) {
	x := &c.origins[o]
	p := x.peer
	if x.left || p == 0 {
		return
	}
	x.left = true
	if !c.live.Left(c.now, p, c.peers[p].id) {
		c.tell(MemberLeft, p)
		c.stopSending(p)
	}
	c.owe(p) // it waits to hear that the word got through
}

// Ask makes every peer that has not confirmed our newest write, or all of them,
// answer at once with what it holds and its fingerprint.
func (c *Core) Ask(now sched.Instant, all bool) {
	c.enter(now)
	own := c.store.Max(c.self)
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		if q.Open() && (all || q.mail.Acked() < own) {
			q.debt.Ask()
			c.due.Want(uint32(p), dueHave)
		}
	}
}

// Confirmed is the own version that every reachable member has confirmed, and
// the number of those members. One that is known and has not answered yet is
// waited for, until it does or is given up.
func (c *Core) Confirmed() (version uint64, members int) {
	version = c.store.Max(c.self)
	for p := 1; p < len(c.peers); p++ {
		switch q := &c.peers[p]; q.Life {
		case roster.Open:
			version = min(version, q.mail.Acked())
			members++
		case roster.Named:
			version = 0
			members++
		}
	}
	return version, members
}

// Agreeing counts the reachable members whose fingerprint, as they told it at
// since or later, equals ours, and all reachable members, among them those that
// are known and have not answered yet.
func (c *Core) Agreeing(since sched.Instant) (equal, members int) {
	own := c.Fingerprint()
	for p := 1; p < len(c.peers); p++ {
		if q := &c.peers[p]; q.Open() || q.Life == roster.Named {
			members++
			if q.shown.Equals(own, since) && !c.flow.Behind() {
				equal++
			}
		}
	}
	return equal, members
}
