package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// refusalsMost is how many refusals of a length are looked into, a second: each
// takes a walk over the peers, and anybody can make up one that comes by ICMP.
const refusalsMost = 64

// frameBytes is how long a frame to the peer may be: what every path takes, until
// a longer one arrived (link.Size).
func (c *Core) frameBytes(q *peer) int {
	if q.link.Wide() {
		return c.cfg.Frame
	}
	return min(c.cfg.Frame, codec.FrameBytesFloor)
}

// probeSize has a padded frame sent if longer ones would be of use to the peer,
// and tells that its path takes none.
func (c *Core) probeSize(p uint32) {
	q := &c.peers[p]
	if c.cfg.Frame > codec.FrameBytesFloor && q.link.MayProbe(c.now) {
		c.want(p, dueSize)
	}
	if q.link.TakeSize() {
		c.tell(PathNarrow, p)
	}
}

// TooLong takes in that the host refused to send a frame of so many bytes to an
// address, or a router to pass it on (EMSGSIZE, ICMP). Shorter ones go there from
// now on, and what was on its way goes again. Made up, it costs a part of each
// frame until the next probe.
func (c *Core) TooLong(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	if !c.refusals.Take(c.now, 1) {
		return
	}
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		if q.at.Addr != addr || !q.open() || !q.link.TooLong(c.now) {
			continue
		}
		if q.link.TakeSize() {
			c.tell(PathNarrow, uint32(p))
		}
		if q.mail.Flying() {
			c.rewind(q)
		}
		c.startMail(uint32(p))
	}
}
