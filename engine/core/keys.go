package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/sched"
)

// A key is replaced while everybody talks: add the new one on all members, use
// it on all, remove the old one. In between, members seal with either, and all
// open both. Each tells the others which it holds, with every frame until one
// is acknowledged, so that whoever turns the keys sees when the next step is
// safe.

const noticeEvery = sched.Second // unacknowledged notices are sent again

// Sealed tells whether frames are sealed. The methods below are for that case.
func (c *Core) Sealed() bool { return c.sealed != nil }

// AddKey accepts a further cluster key. The secret is not kept.
func (c *Core) AddKey(now sched.Instant, id uint8, secret []byte) error {
	c.now = now
	if err := c.sealed.ring.Add(id, secret); err != nil {
		return err
	}
	c.keysChanged()
	return nil
}

// UseKey seals with a key that was added from now on.
func (c *Core) UseKey(now sched.Instant, id uint8) error {
	c.now = now
	s := c.sealed
	if err := s.ring.Use(id); err != nil {
		return err
	}
	if err := s.box.Use(); err != nil {
		return err
	}
	c.out.KeyID = id
	c.keysChanged()
	return nil
}

// RemoveKey stops to accept a key and erases it. The key that seals can't be
// removed.
func (c *Core) RemoveKey(now sched.Instant, id uint8) error {
	c.now = now
	s := c.sealed
	if err := s.ring.Remove(id); err != nil {
		return err
	}
	for p := range s.lives {
		for i := range s.lives[p].keys {
			if k := &s.lives[p].keys[i]; k.ID() == id {
				*k = seal.Key{}
			}
		}
	}
	c.keysChanged()
	return nil
}

// keysChanged tells everybody, and tries the seeds that may understand us now.
func (c *Core) keysChanged() {
	s := c.sealed
	if s.serial++; s.serial == 0 {
		s.serial = 1
	}
	c.noticeKeys()
	for i := range c.seeds {
		c.seeds[i].next, c.seeds[i].tries = c.now, 0
	}
	if len(c.seeds) > 0 {
		c.wheel.Set(timerSeeds, c.now)
	}
	for p := range c.peers {
		if q := &c.peers[p]; q.origin != 0 && (q.quiet || !q.proven) {
			q.hellos = 0
			c.greetSoon(uint32(p))
		}
	}
}

// noticeKeys makes our notice due wherever it is not acknowledged.
func (c *Core) noticeKeys() {
	s, open := c.sealed, false
	for p := 1; p < len(c.peers); p++ {
		q := &c.peers[p]
		if !q.proven || q.quiet || q.left || !c.reachable(uint32(p)) || s.lives[p].noticeHad == s.serial {
			continue
		}
		open, q.asking = true, true
		c.want(uint32(p), dueHave)
	}
	if open {
		c.wheel.Set(timerKeys, c.now+c.jitter(noticeEvery))
	}
}

// composeNotice appends our notice to a frame, until one has arrived.
func (c *Core) composeNotice(b []byte, limit int, p uint32) []byte {
	s := c.sealed
	if s == nil {
		return b
	}
	l := &s.lives[p]
	if l.noticeHad == s.serial || len(b)+codec.KeyNoticeBytesMax > limit {
		return b
	}
	s.notice = codec.KeyNotice{Primary: s.ring.Primary(), Serial: s.serial}
	var ids [seal.KeysMax]byte
	for _, id := range s.ring.AppendIDs(ids[:0]) {
		s.notice.Held.Add(id)
	}
	l.noticeSent, l.noticeSeq = s.serial, c.out.Seq
	return codec.AppendKeyNotice(b, &s.notice)
}

// noticed looks whether a peer has acknowledged the frame with our notice.
func (c *Core) noticed(p uint32) {
	l := &c.sealed.lives[p]
	if l.noticeSent == l.noticeHad {
		return
	}
	if back := c.in.Ack - l.noticeSeq; back < 64 && c.in.AckMap>>back&1 != 0 {
		l.noticeHad = l.noticeSent
	}
}

// onKeyNotice takes what a peer says of its keys.
func (c *Core) onKeyNotice(p uint32, body []byte) (ok bool) {
	s := c.sealed
	if s == nil {
		return true
	}
	if codec.ParseKeyNotice(body, &s.notice) != nil {
		return false
	}
	l := s.life(p)
	l.told, l.held, l.primary = true, s.notice.Held, s.notice.Primary
	return true
}

// Keys is the key that seals, and all keys that open.
func (c *Core) Keys() (primary uint8, held codec.KeySet) {
	var ids [seal.KeysMax]byte
	for _, id := range c.sealed.ring.AppendIDs(ids[:0]) {
		held.Add(id)
	}
	return c.sealed.ring.Primary(), held
}

// PeerKeys is what a peer last said of its keys; false if it said nothing.
func (c *Core) PeerKeys(p uint32) (primary uint8, held codec.KeySet, told bool) {
	if int(p) >= len(c.sealed.lives) {
		return 0, held, false
	}
	l := &c.sealed.lives[p]
	return l.primary, l.held, l.told
}

// Worn asks for Reseal: the counters of the seal near their end.
func (c *Core) Worn() bool { return c.sealed != nil && c.sealed.box.Worn() }

// Reseal goes on under a new boot salt of 16 random bytes, and introduces
// itself anew to everybody. Frames bound to the salt before still open.
func (c *Core) Reseal(now sched.Instant, salt [codec.SaltBytes]byte) error {
	c.now = now
	if err := c.sealed.box.Rotate(salt); err != nil {
		return err
	}
	for p := range c.peers {
		if q := &c.peers[p]; q.proven && !q.quiet && !q.left {
			c.want(uint32(p), dueHello)
		}
	}
	return nil
}

// CloseKeys erases all keys. Afterwards nothing is sealed or opened.
func (c *Core) CloseKeys() {
	if s := c.sealed; s != nil {
		s.ring.Close()
		s.box.Close()
		c.proofs.Close()
		clear(s.lives)
	}
}
