package tune

import "github.com/quidnunc/quidnunc/engine/enum"

// Spread is how a write leaves its author. Whatever it is, the periodic
// comparison behind it repairs what was missed.
type Spread uint8

// The ways to spread.
const (
	// SpreadAuto mails to as many members as can be told in the time that a second
	// hop takes, 64 to 256 of them, and has the others told by delegates: a few more
	// with each member that the cluster grows by. Stats.Spread says which way it is, and
	// why. It is the default.
	SpreadAuto Spread = iota
	// SpreadMail sends each write to every member, one hop, until it is
	// acknowledged.
	SpreadMail
	// SpreadRumor sends each write to a few members, which pass it on as the
	// Rumor policy says.
	SpreadRumor
	// SpreadGossip sends nothing at once: only periodic comparison moves state.
	SpreadGossip
	// SpreadDelegated hands each write to a few members with a range of the others to
	// pass it on to: nearly one copy for each, acknowledged on each hop. Members of one
	// cluster may spread in different ways; all but those of SpreadGossip pass on.
	SpreadDelegated
)

var spreads = enum.Names[Spread]{Kind: "Spread", What: "spread", Names: []string{"auto", "mail", "rumor", "gossip", "delegated"}}

// String is "auto", "mail", "rumor", "gossip" or "delegated".
func (s Spread) String() string { return spreads.String(s) }

// ParseSpread is the inverse of Spread.String.
func ParseSpread(s string) (Spread, error) { return spreads.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (s Spread) MarshalText() ([]byte, error) { return spreads.Text(s) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseSpread.
func (s *Spread) UnmarshalText(b []byte) error { return spreads.Set(s, b) }
