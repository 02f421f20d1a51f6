package core

// A member that another one names is a candidate until it answers from its
// address itself. Its state is kept meanwhile, since not everybody reaches
// everybody. But a member can invent others: so what it introduces has a rate,
// a quarter of the peers is kept for those that answer, and where the rest is
// full, whoever has been greeted in vain for longest makes room for the next.
//
// Seats are for the living: where all are taken, and somebody who answers from
// their address asks for one, a candidate gives way, else the longest dead, else
// who left for longest.

const (
	vainGreetings = 3   // a second and a half of silence
	evictLook     = 128 // peers looked at for one that may go
)

// mayLearn makes room for an origin that a member introduces, if there may be
// one more.
func (c *Core) mayLearn() bool {
	if !c.newcomers.Take(c.now, 1) {
		c.counters.Drops[DropRate]++
		return false
	}
	if c.lives.candidates() >= c.cfg.Limits.Unproven && !c.evict() {
		c.counters.Drops[DropFull]++
		return false
	}
	return true
}

// evict forgets a candidate that does not answer, without a grave: it may be
// introduced again. It looks at a few peers, each time the next ones.
func (c *Core) evict() bool {
	for range min(evictLook, len(c.peers)) {
		c.evictAt++
		if int(c.evictAt) >= len(c.peers) {
			c.evictAt = 1
		}
		p := c.evictAt
		if int(p) >= len(c.peers) {
			return false
		}
		q := &c.peers[p]
		if q.origin == 0 || q.proven() || q.at.Hellos < vainGreetings {
			continue
		}
		c.counters.Evicted++
		c.tell(MemberForgotten, p)
		c.live.Unwatch(c.now, p)
		c.erase(q.origin)
		c.freePeer(p)
		return true
	}
	return false
}

// seats is how many members there may be beside us.
func (c *Core) seats() int { return min(c.cfg.Limits.Peers, c.cfg.Limits.State.Origins-1) }

// yielding counts the seats of those that may give way to the living.
func (c *Core) yielding() int {
	s := &c.lives
	return s.candidates() + s[dead] + s[leaving] + s[gone]
}

// seat makes room for somebody who answers from their address, if there may be one
// more. The dead and the left get their graves, as they would in time.
func (c *Core) seat() bool {
	if c.lives.used() < c.seats() || c.evict() {
		return true
	}
	if p := c.live.BuryOldest(c.now); p != 0 {
		c.counters.Unseated++
		c.forget(p)
		return true
	}
	c.counters.Drops[DropFull]++
	return false
}
