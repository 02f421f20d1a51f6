package engine

import (
	"fmt"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/rumor"
)

// Spread is how a write leaves its author. Whatever it is, the periodic
// comparison behind it repairs what was missed.
type Spread uint8

// The ways to spread.
const (
	// SpreadAuto mails in clusters of up to 128 members and mongers rumors in
	// larger ones. It is the default.
	SpreadAuto Spread = iota
	// SpreadMail sends each write to every member, one hop, until it is
	// acknowledged.
	SpreadMail
	// SpreadRumor sends each write to a few members, which pass it on as the
	// Rumor policy says.
	SpreadRumor
	// SpreadGossip sends nothing at once: only periodic comparison moves state.
	SpreadGossip
)

var spreadNames = nameTable[Spread]{"Spread", "spread", []string{SpreadAuto: "auto", SpreadMail: "mail", SpreadRumor: "rumor", SpreadGossip: "gossip"}}

var spreads = [...]core.Spread{
	SpreadAuto: core.Auto, SpreadMail: core.Mail, SpreadRumor: core.Rumor, SpreadGossip: core.Gossip,
}

// String is "auto", "mail", "rumor" or "gossip".
func (s Spread) String() string { return spreadNames.name(s) }

// ParseSpread is the inverse of Spread.String.
func ParseSpread(s string) (Spread, error) { return spreadNames.parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (s Spread) MarshalText() ([]byte, error) { return spreadNames.text(s) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseSpread.
func (s *Spread) UnmarshalText(b []byte) (err error) {
	*s, err = ParseSpread(string(b))
	return err
}

// RumorPolicy is a variation of rumor mongering, as Demers et al. name them
// ("Epidemic algorithms for replicated database maintenance", PODC 1987), or
// the median-counter rule of Karp et al. (FOCS 2000). The zero value is the
// default: every member pushes news once, blindly, to Config.Fanout others.
type RumorPolicy = rumor.Policy

// checkRumor names the pair of settings that contradict each other.
func (c *Config) checkRumor() error {
	if c.Rumor == (RumorPolicy{}) {
		return nil
	}
	if x := c.Rumor.Check(); x != rumor.NoConflict {
		return bad("Rumor", fmt.Sprintf("%+v", c.Rumor), x.String(), "change one of the two")
	}
	if c.Spread == SpreadMail || c.Spread == SpreadGossip {
		return bad("Rumor", fmt.Sprintf("%+v", c.Rumor), "Rumor and Spread: spread "+c.Spread.String()+" mongers no rumors",
			"use SpreadRumor or SpreadAuto, or leave Rumor zero")
	}
	return nil
}
