package flow

import "github.com/quidnunc/quidnunc/sched"

// The constants of the local adaptation. The paper's text gives the rule but
// not the numbers; these fit its second figure: steps of 0.2 entries a second
// every five intervals, a fall by a quarter as often.
const (
	alphaNum, alphaDen = 3, 4 // τ ← α·τ
	paperBeta          = 200  // thousandths of an entry a second
	paperOver          = 5    // φ1, in exchanges that the node started
	paperSlack         = 5    // φ2

	defaultOver  = 2
	defaultSlack = 3
	defaultGrow  = 4  // τ/16 above β: a large rate is regained in seconds too
	calmFree     = 50 // exchanges without overflow until a source is free again

	medianShift = 5 // a step of the median of told rates is 1/32
	spanShare   = 2 // one partner is given something once in peers/2 intervals
)

// RateMax bounds every rate: 1 GiB a second.
const RateMax = 1 << 30

// Thousandth is the unit of rates that are counted in entries.
const Thousandth = 1000

// Plan is how a source adapts.
type Plan struct {
	Start uint32 // τ at the start
	Limit uint32 // τ never grows above
	Floor uint32 // nor is cut below
	Beta  uint32 // one increase
	Grow  uint8  // an increase is also τ>>Grow; 0: no
	Over  uint8  // φ1
	Slack uint8  // φ2
	Free  bool   // begin unbounded, and return to it when there is no congestion
}

// PaperPlan is the paper's, in thousandths of an entry a second: it starts at 0
// and is bounded by entries in one exchange, one exchange an interval.
func PaperPlan(entries int, interval sched.Instant) Plan {
	return Plan{Limit: PaperLimit(entries, interval), Beta: paperBeta, Over: paperOver, Slack: paperSlack}
}

// PaperLimit is the cap on τ for a limit of entries in one exchange.
func PaperLimit(entries int, interval sched.Instant) uint32 {
	return clampRate(uint64(entries) * Thousandth * sched.Second / uint64(max(1, interval)))
}

// DefaultPlan is in bytes a second: β is one frame an interval.
func DefaultPlan(frameBytes int, interval sched.Instant) Plan {
	frame := clampRate(uint64(frameBytes) * sched.Second / uint64(max(1, interval)))
	return Plan{
		Start: RateMax, Limit: RateMax, Floor: frame, Beta: frame, Grow: defaultGrow,
		Over: defaultOver, Slack: defaultSlack, Free: true,
	}
}

func clampRate(r uint64) uint32 { return uint32(min(r, RateMax)) }
