package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Who is there is observed, not said: engine/member watches, votes and
// condemns, and none of it enters the versioned state. A member is watched from
// the time that it first answered; until then it is neither alive nor dead.
//
// A peer's handle is its member handle; our own is one above all peers.

// SelfPeer is our own handle in the table, and in Peer.By.
func (c *Core) SelfPeer() uint32 { return uint32(c.cfg.Limits.Peers + 1) }

func (c *Core) initDetector(now sched.Instant) {
	if c.cfg.Detector.Period == 0 {
		c.cfg.Detector = member.LAN()
	}
	if c.lab.NoDetector {
		return
	}
	lim := member.DefaultLimits(c.cfg.Limits.Peers + 1)
	c.ring.Init(lim.Members, c.idKey)
	c.live.Init(&c.cfg.Detector, lim, &c.ring, c.SelfPeer(), c.id, c.rand.Uint64(), now)
	c.graveAddr = make([]netip.AddrPort, lim.Graves)
}

// watch enters a peer that answered.
func (c *Core) watch(p uint32) {
	if c.lab.NoDetector || c.live.ID(p) != 0 {
		return
	}
	c.live.Add(c.now, p, c.peers[p].id)
}

func (c *Core) unwatch(p uint32) {
	if !c.lab.NoDetector {
		c.live.Remove(c.now, p)
	}
}

// observed takes a record of the detector. An answer to a probe leaves before
// everything else.
func (c *Core) observed(p uint32, t codec.Type, body []byte) (ok bool) {
	if c.lab.NoDetector {
		return true
	}
	switch t {
	case codec.TypeProbeAck:
		c.ponged(p, body)
	case codec.TypeVerdict:
		c.hearsay(p, body)
	}
	var ack codec.ProbeAck
	owed, err := c.live.OnRecord(c.now, c.arrived, c.known(p), t, body, &ack)
	if owed {
		c.acks.push(p, ack)
	}
	return err == nil
}

// known is the member handle of a peer, 0 if the detector does not have it.
func (c *Core) known(p uint32) uint32 {
	if c.lab.NoDetector || c.live.ID(p) == 0 {
		return 0
	}
	return p
}

// acks are the answers to probes that wait to be pulled: there is room for one
// from every observer and more; what does not fit is asked again.
type acks struct {
	peer [32]uint32
	ack  [32]codec.ProbeAck
	n    int
}

func (a *acks) push(p uint32, k codec.ProbeAck) {
	if a.n < len(a.peer) {
		a.peer[a.n], a.ack[a.n] = p, k
		a.n++
	}
}

// composeDetector encodes the next frame of the detector: answers first, then
// probes, votes and facts.
func (c *Core) composeDetector(dst []byte) (n int, to netip.AddrPort, ok bool) {
	if c.lab.NoDetector {
		return 0, to, false
	}
	for c.acks.n > 0 {
		c.acks.n--
		i := c.acks.n
		p := c.acks.peer[i]
		if c.peers[p].origin == 0 || !c.guard.Reachable(p) {
			continue
		}
		b, limit := c.beginDetector(dst)
		b = c.live.AppendAnswer(b, limit-len(b), &c.acks.ack[i])
		if b = c.finish(b, p); len(b) > 0 {
			return c.endDetector(b), c.peers[p].addr, true
		}
	}
	if n, to, ok = c.composePing(dst); ok {
		return n, to, true
	}
	if n, to, ok = c.composeBurials(dst); ok {
		return n, to, true
	}
	s := &c.send
	for c.live.Next(c.now, s) {
		grave := s.Kind == member.SendGrave
		switch {
		case grave:
			to = c.graveAddr[s.Grave]
		case int(s.To) < len(c.peers):
			to = c.peers[s.To].addr
		}
		if !to.IsValid() || !grave && !c.guard.Reachable(s.To) {
			continue
		}
		b, limit := c.beginDetector(dst)
		bare := len(b)
		if b = c.live.AppendSend(b, limit-len(b), s); len(b) <= bare {
			continue
		}
		if grave {
			b = c.ended(c.guard.FinishGrave(b, s.Grave))
		} else {
			b = c.finish(b, s.To)
		}
		if len(b) > 0 {
			return c.endDetector(b), to, true
		}
	}
	return 0, to, false
}

