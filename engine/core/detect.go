package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Who is there is observed, not said: engine/member watches, votes and
// condemns, and none of it enters the versioned state. A member is watched from
// the time that it first answered; until then it is neither alive nor dead.
//
// A peer's handle is its member handle; our own is one above all peers.

// initMembers makes the detector ready, and chooses how frames are protected.
func (c *Core) initMembers() {
	if c.cfg.Experiment.NoDetector {
		c.cfg.Detector.TimeoutMax = sched.Never // no path is too long for probes that nobody sends
	} else {
		c.live.Init(&c.cfg.Detector, c.cfg.Limits.Peers, c.me.ID, &c.graves, c.rand.Uint64(), c.now, detectorHost{&c.peers, &c.roster, &c.guard})
	}
	c.guard = protect.New(&c.door, c.cfg.Keys, c.cfg.Salt, c.graves.Places(), c.cfg.Limits.Active)
	c.cfg.Keys = nil
	s := c.sender()
	c.door.Measure(c.now, &s)
}

// observed takes a record of the detector.
func (c *Core) observed(p uint32, t codec.Type, body []byte) (ok bool) {
	pong, took, err := c.live.Receive(c.now, p, t, body)
	if took {
		c.queue.Push(Event{Kind: Ponged, Peer: p, From: pong.Number, To: uint64(pong.Took)})
	}
	return err == nil
}

// Ping probes a member; its answer is told as a Ponged event with this number.
// Nothing is told of one that does not come. There is room for 16 at once; the
// oldest gives way. False: there is no such member, or no detector.
func (c *Core) Ping(now sched.Instant, p uint32, number uint64) bool {
	c.enter(now)
	_, ok := c.Peer(p)
	return ok && c.live.Ping(p, c.peers[p].id, &c.rand, number)
}

// composeDetector encodes the next frame of the detector, a small one: no sequence, since its loss
// says nothing about the budget of state, but both fingerprints. Every path takes it.
func (c *Core) composeDetector(dst []byte) (n int, to netip.AddrPort, ok bool) {
	for s := c.live.Next(c.now); s != nil; s = c.live.Next(c.now) {
		h := c.head(codec.FlagPrints)
		h.StatePrint, h.LivePrint = c.Fingerprint(), c.live.LivePrint()
		c.peers[s.To].at.Show(h) // who holds us dead elsewhere hears nothing but this
		limit := min(c.cfg.Frame, codec.FrameBytesFloor, cap(dst)) - h.TrailerBytes()
		b := codec.AppendHeader(dst[:0], h)
		bare := len(b)
		if b = c.live.AppendSend(b, limit-len(b), s); len(b) <= bare {
			continue
		}
		if s.Kind == member.SendGrave {
			to, n = c.graves.Addr(s.Grave), c.counters.sent(c.guard.FinishGrave(b, s.Grave))
		} else {
			to, n = c.peers[s.To].at.Addr, c.counters.sent(c.guard.Finish(b, s.To))
		}
		if n > 0 {
			c.counters.DetectorFrames++
			return n, to, true
		}
	}
	return 0, to, false
}

// judged acts on changed verdicts.
func (c *Core) judged() {
	var ch member.Change
	for c.live.NextChange(&ch) {
		p := ch.Member
		if p == c.live.Self() || int(p) >= len(c.peers) || c.peers[p].origin == 0 {
			continue
		}
		c.peers[p].since = ch.Turn()
		switch ch.To {
		case member.Suspect, member.Closed:
			if ch.From != member.Suspect { // else that was told
				c.notify(MemberSuspected, p)
			}
		case member.Dead:
			c.dead(p)
		case member.Alive:
			c.roster.BecomeStaying(p, &c.peers[p].Life, c.origins[c.peers[p].origin].left)
			c.alive(p)
			if ch.From == member.Dead { // it may be elsewhere by now
				c.gaps.Ask(c.peers[p].origin, c.roster.Witness(ch.By))
			}
		case member.Left:
			c.left(p)
		case member.Buried:
			c.forget(p, ch.By != c.live.Self())
		}
	}
	if c.live.Ending() && c.live.Renewal(c.me.Renewals.May(c.now)) {
		c.renew(c.me.Gen + 1)
	}
}

// forget removes a member that was dead or gone for long, and its state. Its handle is free for
// another. Others may say so since they have met another life of it, of which word is on its way.
func (c *Core) forget(p uint32, told bool) {
	q := &c.peers[p]
	if slot := c.live.Bury(c.now, q.id, q.at.Addr); slot >= 0 {
		c.guard.Bury(slot, p)
	}
	c.notify(MemberForgotten, p)
	c.live.Unwatch(c.now, p)
	if told {
		c.store.EchoAlone(q.origin)
	}
	c.bury(q.origin)
	c.freePeer(p)
}

// Forget buries a member that is dead or left before its time. Members that still speak
// of it are told so, and bury it too. False: it is neither dead nor left here.
func (c *Core) Forget(now sched.Instant, p uint32) bool {
	c.enter(now)
	buried := c.live.BuryNow(c.now, p)
	c.judged()
	return buried
}

// Refused takes in that the host of an address has answered a frame of ours with
// word that nobody listens there. It is evidence, not a verdict: anybody on the
// way can make it up (member.Table.Refused).
func (c *Core) Refused(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	c.live.Refused(now, addr)
	c.judged()
}

// PeerOf is the peer that writes an origin, 0 for none.
func (c *Core) PeerOf(o state.Origin) uint32 {
	if int(o) >= len(c.origins) || !c.origins[o].known {
		return 0
	}
	return c.origins[o].peer
}
