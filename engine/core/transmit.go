package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// Transmit encodes the next frame that is due into dst, which should have room for a whole frame,
// and says where it goes. It reports false when nothing is due. Frames to one peer come
// consecutively. What is sent is the newest state at this moment: there is no queue to drain.
func (c *Core) Transmit(now sched.Instant, dst []byte) (n int, to netip.AddrPort, ok bool) {
	c.enter(now)
	if n, to, ok = c.composeDetector(dst); ok {
		return n, to, true
	}
	if n, to, ok = c.composeReply(dst); ok {
		return n, to, true
	}
	for p := c.due.Next(); p != 0; p = c.due.Next() {
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
func (c *Core) shed(p uint32, but uint32) {
	c.differ.Drop(p)
	c.rumors.Drop(p)
	c.mail.Relay.Drop(c.now, p, but == 0)
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

// outFrame is the frame to a peer that is being composed.
type outFrame struct {
	peer  uint32
	due   uint32 // what the peer's budget lets go, but for dueSize
	probe bool   // dueSize is due: the frame is padded, to see whether the path takes it
	asked bool   // flow control wants an acknowledgement
	limit int    // where its records end at the latest
	bare  int    // how long it is when it says nothing
}

// compose encodes one frame for the peer; 0 if nothing is due after all.
func (c *Core) compose(p uint32, dst []byte) int {
	if q := &c.peers[p]; !q.Takes() || !c.guard.Reachable(p) {
		c.shed(p, dueHello)
		n := c.composeHello(p, dst)
		c.due.Drop(p, 0)
		return n
	}
	if n := c.composeHello(p, dst); n > 0 {
		return n
	}
	c.hold(p)
	if c.due.Of(p) == 0 {
		return 0
	}
	f := outFrame{peer: p, probe: c.due.Done(p, dueSize)}
	f.due = c.due.Of(p)
	c.composeHeader(&f)
	b := c.composeStart(&f, dst)
	if f.probe {
		b = c.composeProbe(&f, b, cap(dst))
	} else {
		b = c.composeRecords(b, f.limit, p)
	}
	if len(b) == f.bare {
		return 0
	}
	return c.finish(&f, b)
}

// composeHeader fills in the page's header: each block that the frame needs.
func (c *Core) composeHeader(f *outFrame) {
	q, h := &c.peers[f.peer], c.head(codec.FlagFlow)
	h.Seq, h.Mark = q.link.Last()+1, 0
	h.Ack, h.AckMap = q.link.Seen()
	if f.probe || q.debt.Asks() || f.due&(dueMail|dueRumor|dueParcel) != 0 && c.paths.Asks(&q.link, c.now) {
		h.Mark |= codec.MarkAsk
	}
	if q.debt.Answers() || f.due&(dueSync|dueDigest|dueTurn|dueToken) != 0 || q.debt.Asks() && c.differ.Scattered() {
		h.Flags |= codec.FlagPrints
		h.LivePrint = c.live.LivePrint()
		h.StatePrint = c.Fingerprint()
	}
	q.at.Show(h)
	f.asked = c.flow.Header(c.now, &q.flow, f.due, q.debt.Owed(), h)
}

// composeStart appends the header, and what comes before all that is due.
func (c *Core) composeStart(f *outFrame, dst []byte) []byte {
	q, h := &c.peers[f.peer], &c.page.Header
	f.limit = min(q.link.Most(c.cfg.Frame, codec.FrameBytesFloor), cap(dst)) - h.TrailerBytes()
	b := codec.AppendHeader(dst[:0], h)
	f.bare = len(b)
	if q.at.HasCookie { // it may not know us: our introduction comes first
		b = c.filler.AppendIntro(b, c.store.Owner())
		if f.due == 0 {
			f.bare = len(b)
		}
	}
	mark := len(b)
	b = c.guard.AppendNotice(b, f.limit, f.peer, h.Seq)
	f.bare += len(b) - mark
	g := &c.page
	g.Now, g.Peer, g.Kinds, g.Introduced, g.Limit, g.Begun = c.now, f.peer, min(q.at.Kinds, c.me.Kinds), q.at.HasCookie, f.limit, len(b)
	return b
}

// composeProbe pads the frame to the length that is asked about.
func (c *Core) composeProbe(f *outFrame, b []byte, room int) []byte {
	f.limit = min(c.cfg.Frame, room) - c.page.TrailerBytes()
	c.due.Done(f.peer, dueHave)
	b, _ = c.mail.AppendHave(b, &c.page)
	return codec.AppendPad(b, f.limit-len(b))
}

// finish protects the frame, and notes that it leaves.
func (c *Core) finish(f *outFrame, b []byte) int {
	q, h := &c.peers[f.peer], &c.page.Header
	if f.due == dueHave {
		c.counters.AcksSent++
	}
	if more := c.due.Has(f.peer, dueRuns|dueMail|dueRumor) && f.limit-len(b) < f.limit/padShare; more && !f.probe {
		b = codec.AppendPad(b, f.limit-len(b)) // equal frames leave in one segmented send
		c.probeSize(f.peer)
	}
	n := c.counters.sent(c.guard.Finish(b, f.peer))
	c.paths.Sends(&q.link, c.now, n > codec.FrameBytesFloor)
	switch {
	case f.probe:
		q.link.Probed(c.now)
	case h.Mark&(codec.MarkAsk|codec.MarkNow) != 0, f.due&dueMail != 0:
		q.link.Time(c.now, f.asked || h.Mark&codec.MarkAsk != 0)
	}
	c.flow.Sent(c.now, &q.flow, n, f.due, q.link.Last(), f.asked)
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
