package core

import "github.com/quidnunc/quidnunc/engine/door"

// A member that another one names is a candidate until it answers from its address itself. Its
// state is kept meanwhile, since not everybody reaches everybody. But a member can invent others:
// so a candidate ends once nobody has met it for a while (names.Hearsay), what a member introduces
// has a rate, a quarter of the peers is kept for those that answer, and where the rest is full,
// whoever has been greeted in vain for longest makes room for the next.
//
// Seats are for the living: where all are taken, and somebody who answers from their address asks
// for one, a candidate gives way, else the longest dead, else who left for longest.

const (
	vainGreetings = 3   // a second and a half of silence
	evictLook     = 128 // peers looked at for one that may go
)

// seat makes room for somebody who answers from their address, or whom a member introduces, if
// there may be one more. The dead and the left get their graves, as they would in time.
func (c *Core) seat(answers bool) bool {
	if !answers && !c.door.Introduced(c.now) {
		c.counters.Drops[DropRate]++
		return false
	}
	if c.roster.Room(answers) || c.evict() {
		return true
	}
	if answers {
		if p := c.live.BuryOldest(c.now); p != 0 {
			c.counters.Unseated++
			c.forget(p, false)
			return true
		}
	}
	c.counters.Drops[DropFull]++
	c.store.TurnAway(!answers && !c.roster.Room(true))
	return false
}

// evict forgets a candidate that does not answer, without a grave: it may be
// introduced again. It looks at a few peers, each time the next ones.
func (c *Core) evict() bool {
	for range min(evictLook, len(c.peers)) {
		p := c.roster.Look()
		if q := &c.peers[p]; q.origin != 0 && !q.Proven() && q.at.Hellos >= vainGreetings {
			c.drop(p)
			return true
		}
	}
	return false
}

// drop forgets a candidate, without a grave.
func (c *Core) drop(p uint32) {
	c.counters.Evicted++
	c.door.Seeds.Heard(c.peers[p].at.Addr)
	c.wheel.Timer(timerSeeds).SetOnce(c.now + door.BackoffMax)
	c.notify(MemberForgotten, p)
	c.live.Unwatch(c.now, p)
	c.erase(c.peers[p].origin)
	c.freePeer(p)
}

// heard does what is to be done about somebody who is known by hearsay alone: asks
// others whether one of them met it, and in the end drops it.
func (c *Core) heard(p uint32) {
	q := &c.peers[p]
	if q.origin == 0 || q.Proven() {
		return
	}
	end, ask, by, again := q.hearsay.Next(c.now)
	if end {
		c.drop(p)
		return
	}
	c.wheel.Set(peerTimer(p, timerHearsay), again)
	if ask {
		c.gaps.Ask(q.origin, c.roster.Witness(c.roster.Find(by)))
	}
}
