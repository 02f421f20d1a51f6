package door

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Contact is where a peer is, and how greeting it goes.
type Contact struct {
	Addr      netip.AddrPort // where frames go
	Cookie    [16]byte
	HasCookie bool       // it is shown Cookie until it acknowledges a frame
	Hellos    uint8      // greetings without an answer
	waits     bool       // for an answer to its last hello
	Declared  bool       // its state says what is advertised
	Kinds     codec.Kind // the last kind of entries that it knows

	HelloAt    sched.Instant  // of the last hello
	Advertised netip.AddrPort // what it says of itself
	Since      uint64         // seniority: the first generation of its boot
	too        uint64         // of another address where it answered while it was in service at Addr; 0: none
}

// Place is where somebody is met: where they sent from themselves; else, if others name
// them, where these say, if that can be dialled.
func Place(from, advertised netip.AddrPort) netip.AddrPort {
	if !from.IsValid() && codec.Dialable(advertised) {
		return advertised
	}
	return from
}

// Known is the address by which others are told of the peer: what it says of itself, or
// where it was met if that is nowhere; the zero value if that is nowhere, too.
func (c *Contact) Known() netip.AddrPort {
	for _, a := range [...]netip.AddrPort{c.Advertised, c.Addr} {
		if codec.Dialable(a) {
			return a
		}
	}
	return netip.AddrPort{}
}

// Introduced takes what an introduction says beside addresses.
func (c *Contact) Introduced(in *codec.Intro) {
	c.Kinds = in.Kinds
	if c.Since = in.Since; c.Since == 0 {
		c.Since = in.Gen
	}
}

// Answered notes an answer to a hello. True: it took so long.
func (c *Contact) Answered(now sched.Instant) (took sched.Instant, ok bool) {
	took, ok = now-c.HelloAt, c.waits && c.Hellos <= 1 // of several, nobody knows which it answers
	c.waits = false
	return took, ok
}

// Shown takes the cookie to show.
func (c *Contact) Shown(cookie [16]byte) { c.Cookie, c.HasCookie = cookie, true }

// Show shows the cookie in a frame to the peer, if it has to be shown.
func (c *Contact) Show(h *codec.Header) {
	if c.HasCookie {
		h.Flags |= codec.FlagCookie
		h.Cookie = c.Cookie
	}
}

// AnswersToo notes that the peer answered from another address while it was in service at its own:
// what it sends of its own accord may leave through a translator. One is kept, the last.
func (c *Contact) AnswersToo(from netip.AddrPort) { c.too = mixAddr(from) }

// Too tells of an address whether it is that one.
func (c *Contact) Too(from netip.AddrPort) bool { return c.too != 0 && c.too == mixAddr(from) }

// Moved notes that the peer is elsewhere. If it is known by where it was met, others are told of
// the new place.
func (c *Contact) Moved(addr netip.AddrPort) {
	if c.Advertised == c.Addr && !c.Declared {
		c.Advertised = addr
	}
	c.Addr, c.Hellos, c.too = addr, 0, 0
}

// Named notes where the peer says that it is, if word of it came from there; else it
// reports whether others name another place than the known one.
func (c *Contact) Named(addr, from netip.AddrPort) (elsewhere bool) {
	if !from.IsValid() {
		return codec.Dialable(addr) && addr != c.Addr
	}
	if addr.IsValid() && addr != c.Advertised {
		c.Advertised, c.Declared = addr, false
	}
	return false
}

// Declares notes where the peer's state says that it is, and reports whether it is to be
// found elsewhere.
func (c *Contact) Declares(addr netip.AddrPort) (elsewhere bool) {
	c.Advertised, c.Declared = addr, true
	return addr != c.Addr
}

// Back reports whether a hello may go back now to one that greets from an address, and
// notes that it goes.
func (c *Contact) Back(now sched.Instant, from netip.AddrPort) bool {
	if from != c.Addr || now-c.HelloAt <= GreetGap {
		return false
	}
	c.Greeted(now)
	return true
}

// Greeted notes a hello that left, or is about to, and Missed that the next may wait
// longer; Anew begins with short waits again.
func (c *Contact) Greeted(now sched.Instant) { c.HelloAt, c.waits = now, true }
func (c *Contact) Missed()                   { c.Hellos = min(c.Hellos+1, 30) }
func (c *Contact) Anew()                     { c.Hellos = 0 }

// Vain reports whether greetings go without an answer: others may know where the peer is.
func (c *Contact) Vain() bool { return c.Hellos > 1 }

// Knows notes that the peer has seen the cookie.
func (c *Contact) Knows() { c.HasCookie = false }
