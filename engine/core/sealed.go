package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
)

// With Config.Keys every frame is sealed in the send slot and opened in the
// receive slot. Frames of the handshake are under the hello key, all others
// under the key of the sender's present life and bound to the receiver's:
//
//	A -> B  Hello, with a challenge for B's address
//	B -> A  HelloReply: the challenge back, B's salt in the header, a cookie
//	A -> B  the cookie, bound to B's salt; B derives A's key, opens, learns A
//
// The order of work on what comes in, each step cheaper than the next: length,
// magic, version and flags; cluster; key id; for a hello a budget, for a sender
// whose key we do not have a cookie and a budget; the window of counters; the
// cipher. What is learned of a sender is learned after its frame opened.

// sealing is what sealed mode needs beside the core.
type sealing struct {
	ring      *seal.Keyring
	box       seal.Box
	lives     []life // by peer handle
	graveSalt [][codec.SaltBytes]byte
	serial    uint8 // of our notice of keys

	// A sender whose frame has opened and who is not adopted yet.
	fresh  bool
	window seal.Window
	key    seal.Key
	notice codec.KeyNotice
}

// life is a peer between two starts, as far as it has shown: its boot salt, and
// the keys of that salt that were needed so far.
type life struct {
	salt   [codec.SaltBytes]byte
	before [codec.SaltBytes]byte // never again
	known  bool                  // salt is
	old    bool                  // before is
	keys   [seal.KeysMax]seal.Key
	window seal.Window

	told    bool // it said what keys it holds
	held    codec.KeySet
	primary uint8

	noticeSeq  uint32 // the frame that last carried our notice
	noticeSent uint8  // serial of that notice
	noticeHad  uint8  // serial of the last one that was acknowledged
}

// initSealing takes over the keyring.
func (c *Core) initSealing() {
	if c.cfg.Keys == nil {
		return
	}
	s := &sealing{ring: c.cfg.Keys, serial: 1}
	if err := s.box.Init(s.ring, c.cfg.Salt); err != nil {
		panic("core: the keyring has no key")
	}
	s.lives = make([]life, 1, 16)
	c.sealed = s
	c.base, c.out.KeyID = codec.FlagSeal, s.box.KeyID()
	c.cfg.Keys = nil
}

// life gives what is known of a peer's life.
func (s *sealing) life(p uint32) *life {
	for int(p) >= len(s.lives) {
		s.lives = append(s.lives, life{})
	}
	return &s.lives[p]
}

// dropLife forgets a peer's life: the handle is another's now.
func (c *Core) dropLife(p uint32) {
	if c.sealed != nil {
		*c.sealed.life(p) = life{}
	}
}

// open opens a sealed frame and hands it on.
func (c *Core) open(from netip.AddrPort, b []byte) {
	s, h := c.sealed, &c.in
	switch {
	case h.KeyID == 0:
		c.turnAway(from, len(b), DropUnsealed)
		return
	case !s.ring.Holds(h.KeyID):
		c.unknownKey(from, len(b))
		return
	case h.Flags&codec.FlagHello != 0:
		c.openHello(from, b)
		return
	}
	p := c.byID.find(h.Sender)
	if p == 0 || !s.lives[p].known || s.lives[p].salt != h.Salt {
		c.openStranger(from, b, p)
		return
	}
	l := &s.lives[p]
	k, err := c.keyOf(l, h.KeyID)
	if err != nil {
		c.reject(from, DropKey)
		return
	}
	records, err := s.box.OpenInPlace(b, h, *k, &l.window)
	if err != nil {
		if err == codec.ErrAuth {
			c.turnAway(from, len(b), DropAuth) // it may have missed our new life
			return
		}
		c.reject(from, dropOf(err))
		return
	}
	c.frame(from, len(b), p, records)
}

// keyOf is the key of a life whose salt has proved itself, derived the first
// time that it is asked for: at most one derivation for each salt and key.
func (c *Core) keyOf(l *life, id uint8) (*seal.Key, error) {
	s, free := c.sealed, -1
	for i := range l.keys {
		k := &l.keys[i]
		current := s.ring.Current(*k)
		if current && k.ID() == id {
			return k, nil
		}
		if !current && free < 0 {
			free = i
		}
	}
	if free < 0 {
		return nil, codec.ErrKey // more keys than a ring has: can't be
	}
	c.counters.Derived++
	k, err := s.ring.Derive(id, &l.salt)
	l.keys[free] = k
	return &l.keys[free], err
}

