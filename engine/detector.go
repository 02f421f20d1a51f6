package engine

import (
	"errors"
	"fmt"
	"time"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// Detector has the times of the failure detector. A zero field takes the value
// of LAN; the profiles LAN, WAN and Local give consistent sets. All members
// should use the same one. Package engine/member says how the times work
// together.
//
//	             LAN    WAN    Local
//	Period       200ms  1s     100ms
//	TimeoutMin   10ms   100ms  5ms
//	TimeoutMax   60ms   500ms  30ms
//	Grace        2.5s   3s     2.5s
//	SoloGrace    3s     15s    3s
//	ClosedGrace  200ms  2s     100ms
//	LagMin       10ms   50ms   10ms
//	PushGap      5ms    20ms   2ms
//	PushEvery    20ms   100ms  10ms
//	ReviveMin    1s     1s     1s
//	ReviveMax    4s     4s     4s
//	DeadAge      1h     1h     1h
//	LeftAge      1m     1m     1m
//	GraveAge     24h    24h    24h
//	LeaveFor     1s     3s     1s
//	Fanout       3      3      3
//	Lambda       3      3      3
//	BarFrom      4      4      4
type Detector struct {
	// Period is how often each observer probes a member that it watches, three
	// times if need be. 10 ms to 1 min.
	Period time.Duration
	// TimeoutMin and TimeoutMax bound how long one probe waits for its answer:
	// four round trips, within these. Three of TimeoutMin fit in a Period.
	TimeoutMin, TimeoutMax time.Duration
	// Grace is how long a suspect has to answer: the longest pause of a process,
	// less what it takes to suspect it, that does not cost it its life. A program
	// that keeps all its processors busy pauses too: for as long as its goroutines
	// take turns of 10 ms before the engine's. With LAN a silent member is dead
	// within 3 s; with 300 ms within 0.6 s, and pauses from half a second on kill.
	Grace time.Duration
	// SoloGrace is the same where there is no second observer: in a pair, or on
	// an island of one. At least Grace.
	SoloGrace time.Duration
	// ClosedGrace is the same where a quorum of observers was told by the kernel
	// that the member's port is closed: its process ended. At most Grace.
	ClosedGrace time.Duration
	// LagMin is from which lateness of the own loop on a member mistrusts itself.
	LagMin time.Duration
	// PushGap and PushEvery are the shortest and the usual time between two
	// bursts of news about members.
	PushGap, PushEvery time.Duration
	// ReviveMin and ReviveMax bound the time between two visits to dead members.
	ReviveMin, ReviveMax time.Duration
	// DeadAge and LeftAge are how long a member that died or left is remembered
	// with its state; then it is forgotten, but for its grave.
	DeadAge, LeftAge time.Duration
	// GraveAge is how long a forgotten life of a member can't come back: another
	// one can, and is taken at once. A member that did not leave is still looked for.
	// Four members of n keep it out for GraveAge × n/4 more, at least as long again, and
	// for another GraveAge if it comes back meanwhile.
	GraveAge time.Duration
	// LeaveFor is how long a leaving member still answers, with the word that it
	// leaves.
	LeaveFor time.Duration
	// Fanout is to how many members a burst of news goes. 1 to 16.
	Fanout int
	// Lambda scales how often news is told: Lambda times the binary logarithm of
	// the members. 1 to 16.
	Lambda int
	// BarFrom is from which own health on, 1 to 8, a member does not vote.
	BarFrom int
}

// pairs binds each duration to its counterpart below.
func (d *Detector) pairs(m *member.Config) [15]struct {
	name string
	own  *time.Duration
	core *sched.Instant
} {
	return [15]struct {
		name string
		own  *time.Duration
		core *sched.Instant
	}{
		{"Period", &d.Period, &m.Period},
		{"TimeoutMin", &d.TimeoutMin, &m.TimeoutMin},
		{"TimeoutMax", &d.TimeoutMax, &m.TimeoutMax},
		{"Grace", &d.Grace, &m.Grace},
		{"SoloGrace", &d.SoloGrace, &m.SoloGrace},
		{"ClosedGrace", &d.ClosedGrace, &m.ClosedGrace},
		{"LagMin", &d.LagMin, &m.LagMin},
		{"PushGap", &d.PushGap, &m.PushGap},
		{"PushEvery", &d.PushEvery, &m.PushEvery},
		{"ReviveMin", &d.ReviveMin, &m.ReviveMin},
		{"ReviveMax", &d.ReviveMax, &m.ReviveMax},
		{"DeadAge", &d.DeadAge, &m.DeadAge},
		{"LeftAge", &d.LeftAge, &m.LeftAge},
		{"GraveAge", &d.GraveAge, &m.GraveAge},
		{"LeaveFor", &d.LeaveFor, &m.LeaveFor},
	}
}

// detectorOf is the embedder's view of a profile.
func detectorOf(m member.Config) (d Detector) {
	for _, p := range d.pairs(&m) {
		*p.own = time.Duration(*p.core)
	}
	d.Fanout, d.Lambda, d.BarFrom = m.Fanout, m.Lambda, int(m.BarFrom)
	return d
}

// config is what the core gets.
func (d Detector) config() member.Config {
	m := member.LAN()
	for _, p := range d.pairs(&m) {
		*p.core = sched.Instant(*p.own)
	}
	m.Fanout, m.Lambda, m.BarFrom = d.Fanout, d.Lambda, uint8(d.BarFrom)
	return m
}

// withDefaults fills the zero fields from def.
func (d Detector) withDefaults(def Detector) Detector {
	var unused, alsoUnused member.Config
	from := def.pairs(&unused)
	for i, p := range d.pairs(&alsoUnused) {
		or(p.own, *from[i].own)
	}
	d.ClosedGrace = min(d.ClosedGrace, d.Grace) // a shorter Grace needs no second field
	or(&d.Fanout, def.Fanout)
	or(&d.Lambda, def.Lambda)
	or(&d.BarFrom, def.BarFrom)
	return d
}

const ageMax = 10 * 365 * 24 * time.Hour

func (c *Config) checkDetector() error {
	d := &c.Detector
	errs := []error{
		inRange("Detector.Period", d.Period, 10*time.Millisecond, time.Minute),
		inRange("Detector.TimeoutMin", d.TimeoutMin, time.Millisecond, d.Period/member.Tries),
		inRange("Detector.TimeoutMax", d.TimeoutMax, d.TimeoutMin, time.Minute),
		inRange("Detector.Grace", d.Grace, d.TimeoutMin, time.Hour),
		inRange("Detector.SoloGrace", d.SoloGrace, d.Grace, time.Hour),
		inRange("Detector.ClosedGrace", d.ClosedGrace, time.Millisecond, d.Grace),
		inRange("Detector.LagMin", d.LagMin, time.Millisecond, time.Minute),
		inRange("Detector.PushGap", d.PushGap, time.Millisecond, time.Minute),
		inRange("Detector.PushEvery", d.PushEvery, d.PushGap, time.Minute),
		inRange("Detector.ReviveMin", d.ReviveMin, 10*time.Millisecond, time.Hour),
		inRange("Detector.ReviveMax", d.ReviveMax, d.ReviveMin, 24*time.Hour),
		inRange("Detector.DeadAge", d.DeadAge, d.Grace, ageMax),
		inRange("Detector.LeaveFor", d.LeaveFor, time.Millisecond, time.Hour),
		inRange("Detector.LeftAge", d.LeftAge, d.LeaveFor, ageMax),
		inRange("Detector.GraveAge", d.GraveAge, max(d.DeadAge, d.LeftAge), ageMax),
		inRange("Detector.Fanout", d.Fanout, 1, 16),
		inRange("Detector.Lambda", d.Lambda, 1, 16),
		inRange("Detector.BarFrom", d.BarFrom, 1, member.HealthMax),
	}
	return errors.Join(errs...)
}

// Limits of what a member says of itself.
const (
	// ZoneBytesMax is the longest zone.
	ZoneBytesMax = 64
	// TagsMax is how many tags a member may have.
	TagsMax = 64
	// TagNameBytesMax is the longest name of a tag, TagValueBytesMax its longest
	// value.
	TagNameBytesMax, TagValueBytesMax = 64, 512
)

func (c *Config) checkDeclared() error {
	var errs []error
	if c.Zone != "" {
		errs = append(errs, checkName("Zone", c.Zone, ZoneBytesMax, "use a short name, the same for all members of the zone"))
	}
	return errors.Join(append(errs, checkTags("Tags", c.Tags))...)
}

// checkTags names the tag that is wrong.
func checkTags(field string, tags map[string]string) error {
	if len(tags) > TagsMax {
		return bad(field, len(tags), "too many tags", fmt.Sprintf("use at most %d", TagsMax))
	}
	for name, value := range tags {
		at := fmt.Sprintf("%s[%q]", field, name)
		if err := checkName(at, name, TagNameBytesMax, "use a short printable name"); err != nil {
			return err
		}
		if len(value) > TagValueBytesMax {
			return bad(at, len(value), "is too many bytes", fmt.Sprintf("use at most %d; larger things are keys, see Set", TagValueBytesMax))
		}
	}
	return nil
}