// beginDetector starts a small frame: no sequence, since its loss says nothing
// about the budget of state, but both fingerprints.
func (c *Core) beginDetector(dst []byte) (b []byte, limit int) {
	h := &c.out
	h.Flags = c.guard.Flags() | codec.FlagPrints
	h.StatePrint, h.LivePrint = c.Fingerprint(), c.live.LivePrint()
	return codec.AppendHeader(dst[:0], h), min(c.cfg.Frame, cap(dst)) - h.TrailerBytes()
}

func (c *Core) endDetector(b []byte) int {
	c.counters.DetectorFrames++
	c.sent(len(b))
	return len(b)
}

// tickDetector runs the detector's timers and acts on what changed.
func (c *Core) tickDetector() {
	if c.lab.NoDetector {
		return
	}
	if c.live.Deadline() <= c.now {
		c.live.Tick(c.now)
	}
	c.judged()
}

// judged acts on changed verdicts.
func (c *Core) judged() {
	if c.lab.NoDetector {
		return
	}
	var ch member.Change
	for c.live.NextChange(&ch) {
		p := ch.Member
		if p == c.SelfPeer() || int(p) >= len(c.peers) || c.peers[p].origin == 0 {
			continue
		}
		c.peers[p].since, c.peers[p].by = ch.Since, ch.By
		switch ch.To {
		case member.Suspect, member.Closed:
			if ch.From != member.Suspect { // else that was told
				c.tell(MemberSuspected, p)
			}
		case member.Dead:
			c.dead(p)
		case member.Alive:
			c.alive(p)
		case member.Left:
			c.tell(MemberLeft, p)
			c.stopSending(p)
		case member.Buried:
			c.forget(p)
		}
	}
	if c.live.BuriedSelf() && c.renewals.May(c.now) || c.live.Exhausted() {
		c.renew(c.gen + 1)
	}
}

// forget removes a member that was dead or gone for long, and its state. Its
// handle is free for another.
func (c *Core) forget(p uint32) {
	q := &c.peers[p]
	if slot := c.live.GraveSlot(q.id); slot >= 0 {
		c.graveAddr[slot] = q.addr
		c.guard.Bury(slot, p)
	}
	c.tell(MemberForgotten, p)
	c.unwatch(p)
	c.bury(q.origin)
	c.freePeer(p)
}

// Refused takes in that the host of an address has answered a frame of ours with
// word that nobody listens there. It is evidence, not a verdict: anybody on the
// way can make it up (member.Table.Refused).
func (c *Core) Refused(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	if c.lab.NoDetector {
		return
	}
	for i := range c.live.Watches() {
		if p := c.live.Watching(i); p != 0 && c.peers[p].addr == addr {
			c.live.Refused(now, p)
		}
	}
	c.judged()
}

// Status is what the detector believes of a peer.
func (c *Core) Status(p uint32) member.Status {
	if c.lab.NoDetector {
		return member.Alive
	}
	return c.live.Status(p)
}

// PeerOf is the peer that writes an origin, 0 for none.
func (c *Core) PeerOf(o state.Origin) uint32 {
	if int(o) >= len(c.origins) || !c.origins[o].known {
		return 0
	}
	return c.origins[o].peer
}

// Phi is how unusual a peer's silence is, in thousandths (member.Table.Phi). It
// decides nothing. False: not heard often enough.
func (c *Core) Phi(now sched.Instant, p uint32) (thousandths uint32, ok bool) {
	if c.known(p) == 0 {
		return 0, false
	}
	return c.live.Phi(p, now)
}

// Explain fills in why a peer has its status; nothing for one that is not
// watched by anybody.
func (c *Core) Explain(now sched.Instant, p uint32, e *member.Evidence) {
	*e = member.Evidence{}
	if c.known(p) != 0 {
		c.live.Explain(now, p, e)
	}
}

// Detector is the table behind Status, to read between calls.
func (c *Core) Detector() *member.Table { return &c.live }
