package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Status is what is believed of one incarnation of a member, as it stands on the wire.
type Status = codec.Status

// The statuses by their short names. Buried is never shown among members.
const (
	Alive   = codec.StatusAlive
	Suspect = codec.StatusSuspect
	Closed  = codec.StatusClosed
	Dead    = codec.StatusDead
	Left    = codec.StatusLeft
	Buried  = codec.StatusBuried
)

// Constants of the protocol.
const (
	// Observers is the number of members that watch each member: its neighbours on the permutations
	// of the ring.
	Observers = 8
	// Electors is the number of neighbours, in the receiver's view, whose votes count. Views differ
	// while members come and go, hence more than Observers.
	Electors = 2 * Observers
	// Tries is the number of probes in a round.
	Tries = 3
	// HealthMax is the worst own health; timeouts are multiplied by health + 1 (Lifeguard §IV-A, S
	// = 8).
	HealthMax = codec.HealthMax
	// IncarnationStep bounds how far one message may raise an incarnation. A larger jump is a
	// forgery: a member raises its own by one for each suspicion that it refutes.
	IncarnationStep = 1 << 20
	// IncarnationMax is the last incarnation: it can't be accused. A member asks for a new
	// generation (Table.Exhausted) long before.
	IncarnationMax = 1<<32 - 1 - IncarnationStep
)

// Mechanism names a part of the detector that an experiment can switch off.
type Mechanism uint8

// The mechanisms. A production table has all of them.
const (
	OwnHealth  Mechanism = 1 << iota // own-health multiplier, bar on voting, pause after own stalls
	Quorum                           // relative quorum; without it one vote suspects
	Refutation                       // the suspect's right to answer
	Echoes                           // one round for both sides of a pair
)

// Config has the times of the detector. LAN, WAN and Local give consistent sets.
type Config struct {
	Period     sched.Instant // one round of probes for each watched member
	TimeoutMin sched.Instant // floor of the timeout of one probe: max(4·srtt, TimeoutMin)
	TimeoutMax sched.Instant // and its ceiling, before own health multiplies it
	Grace      sched.Instant // from suspect to dead: the longest pause that never kills
	SoloGrace  sched.Instant // the same where a member has a single observer left

	// ClosedGrace is the same where a quorum of observers was told by the kernel that the member's
	// port is closed: no pause looks like that, so all that it leaves time for is a refutation.
	ClosedGrace sched.Instant

	LagMin    sched.Instant // own lateness from which on it counts as a stall
	PushGap   sched.Instant // shortest time between two bursts of fresh facts
	PushEvery sched.Instant // time between bursts while facts are hot
	ReviveMin sched.Instant // shortest time between two probes of a dead member
	ReviveMax sched.Instant // and the longest
	DeadAge   sched.Instant // a dead member is buried after this
	LeftAge   sched.Instant // and one that left after this
	GraveAge  sched.Instant // a grave keeps nobody out after this; see names.Graves
	LeaveFor  sched.Instant // a leaving member answers probes (with "left") for this long

	Fanout  int       // receivers of a burst of facts
	Lambda  int       // a fact is sent Lambda·⌈log2(n+1)⌉ times (SWIM §4.1)
	BarFrom uint8     // own health from which on a node does not vote
	Without Mechanism // experiments only
}

// LAN is for one data centre: suspicion within a quarter of a second; death within 0.6 s where the
// kernel says that the port is closed, within 3 s where a member is merely silent; pauses up to 2.5
// s live. A Grace of 300 ms makes every death known within 0.6 s, and pauses from 500 ms on deadly.
func LAN() Config {
	return Config{
		Period: 200 * sched.Millisecond, TimeoutMin: 10 * sched.Millisecond, TimeoutMax: 60 * sched.Millisecond,
		Grace: 2500 * sched.Millisecond, SoloGrace: 3 * sched.Second, ClosedGrace: 200 * sched.Millisecond,
		LagMin:  10 * sched.Millisecond,
		PushGap: 5 * sched.Millisecond, PushEvery: 20 * sched.Millisecond,
		ReviveMin: sched.Second, ReviveMax: 4 * sched.Second,
		DeadAge: 3600 * sched.Second, LeftAge: 60 * sched.Second, GraveAge: 86400 * sched.Second,
		LeaveFor: sched.Second, Fanout: 3, Lambda: 3, BarFrom: 4,
	}
}

// WAN is for round trips up to half a second.
func WAN() Config {
	c := LAN()
	c.Period, c.TimeoutMin, c.TimeoutMax = sched.Second, 100*sched.Millisecond, 500*sched.Millisecond
	c.Grace, c.SoloGrace, c.LagMin = 3*sched.Second, 15*sched.Second, 50*sched.Millisecond
	c.ClosedGrace = 2 * sched.Second
	c.PushGap, c.PushEvery = 20*sched.Millisecond, 100*sched.Millisecond
	c.LeaveFor = 3 * sched.Second
	return c
}

// Local is for processes on one machine.
func Local() Config {
	c := LAN()
	c.Period, c.TimeoutMin, c.TimeoutMax = 100*sched.Millisecond, 5*sched.Millisecond, 30*sched.Millisecond
	c.ClosedGrace = 100 * sched.Millisecond
	c.PushGap, c.PushEvery = 2*sched.Millisecond, 10*sched.Millisecond
	return c
}

func (c *Config) has(m Mechanism) bool { return c.Without&m == 0 }

// again is how long who has a suspicion from others waits for their last word before it condemns.
func (c *Config) again() sched.Instant { return min(c.Grace, c.ClosedGrace) / 2 }

// hold is how long judgement rests after an own stall of length lag: the answers that came
// meanwhile wait in the socket, and are read first.
func (c *Config) hold(lag sched.Instant) sched.Instant { return 2*c.TimeoutMin + lag/4 }

// Limits sizes a table. All memory is taken in Init, but that of facts, which grow to what is in use.
type Limits struct {
	Members int // handles 1..Members
	Facts   int // members that are not simply alive in their first incarnation; Members is always enough
	Watch   int // members watched at once, at most 64; 8 expected
	Cases   int // subjects with votes at once, at most 64
	Hot     int // facts being spread
	Silence int // members whose silence is estimated: Members, or 0
}

// DefaultLimits is a full set for this many members.
func DefaultLimits(members int) Limits {
	return Limits{
		Members: members, Facts: members, Watch: 64, Cases: 64,
		Hot: min(max(members, 16), 4096), Silence: members,
	}
}

// Footprint is the memory of a table and of a ring of its own.
func (l Limits) Footprint() (bytes int) {
	bytes += (l.Members + 1) * standingBytes
	bytes += (l.Facts + 1) * factBytes      //
	bytes += l.Watch * (watchBytes + 8)     // and when it is due
	bytes += l.Cases * caseBytes            //
	bytes += l.Hot * hotBytes               //
	bytes += (l.Silence + 1) * silenceBytes //
	return bytes + RingBytes(l.Members)
}
