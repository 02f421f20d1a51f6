package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// Transmit encodes the next frame that is due into dst, which should have room
// for a whole frame, and says where it goes. It reports false when nothing is
// due. Frames to one peer come consecutively. What is sent is the newest state
// at this moment: there is no queue to drain.
func (c *Core) Transmit(now sched.Instant, dst []byte) (n int, to netip.AddrPort, ok bool) {
	c.enter(now)
	if n, to, ok = c.composeDetector(dst); ok {
		return n, to, true
	}
	if n, to, ok = c.composeReply(dst); ok {
		return n, to, true
	}
	for {
		p := c.due.Next()
		if p == 0 {
			break
		}
		if n = c.compose(p, dst); n > 0 {
			if c.due.Of(p) == 0 {
				c.due.End()
			}
			return n, c.peers[p].at.Addr, true
		}
		if c.due.Held(p) == 0 || c.due.Of(p) != 0 {
			c.shed(p, dueHello)
		}
		c.due.End()
	}
	return 0, to, false
}

// shed gives up what is under way to a peer and due there, all but some bits; if the
// peer comes back, exchanges find it again.
func (c *Core) shed(p uint32, but uint16) {
	c.differ.Drop(p)
	c.rumors.Drop(p)
	c.walks.Drop(p)
	c.due.Drop(p, but)
}

// head begins the header of a frame.
func (c *Core) head(flags codec.Flags) *codec.Header {
	h := &c.page.Header
	h.Sender, h.KeyID, h.Flags = c.me.ID, c.guard.KeyID(), c.guard.Flags()|flags
	return h
}

// padShare is the part of a frame that may be filled up with padding when more
// frames to the same peer follow: the kernel cuts equal ones out of one send
// (UDP_SEGMENT), which costs it a third, and only equal ones.
const padShare = 8

// compose encodes one frame for the peer; 0 if nothing is due after all.
func (c *Core) compose(p uint32, dst []byte) int {
	q := &c.peers[p]
	if !q.Takes() || !c.guard.Reachable(p) {
		c.shed(p, dueHello)
		n := c.composeHello(p, dst)
		c.due.Drop(p, 0)
		return n
	}
	if n := c.composeHello(p, dst); n > 0 {
		return n
	}
	c.hold(p)
	due := c.due.Of(p)
	if due == 0 {
		return 0
	}
	h := c.head(codec.FlagFlow)
	h.Seq, h.Mark = q.link.Last()+1, 0
	h.Ack, h.AckMap = q.link.Seen()
	if q.debt.Asks() || due&(dueMail|dueRumor) != 0 && c.paths.Asks(&q.link, c.now) {
		h.Mark |= codec.MarkAsk
	}
	if q.debt.Answers() || due&(dueSync|dueDigest|dueTurn|dueToken) != 0 || q.debt.Asks() && c.differ.Scattered() {
		h.Flags |= codec.FlagPrints
		h.LivePrint = c.live.LivePrint()
		h.StatePrint = c.Fingerprint()
	}
	if q.at.HasCookie {
		h.Flags |= codec.FlagCookie
		h.Cookie = q.at.Cookie
	}
	probe := c.due.Done(p, dueSize)
	if due &^= dueSize; probe {
		h.Mark |= codec.MarkAsk
	}
	asked := c.flow.Header(c.now, &q.flow, due, q.debt.Owed(), h)
	limit := min(q.link.Most(c.cfg.Frame, codec.FrameBytesFloor), cap(dst)) - h.TrailerBytes()
	b := codec.AppendHeader(dst[:0], h)
	bare := len(b)
	if q.at.HasCookie { // it may not know us: our introduction comes first
		b = c.filler.AppendIntro(b, c.store.Owner())
		if due == 0 {
			bare = len(b)
		}
	}
	mark := len(b)
	b = c.guard.AppendNotice(b, limit, p, h.Seq)
	bare += len(b) - mark
	g := &c.page
	g.Now, g.Peer, g.Introduced, g.Limit, g.Begun = c.now, p, q.at.HasCookie, limit, len(b)
	if probe {
		limit = min(c.cfg.Frame, cap(dst)) - h.TrailerBytes()
		c.due.Done(p, dueHave)
		b, _ = c.mail.AppendHave(b, g)
		b = codec.AppendPad(b, limit-len(b))
	} else {
		b = c.composeRecords(b, limit, p)
	}
	if len(b) == bare {
		return 0
	}
	if due == dueHave {
		c.counters.AcksSent++
	}
	if more := c.due.Has(p, dueRuns|dueMail|dueRumor) && limit-len(b) < limit/padShare; more && !probe {
		b = codec.AppendPad(b, limit-len(b)) // equal frames leave in one segmented send
		c.probeSize(p)
	}
	n := c.counters.sent(c.guard.Finish(b, p))
	q.link.Sent(n > codec.FrameBytesFloor)
	switch {
	case probe:
		q.link.Probed(c.now)
	case h.Mark&(codec.MarkAsk|codec.MarkNow) != 0, due&dueMail != 0:
		q.link.Time(c.now, asked || h.Mark&codec.MarkAsk != 0)
	}
	c.flow.Sent(c.now, &q.flow, n, due, q.link.Last(), asked)
	q.debt.Sent()
	return n
}

// composeHello greets a member that has not answered from its address, or one
// that has to learn of our new life.
func (c *Core) composeHello(p uint32, dst []byte) int {
	q := &c.peers[p]
	if !c.due.Done(p, dueHello) {
		return 0
	}
	s := c.sender()
	b := c.door.Append(dst, c.now, &s, &door.Reply{Kind: codec.TypeHello, To: q.at.Addr})
	if len(b) == 0 {
		return 0
	}
	return c.counters.sent(c.guard.FinishHello(b))
}
