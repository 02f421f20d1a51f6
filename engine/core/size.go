package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// probeSize has a padded frame sent if longer ones would be of use to the peer,
// and tells that its path takes none.
func (c *Core) probeSize(p uint32) {
	q := &c.peers[p]
	if c.cfg.Frame > codec.FrameBytesFloor && q.link.MayProbe(c.now) {
		c.due.Want(p, dueSize)
	}
	if q.link.TakeSize() {
		c.notify(PathNarrow, p)
	}
}

// TooLong takes in that a frame to an address was refused for its length (EMSGSIZE, ICMP).
// Shorter ones go there, and what was on its way again, until the next probe.
func (c *Core) TooLong(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	if !c.paths.MayLook(c.now) {
		return
	}
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		if q.at.Addr == addr && q.Open() && q.link.TooLong(c.now) {
			c.probeSize(uint32(p))
			c.mail.Lost(c.now, uint32(p))
		}
	}
}
