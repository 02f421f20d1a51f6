package names

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Self is who this node is, and what became of its name.
type Self struct {
	Key      [2]uint64 // keys identifiers: from the cluster name
	Gen      uint64
	ID       codec.OriginID
	Renewals Renewals
	Rival    Rival
	Silenced bool // a live rival has won: writes are refused
}

// Init gives the node its first generation.
func (s *Self) Init(key [2]uint64, name []byte, gen uint64) {
	*s = Self{Key: key, Gen: gen, ID: codec.MakeOriginID(key, name, gen)}
}

// Renew gives it a higher one.
func (s *Self) Renew(now sched.Instant, name []byte, gen uint64) {
	s.Renewals.Renewed(now)
	s.Gen, s.ID = gen, codec.MakeOriginID(s.Key, name, gen)
}

// Rival is a process with our name that may or may not be alive.
type Rival struct {
	Gen   uint64
	Addr  netip.AddrPort
	Met   uint64 // the last one that was reported
	Tries uint8  // greetings without an answer
	Open  bool   // it is being found out whether it is alive
}
