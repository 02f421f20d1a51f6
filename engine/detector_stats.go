package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/engine/member"
)

// pace is how long a round of probes takes now, and as a rule.
type pace struct{ period, usual time.Duration }

func paceOf(d *member.Detector) pace {
	period, usual := d.Pace()
	return pace{time.Duration(period), time.Duration(usual)}
}

// wary: longer than as a rule.
func (p pace) wary() bool { return p.period > p.usual }

// DetectorStats are counters of the failure detector since Start, but Health, Period and
// Wary.
type DetectorStats struct {
	// Probes sent, those of others answered, and rounds of them that a member did
	// not answer.
	Probes, Answers, Missed uint64
	// Votes against and for members that were sent and taken, and rounds in which
	// this member did not vote because it mistrusted itself.
	VotesSent, VotesTaken, VotesBarred uint64
	// Suspicions and Deaths that were believed here, of whomever; Revived are dead
	// that came back; Refutations are suspicions of this member that it answered.
	Suspicions, Deaths, Revived, Refutations uint64
	// Stalls are times that the own loop came late.
	Stalls uint64
	// Health is this member's own now: 0 is well, 8 is worst.
	Health int
	// Period is how long a round of this member's probes takes now: Detector.Period, and up to
	// 32 times as long while members that it missed were heard again, often. Wary is that: so
	// long it is slower to doubt anybody, so that a network without room comes to rest, and a
	// member that dies meanwhile is known to be dead later.
	Period time.Duration
	Wary   bool
	// Drops counts words about members that were not believed, by reason. Many of
	// them are usual while members come and go.
	Drops map[string]uint64
}

// detectorStats names the detector's counters.
func detectorStats(c *member.Counters, health int, pace pace) DetectorStats {
	s := DetectorStats{
		Probes: c.ProbesSent, Answers: c.ProbesAnswered, Missed: c.RoundsMissed,
		VotesSent: c.VotesSent, VotesTaken: c.VotesTaken, VotesBarred: c.VotesBarred,
		Suspicions: c.Suspicions, Deaths: c.Deaths, Revived: c.Revived, Refutations: c.Refutations,
		Stalls: c.Stalls, Health: health, Period: pace.period, Wary: pace.wary(), Drops: map[string]uint64{},
	}
	for name, n := range map[string]uint64{
		"stranger": c.DropStranger, "self": c.DropSelf, "incarnation": c.DropIncarnation, "replay": c.DropReplay,
		"elector": c.DropElector, "dead": c.DropDead, "target": c.DropTarget, "body": c.DropBody, "buried": c.Grave,
		"full": c.FullFacts + c.FullWatch + c.FullCases + c.FullQueue,
	} {
		if n > 0 {
			s.Drops[name] = n
		}
	}
	return s
}
