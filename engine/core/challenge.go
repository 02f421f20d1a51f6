package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
)

// A greeting asks for a challenge back: a keyed hash of the time, in one half
// with the address that is greeted and in the other without. So who answers has
// read what was sent there a moment ago; an answer that somebody recorded, or
// that seems to come from elsewhere, is worth nothing.

// challengeEpoch: a challenge lives one to two spans of 2^32 ns.
const challengeEpoch = 32

// challenge is the one for an address, ago epochs back.
func (c *Core) challenge(to netip.AddrPort, ago uint64) (k [codec.SaltBytes]byte) {
	epoch := uint64(c.now)>>challengeEpoch - ago
	var at, all [codec.CookieBytes]byte
	if s := c.sealed; s != nil {
		at, all = s.challenges.Make(uint32(epoch), to), s.challenges.Make(uint32(epoch), netip.AddrPort{})
	} else {
		at, all = c.cookie(to, ^epoch), c.cookie(netip.AddrPort{}, ^epoch)
	}
	copy(k[:8], at[:])
	copy(k[8:], all[:])
	return k
}

// greeted tells whether an answer is one to a greeting of ours to the address
// that it came from. One that somebody was asked for just now, but elsewhere,
// comes from a node with several addresses, or was caught on the way: that
// address is greeted itself.
func (c *Core) greeted(from netip.AddrPort, size int, h *codec.HelloReply) bool {
	elsewhere := false
	for ago := range uint64(2) {
		k := c.challenge(from, ago)
		if [8]byte(k[:8]) == [8]byte(h.Echo[:8]) {
			return true
		}
		elsewhere = elsewhere || [8]byte(k[8:]) == [8]byte(h.Echo[8:])
	}
	if elsewhere && 3*size >= c.bareHello && c.rejects.hint.Take(c.now, 1) {
		c.replies.push(reply{kind: codec.TypeHello, to: from, bare: true})
	}
	return false
}

// ours tells whether a greeting is one that we made.
func (c *Core) ours(h *codec.Hello) bool {
	for ago := range uint64(2) {
		if k := c.challenge(netip.AddrPort{}, ago); [8]byte(k[8:]) == [8]byte(h.Salt[8:]) {
			return true
		}
	}
	return false
}
