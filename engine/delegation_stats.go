package engine

import "github.com/quidnunc/quidnunc/engine/tune"

// SpreadStats are how own writes leave now.
type SpreadStats struct {
	Way tune.Spread // never SpreadAuto
	// Direct is into how many ranges the members are cut where Way is SpreadDelegated, each of
	// which one member is told for; else 0.
	Direct int
	// Why is "chosen" in Config.Tune, "few" where telling all members takes no longer than a
	// second hop, "many" where it does, "late" where the loop has too much to do for that to
	// decide, "zones" where each other zone is told once, or "partial" where most members are not
	// reached.
	Why string
}

func (e *Engine) spreadStats() SpreadStats {
	way, direct, why := e.core.Parts().Mail.Chosen()
	return SpreadStats{way, direct, why.String()}
}

// DelegationStats are counters of news that goes over delegates (tune.SpreadDelegated), since
// Start.
type DelegationStats struct {
	Sent     uint64 // runs that left, to one member each or with a range for it to cover
	Taken    uint64 // ranges of others that were covered here
	Replaced uint64 // ranges that went to another member, since the first did not answer
	Refused  uint64 // ranges that a member said it can't cover
	Lost     uint64 // runs that were given up and left to comparisons
	Forged   uint64 // ranges that no member can have given
	Stale    uint64 // ranges that were covered before, or whose news was old
	False    uint64 // members that said they cover a range, and did not
	Busy     uint64 // for which there was no room
}
