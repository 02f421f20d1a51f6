package core

import (
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/sched"
)

const noticeEvery = sched.Second // unacknowledged notices are sent again

// TurnKeys changes the keys, tells everybody of it, and tries the seeds that may
// understand us now. It needs a keyring.
func (c *Core) TurnKeys(now sched.Instant, turn func(*protect.Sealed) error) error {
	c.enter(now)
	if err := turn(c.Parts().Keys); err != nil {
		return err
	}
	c.noticeKeys()
	if c.door.Seeds.Again(now); c.door.Seeds.Len() > 0 {
		c.wheel.Set(timerSeeds, c.now)
	}
	for p := range c.peers {
		if q := &c.peers[p]; q.Life != roster.Free && (q.Quiet() || !q.Proven()) {
			q.at.Anew()
			c.greetSoon(uint32(p))
		}
	}
	return nil
}

// noticeKeys makes our notice due wherever it is not acknowledged.
func (c *Core) noticeKeys() {
	s, open := c.Parts().Keys, false
	for p := 1; p < len(c.peers); p++ {
		if q := &c.peers[p]; q.Open() && s.Unaware(uint32(p)) {
			open = true
			q.debt.Ask()
			c.due.Want(uint32(p), dueHave)
		}
	}
	if open {
		c.wheel.Set(timerKeys, c.now+c.rand.Jitter(noticeEvery))
	}
}

// Reseal goes on under a new boot salt of 16 random bytes, and introduces itself anew to everybody.
func (c *Core) Reseal(now sched.Instant, salt protect.Salt) error {
	c.enter(now)
	if err := c.Parts().Keys.Rotate(salt); err != nil {
		return err
	}
	for p := range c.peers {
		if c.peers[p].Open() {
			c.due.Want(uint32(p), dueHello)
		}
	}
	return nil
}

// CloseKeys erases all keys. Afterwards nothing is sealed or opened.
func (c *Core) CloseKeys() {
	c.guard.Close()
	c.door.Close()
}
