package declare

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// The reserved keys.
var (
	// LeaveKey is what a node writes last: it leaves for good.
	LeaveKey = []byte{codec.ReservedPrefix, 'l', 'e', 'f', 't'}
	// AddrKey holds the address that a node declares, as AppendAddr writes it.
	AddrKey = []byte{codec.ReservedPrefix, 'a', 'd', 'd', 'r'}
	// ZoneKey holds the failure domain of a node.
	ZoneKey = []byte{codec.ReservedPrefix, 'z', 'o', 'n', 'e'}
	// TagPrefix begins the key of each tag of a node.
	TagPrefix = []byte{codec.ReservedPrefix, 't', 'a', 'g', '/'}
)

// Said is what an origin newly says of its node.
type Said struct {
	Leaves  bool
	Addr    netip.AddrPort // where the node is; invalid: it says nothing of it
	BadAddr bool           // an address that nobody can be reached at
	Zone    uint32         // a hash of its zone; 0: it says nothing of it
	Other   bool           // anything else: who watches looks again
}

// Read looks at the reserved keys among the entries of o after from.
func Read(s *state.Store, o state.Origin, from uint64) (said Said) {
	var e codec.Entry
	var cur state.Cursor
	s.After(o, from, &cur)
	for cur.Next(&e) {
		switch {
		case !codec.System(e.Key):
		case string(e.Key) == string(LeaveKey):
			said.Leaves = true
		case string(e.Key) == string(AddrKey):
			addr, ok := parseAddr(e.Value)
			said.Addr, said.BadAddr = addr, !ok
		default:
			said.Other = true
			said.Zone = max(said.Zone, Zone(e.Key, e.Value))
		}
	}
	return said
}

// Zone is a hash of the zone that an entry says, the same at all members: FNV-1a, and not 0. It is
// 0 for an entry that says none.
func Zone(key, value []byte) uint32 {
	if string(key) != string(ZoneKey) || len(value) == 0 {
		return 0
	}
	h := uint32(2166136261)
	for _, b := range value {
		h = (h ^ uint32(b)) * 16777619
	}
	return max(h, 1)
}

// addrBytes is the size of an AddrKey value: address and port, big endian.
const addrBytes = 18

// AppendAddr appends the value that AddrKey has for an address.
func AppendAddr(dst []byte, a netip.AddrPort) []byte {
	b := a.Addr().As16()
	return append(append(dst, b[:]...), byte(a.Port()>>8), byte(a.Port()))
}

// parseAddr is the inverse of AppendAddr; invalid and false for an address that nobody
// can be reached at.
func parseAddr(b []byte) (a netip.AddrPort, ok bool) {
	if len(b) != addrBytes {
		return a, false
	}
	a = netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[:16])).Unmap(), uint16(b[16])<<8|uint16(b[17]))
	if !codec.Dialable(a) {
		return netip.AddrPort{}, false
	}
	return a, true
}
