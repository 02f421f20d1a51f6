package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// What a node says of itself is part of its versioned state, under reserved
// keys: a set of elements of which each has one writer, so that the newest
// version of an element is what counts and no two writers can disagree. A leave
// is the one element that is never taken back: who comes again is another
// origin. What others observe of a node is never written here (engine/member).
var (
	// ZoneKey holds the failure domain of a node.
	ZoneKey = []byte{codec.ReservedPrefix, 'z', 'o', 'n', 'e'}
	// AddrKey holds the address that a node declares, as AppendAddr writes it. It
	// is believed when the node answers there.
	AddrKey = []byte{codec.ReservedPrefix, 'a', 'd', 'd', 'r'}
	// TagPrefix begins the key of each tag of a node.
	TagPrefix = []byte{codec.ReservedPrefix, 't', 'a', 'g', '/'}
)

// addrBytes is the size of an AddrKey value: address and port, big endian.
const addrBytes = 18

// AppendAddr appends the value that AddrKey has for an address.
func AppendAddr(dst []byte, a netip.AddrPort) []byte {
	b := a.Addr().As16()
	return append(append(dst, b[:]...), byte(a.Port()>>8), byte(a.Port()))
}

// parseAddr is the inverse of AppendAddr; false for an address that nobody can
// be reached at.
func parseAddr(b []byte) (a netip.AddrPort, ok bool) {
	if len(b) != addrBytes {
		return a, false
	}
	ip := netip.AddrFrom16([16]byte(b[:16])).Unmap()
	a = netip.AddrPortFrom(ip, uint16(b[16])<<8|uint16(b[17]))
	return a, a.Port() != 0 && !ip.IsUnspecified() && !ip.IsMulticast()
}

// declare acts on a reserved key that we are about to write. A leave is told by
// the detector too, so that it is heard of even where there is no room for it.
func (c *Core) declare(op *Op) {
	if string(op.Key) != string(LeaveKey) {
		c.queue.Push(Event{Kind: Declared, Origin: c.self, From: op.Version - 1, To: op.Version})
		return
	}
	c.origins[c.self].left = true
	c.live.Leave(c.now)
}

// leaving tells whether this node has said that it leaves.
func (c *Core) leaving() bool { return c.origins[c.self].left }

// declares reports that a member says something new of itself.
func (c *Core) declares(o state.Origin, from uint64) {
	c.queue.Push(Event{Kind: Declared, Origin: o, Peer: c.origins[o].peer, From: from, To: c.store.Max(o)})
}

// declaresAddr greets a member at the address that it declares. It is sent
// there once it has answered from there, and not before.
func (c *Core) declaresAddr(o state.Origin, value []byte) {
	addr, ok := parseAddr(value)
	p := c.origins[o].peer
	if !ok || p == 0 {
		c.counters.Drops[DropRecord]++
		return
	}
	q := &c.peers[p]
	q.at.Declares(addr)
	switch {
	case q.Left() || q.at.Addr == addr:
	case !q.Proven():
		q.at.Moved(addr)
		c.greetSoon(p)
	default:
		c.door.Push(&door.Reply{Kind: codec.TypeHello, To: addr})
	}
}

// Advertise changes the address that this node tells others. The caller also
// writes AddrKey, which brings the news to those that know us already.
func (c *Core) Advertise(now sched.Instant, addr netip.AddrPort) {
	c.enter(now)
	c.cfg.Advertise = addr
}
