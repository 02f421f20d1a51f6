package core

import "net/netip"

// prove notes that the peer answered from addr.
func (c *Core) prove(p uint32, addr netip.AddrPort) {
	q := &c.peers[p]
	c.live.Answers(c.now, p, q.at.Addr != addr)
	if q.Proven() && q.at.Addr == addr {
		return
	}
	q.at.Moved(addr)
	c.wheel.Cancel(peerTimer(p, timerHello))
	if q.Proven() {
		q.link.Moved()
		c.notify(MemberMoved, p)
		return
	}
	c.roster.BecomeProven(p, &q.Life)
	c.store.Open() // there may be a candidate more
	c.live.Watch(c.now, p, q.id)
	c.notify(MemberReachable, p)
	c.mail.Start(c.now, p)
}

// heardFrom notes a sign of life.
func (c *Core) heardFrom(p uint32) {
	q := &c.peers[p]
	c.paths.Hears(&q.link, c.now)
	if c.live.Heard(c.now, p) && q.Quiet() {
		c.alive(p)
	}
}

// silent gives up mailing a peer; it is greeted from time to time instead.
func (c *Core) silent(p uint32) {
	q := &c.peers[p]
	if !q.Open() {
		return
	}
	q.at.Anew()
	q.mail.GiveUp()
	c.roster.BecomeQuiet(p, &q.Life)
	c.notify(MemberQuiet, p)
	c.greetSoon(p)
}

// dead stops mail to a condemned member: the detector visits it from now on.
func (c *Core) dead(p uint32) {
	q := &c.peers[p]
	q.at.Anew()
	q.mail.GiveUp()
	c.roster.BecomeDead(p, &q.Life)
	c.wheel.Cancel(peerTimer(p, timerResend))
	c.notify(MemberDied, p)
}

// alive takes up exchanges and mail with a member again that refuted or came back.
func (c *Core) alive(p uint32) {
	c.notify(MemberReachable, p)
	q := &c.peers[p]
	if !q.Quiet() {
		return
	}
	q.mail.Resume()
	c.wheel.Cancel(peerTimer(p, timerHello))
	c.roster.BecomeHeard(p, &q.Life)
	c.mail.Start(c.now, p)
}

// left takes a peer that leaves out of exchanges and mail.
func (c *Core) left(p uint32) {
	c.notify(MemberLeft, p)
	c.roster.BecomeLeft(p, &c.peers[p].Life)
	c.wheel.Cancel(peerTimer(p, timerResend)) // what we owe it is still due
	c.wheel.Cancel(peerTimer(p, timerHello))
}