// openStranger opens a frame of a sender that we do not know in this life: only
// with a cookie, and within a budget.
func (c *Core) openStranger(from netip.AddrPort, b []byte, p uint32) {
	s, h := c.sealed, &c.in
	if p != 0 && s.lives[p].old && s.lives[p].before == h.Salt {
		c.reject(from, DropReplay)
		return
	}
	if h.Flags&codec.FlagCookie == 0 {
		c.stranger(from, len(b))
		return
	}
	if !c.proofs.Shows(c.now, from, &h.Salt, &h.Cookie) {
		c.turnAway(from, len(b), DropCookie)
		return
	}
	if !c.derives.Take(c.now, c.proofs.Bucket(from)) {
		c.reject(from, DropRate)
		return
	}
	c.counters.Derived++
	key, err := s.ring.Derive(h.KeyID, &h.Salt)
	if err != nil {
		c.reject(from, DropKey)
		return
	}
	s.window.Reset()
	records, err := s.box.OpenInPlace(b, h, key, &s.window)
	if err != nil {
		c.reject(from, dropOf(err))
		return
	}
	s.fresh, s.key = true, key
	c.frame(from, len(b), p, records)
	s.fresh, s.key = false, seal.Key{}
}

// adopt keeps the life of a peer whose first frame has opened.
func (c *Core) adopt(p uint32) {
	s := c.sealed
	if s == nil || !s.fresh {
		return
	}
	l := s.life(p)
	l.begin(c.in.Salt)
	l.keys[0], l.window = s.key, s.window
	s.fresh = false
}

// begin starts a life with another salt.
func (l *life) begin(salt [codec.SaltBytes]byte) {
	*l = life{salt: salt, known: true, before: l.salt, old: l.known, told: l.told, held: l.held, primary: l.primary}
}

// openHello opens a frame under the hello key: a greeting or an answer to one.
func (c *Core) openHello(from netip.AddrPort, b []byte) {
	s := c.sealed
	if !c.hellos.Take(c.now, c.proofs.Bucket(from)) {
		c.reject(from, DropRate)
		return
	}
	records, err := s.box.OpenHelloInPlace(b, &c.in)
	if err != nil {
		c.reject(from, dropOf(err))
		return
	}
	switch t, body, rest := codec.NextRecord(records); t {
	case codec.TypeHello, codec.TypeHelloReply:
		c.greeting(from, len(b), t, body, rest)
	default:
		c.reject(from, DropRecord)
	}
}

// meetLife takes the salt of a peer that has answered a fresh challenge. It
// tells whether that can be.
func (c *Core) meetLife(p uint32) bool {
	s := c.sealed
	if s == nil {
		return true
	}
	l := s.life(p)
	switch {
	case l.known && l.salt == c.in.Salt:
		return true
	case l.old && l.before == c.in.Salt:
		return false
	}
	l.begin(c.in.Salt)
	return true
}

// reachable tells whether frames can be made for a peer.
func (c *Core) reachable(p uint32) bool {
	return c.sealed == nil || int(p) < len(c.sealed.lives) && c.sealed.lives[p].known
}

// finish ends a frame for a peer that is reachable: with a checksum, or sealed
// for its life. Empty: the seal has no more counters.
func (c *Core) finish(b []byte, p uint32) []byte {
	if c.sealed == nil {
		return codec.AppendChecksum(b, 0)
	}
	return c.finishFor(b, &c.sealed.lives[p].salt)
}

func (c *Core) finishFor(b []byte, salt *[codec.SaltBytes]byte) []byte {
	out, err := c.sealed.box.SealInPlace(b, salt)
	if err != nil {
		c.counters.Drops[dropOf(err)]++
		return b[:0]
	}
	return out
}

// finishHello ends a frame of the handshake.
func (c *Core) finishHello(b []byte) []byte {
	if c.sealed == nil {
		return codec.AppendChecksum(b, 0)
	}
	out, err := c.sealed.box.SealHelloInPlace(b)
	if err != nil {
		c.counters.Drops[dropOf(err)]++
		return b[:0]
	}
	return out
}

// keepGraveSalt remembers how a buried member can still be spoken to.
func (c *Core) keepGraveSalt(slot int, p uint32) {
	s := c.sealed
	if s == nil {
		return
	}
	if s.graveSalt == nil {
		s.graveSalt = make([][codec.SaltBytes]byte, len(c.graveAddr))
	}
	s.graveSalt[slot] = s.life(p).salt
}
