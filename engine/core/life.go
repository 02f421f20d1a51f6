package core

import (
	"net/netip"
)

// phase is where a peer is in its one life. It changes in this file alone, by
// becomeX; the picture is in doc.go.
type phase uint8

// The phases. Those from open on have answered from their address.
const (
	free    phase = iota // the handle is nobody's
	named                // somebody named it; it has not answered from its address
	absent               // it was condemned before it ever answered
	passed               // it left before it ever answered
	open                 // it answers: it is sent everything
	quiet                // it owes acknowledgements: greeted from time to time, until it is heard
	dead                 // a quorum of its observers gave it up: the detector visits it
	leaving              // it left and answers: it is sent what it is owed, and nothing new
	gone                 // it left and does not answer
	phases
)

// open reports whether the peer may be sent everything: news, exchanges, repairs.
func (q *peer) open() bool { return q.life == open }

// takes reports whether the peer may be sent what it is owed.
func (q *peer) takes() bool { return q.life == open || q.life == leaving }

// proven reports whether the peer has answered from addr.
func (q *peer) proven() bool { return q.life >= open }

// quiet reports whether the peer owes acknowledgements.
func (q *peer) quiet() bool {
	return q.life == quiet || q.life == dead || q.life == gone || q.life == absent
}

// left reports whether the peer said that it leaves.
func (q *peer) left() bool { return q.life == passed || q.life >= leaving }

// census counts peers by phase.
type census [phases]int

// used counts the handles that are somebody's.
func (s *census) used() int {
	n := 0
	for _, k := range s[free+1:] {
		n += k
	}
	return n
}

// candidates counts those that never answered.
func (s *census) candidates() int { return s[named] + s[absent] + s[passed] }

// present counts the members that there are, as far as we know.
func (s *census) present() int { return s[named] + s[open] + s[quiet] }

// reach counts the peers that exchanges may go to.
func (c *Core) reach() int { return c.members.Len() }

// partial reports whether we reach less than half of the members that there are.
func (c *Core) partial() bool { return 2*c.reach() < c.lives.present() }

// become is the one place where a life changes, and the set of open peers with it.
func (c *Core) become(p uint32, to phase) {
	q := &c.peers[p]
	from := q.life
	q.life = to
	if from != free {
		c.lives[from]--
	}
	if to != free {
		c.lives[to]++
	}
	switch {
	case from == open && to != open:
		c.members.Remove(p)
	case from != open && to == open:
		c.members.Insert(&c.rand, p)
	}
}

// becomeNamed begins a life: of a handle that was free, or of a member that is
// another origin now.
func (c *Core) becomeNamed(p uint32) { c.become(p, named) }

// becomeFree ends a life.
func (c *Core) becomeFree(p uint32) { c.become(p, free) }

// becomeProven notes that a peer has answered from its address.
func (c *Core) becomeProven(p uint32) {
	switch c.peers[p].life {
	case named:
		c.become(p, open)
	case absent:
		c.become(p, dead) // it has to refute first
	case passed:
		c.become(p, leaving)
	}
}

// becomeHeard notes that a peer is there again.
func (c *Core) becomeHeard(p uint32) {
	switch c.peers[p].life {
	case absent:
		c.become(p, named)
	case quiet, dead:
		c.become(p, open)
	case gone:
		c.become(p, leaving)
	}
}

// becomeQuiet notes that an open peer does not answer.
func (c *Core) becomeQuiet(p uint32) {
	if c.peers[p].life == open {
		c.become(p, quiet)
	}
}

// becomeDead notes that a peer is condemned.
func (c *Core) becomeDead(p uint32) {
	switch c.peers[p].life {
	case named:
		c.become(p, absent)
	case open, quiet:
		c.become(p, dead)
	case leaving:
		c.become(p, gone)
	}
}

// becomeLeft notes that a peer said that it leaves.
func (c *Core) becomeLeft(p uint32) {
	switch c.peers[p].life {
	case named, absent:
		c.become(p, passed)
	case open:
		c.become(p, leaving)
	case quiet, dead:
		c.become(p, gone)
	}
}

// prove notes that the peer answered from addr.
func (c *Core) prove(p uint32, addr netip.AddrPort) {
	q := &c.peers[p]
	if q.proven() && q.at.Addr == addr {
		return
	}
	q.at.Moved(addr)
	c.wheel.Cancel(peerTimer(p, timerHello))
	if q.proven() {
		q.link.Moved()
		c.tell(MemberMoved, p)
		return
	}
	c.becomeProven(p)
	c.live.Watch(c.now, p, q.id)
	c.tell(MemberReachable, p)
	c.startMail(p)
}

// heardFrom notes a sign of life.
func (c *Core) heardFrom(p uint32) {
	q := &c.peers[p]
	q.link.Hear(c.now)
	if c.live.Heard(c.now, p) && q.quiet() {
		c.tell(MemberReachable, p)
		c.revive(p)
	}
}

// revive takes up exchanges and mail with a peer again.
func (c *Core) revive(p uint32) {
	c.peers[p].mail.Resume()
	c.wheel.Cancel(peerTimer(p, timerHello))
	c.becomeHeard(p)
	c.startMail(p)
}

// silent gives up mailing a peer; it is greeted from time to time instead.
func (c *Core) silent(p uint32) {
	q := &c.peers[p]
	if !q.open() {
		return
	}
	q.at.Anew()
	q.mail.GiveUp()
	c.becomeQuiet(p)
	c.tell(MemberQuiet, p)
	c.greetSoon(p)
}

// dead stops mail to a condemned member: the detector visits it from now on.
func (c *Core) dead(p uint32) {
	q := &c.peers[p]
	q.at.Anew()
	q.mail.GiveUp()
	c.becomeDead(p)
	c.wheel.Cancel(peerTimer(p, timerResend))
	c.tell(MemberDied, p)
}

// alive takes up a member that refuted or came back.
func (c *Core) alive(p uint32) {
	c.tell(MemberReachable, p)
	if c.peers[p].quiet() {
		c.revive(p)
	}
}

// stopSending takes a peer that leaves out of exchanges and mail.
func (c *Core) stopSending(p uint32) {
	c.becomeLeft(p)
	c.wheel.Cancel(peerTimer(p, timerResend)) // what we owe it is still due
	c.wheel.Cancel(peerTimer(p, timerHello))
}
