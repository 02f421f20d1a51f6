package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Limits bound the memory of one core. Memory is asked for as it is needed, never beyond these.
type Limits struct {
	State      state.Limits
	Peers      int // members that are contacted, and seeds
	Jobs       int // answers to digests that may be under way at once
	Wants      int // origins in one answer
	Gaps       int // origins with a gap that are being pulled
	Events     int // events that wait for the shell
	Broadcasts int // user events that are kept for the shell and for late joiners; 32

	Active     int // members whose keys and counters are at hand at once, where frames are sealed; 1,024
	Unproven   int // members that never answered us, at once; three quarters of Peers
	Introduced int // origins a second that become known because a member names them; 2,048
}

// DefaultLimits suit a cluster of a few thousand nodes.
func DefaultLimits() Limits {
	return Limits{
		State: state.LimitsDefault(),
		Peers: 4096, Jobs: 8, Wants: 512, Gaps: 512, Events: 1024, Broadcasts: 32,
	}
}

// Config is everything that the core is told before it starts. The zero value
// of a duration or count takes the default named beside it.
type Config struct {
	Name       []byte         // 1 to codec.NameBytesMax bytes
	Generation uint64         // at least 1; higher than in any earlier life
	Advertise  netip.AddrPort // where others reach this node; may be unspecified
	Cluster    []byte         // cluster name: tags every frame, keys every id
	Seed       uint64         // all randomness comes from it
	Salt       [16]byte       // fresh random bytes for each start

	// Keys seals every frame. It is bound to the cluster's tag and has at least
	// one key; the core owns it from then on. nil: frames are in clear.
	Keys   *seal.Keyring
	Secret [32]byte // fresh random bytes for each start, for cookies; zero: from Seed

	tune.Options // how it gossips

	Interval    sched.Instant // between exchanges that this node starts; 100 ms
	AuditEvery  sched.Instant // a part of another member's log is held against the owner's so often; 0, and with a precise Order: never
	RepairEvery sched.Instant // the first member of the ring starts a walk of repair so often; 0: never
	Frame       int           // bytes of a datagram; codec.FrameBytesDefault
	Limits      Limits

	Refuse     bool // writes above the own rate, which the shell asks about (Admit); else they are published later
	ReceiveMax int  // bytes a second that all peers together may send; 0: no limit

	// Admit says whether somebody who is no member may become one, by name and address; nil:
	// everybody. It may not block.
	Admit func(name []byte, from netip.AddrPort) bool

	// Weight is an origin's share when a frame is divided fairly, by its name;
	// nil: 1 for all. It is asked once, when the origin becomes known.
	Weight func(name []byte) uint8

	Signing    checkpoint.Signing // of checkpoints
	Detector   member.Config      // times of the failure detector; member.LAN
	Experiment *Experiment        // what only experiments change; nil in a product
	_          [0]func()          // not comparable
}

// Experiment is what the papers' experiments and tests change and no product does.
type Experiment struct {
	Frames     int           // of one answer; 16
	Deltas     int           // entries of one answer, as the papers count; 0: unlimited
	Whole      bool          // Deltas and Depth: the last origin of an answer is sent whole
	NoPrint    bool          // exchanges start with a digest, not with a fingerprint
	Uniform    bool          // uniform random peers instead of shuffled rounds
	Partner    func() uint32 // the peer of the next exchange, 0 for none; nil: chosen here
	Plan       flow.Plan     // how the own rate adapts; flow.DefaultPlan, but none where Deltas are counted
	MailMax    int           // SpreadAuto mails up to about so many peers (mail.Choice); 128
	RecentSpan sched.Instant // DiffRecent: what changed since is sent first; 10 intervals
	Settle     sched.Instant // younger changes are left to push; 20 ms
	AckDelay   sched.Instant // an acknowledgement waits this long for a ride; 40 ms
	FlushMax   sched.Instant // longest wait of a write for company; 10 ms
	NoDetector bool          // nobody is watched, so that messages can be counted
	NoWord     bool          // nor asks authors how far they are, and for checkpoints
	Kinds      codec.Kind    // the last kind of entries that the node says to know, as an older version; all
}

// fill takes the defaults.
func (e *Experiment) fill(interval sched.Instant) {
	setDefault(&e.Frames, 16)
	setDefault(&e.MailMax, 128)
	setDefault(&e.RecentSpan, 10*interval) // an update should have reached everybody by then (Demers et al. §1.3)
	setDefault(&e.Settle, 20*sched.Millisecond)
	setDefault(&e.AckDelay, 40*sched.Millisecond)
	setDefault(&e.FlushMax, 10*sched.Millisecond)
	if e.Deltas == 0 {
		e.Deltas = -1
	}
}

const (
	fanoutMax = 16 // the largest fan-out by cluster size

	// jobsMin is one for each direction of an exchange: with a single one, the
	// direction that is tried first would take it from the other each time.
	jobsMin = 2
)

// fill takes the defaults, and a copy of the experiment that is all zero in a product
// but for its own.
func (c *Config) fill() {
	lab := new(Experiment)
	if c.Experiment != nil {
		*lab = *c.Experiment
	}
	setDefault(&c.Interval, 100*sched.Millisecond)
	lab.fill(c.Interval)
	c.Experiment = lab
	if c.Detector.Period == 0 {
		c.Detector = member.LAN()
	}
	if c.Admit == nil {
		c.Admit = func([]byte, netip.AddrPort) bool { return true }
	}
	if c.Rumor == (tune.RumorPolicy{}) {
		c.Rumor = rumor.Default()
	}
	if c.Fanout == 0 {
		c.Fanout = int(c.Rumor.Fanout)
	}
	setDefault(&c.Frame, codec.FrameBytesDefault)
	d := DefaultLimits()
	setDefault(&c.Limits.Peers, d.Peers)
	setDefault(&c.Limits.Jobs, d.Jobs)
	c.Limits.Jobs = max(c.Limits.Jobs, jobsMin)
	setDefault(&c.Limits.Wants, d.Wants)
	setDefault(&c.Limits.Gaps, d.Gaps)
	setDefault(&c.Limits.Events, d.Events)
	setDefault(&c.Limits.Broadcasts, d.Broadcasts)
	setDefault(&c.Limits.Unproven, c.Limits.Peers-c.Limits.Peers/4)
	setDefault(&c.Limits.Introduced, 2048)
	if c.Limits.State == (state.Limits{}) {
		c.Limits.State = d.State
	}
}

func setDefault[T int | sched.Instant](v *T, to T) {
	if *v == 0 {
		*v = to
	}
}

// seats are how many members may be known, in service and by hearsay.
func (c *Config) seats() roster.Limits {
	l := &c.Limits
	return roster.Limits{
		Handles: l.Peers, Seats: min(l.Peers, l.State.Origins-1), Candidates: l.Unproven, Pick: max(fanoutMax, c.Fanout),
	}
}

// auditEvery is AuditEvery where a log can be held against its owner's.
func (c *Config) auditEvery() sched.Instant {
	if c.Order.Precise() {
		return 0
	}
	return c.AuditEvery
}
