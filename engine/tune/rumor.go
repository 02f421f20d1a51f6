package tune

import (
	"errors"

	"github.com/quidnunc/quidnunc/engine/enum"
)

// Shape says who offers news to whom when two members meet.
type Shape uint8

// The three shapes of a contact.
const (
	ShapePush     Shape = iota // the caller offers what is hot to it
	ShapePull                  // the caller asks, the called offers
	ShapePushPull              // both
)

// Loss says how a member loses interest in a rumor.
type Loss uint8

// The ways to lose interest.
const (
	LossCounter Loss = iota // after K contacts that count
	LossCoin                // with probability 1/K at each contact that counts
	LossMedian              // Karp's median-counter rule, K is its ctr_max
)

var (
	shapes = enum.Names[Shape]{Kind: "Shape", What: "shape of a rumor", Names: []string{"push", "pull", "push-pull"}}
	losses = enum.Names[Loss]{Kind: "Loss", What: "loss of interest", Names: []string{"counter", "coin", "median"}}
)

// String is "push", "pull" or "push-pull".
func (s Shape) String() string { return shapes.String(s) }

// ParseShape is the inverse of Shape.String.
func ParseShape(s string) (Shape, error) { return shapes.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (s Shape) MarshalText() ([]byte, error) { return shapes.Text(s) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseShape.
func (s *Shape) UnmarshalText(b []byte) error { return shapes.Set(s, b) }

// String is "counter", "coin" or "median".
func (l Loss) String() string { return losses.String(l) }

// ParseLoss is the inverse of Loss.String.
func ParseLoss(s string) (Loss, error) { return losses.Parse(s) }

// MarshalText implements encoding.TextMarshaler with String.
func (l Loss) MarshalText() ([]byte, error) { return losses.Text(l) }

// UnmarshalText implements encoding.TextUnmarshaler with ParseLoss.
func (l *Loss) UnmarshalText(b []byte) error { return losses.Set(l, b) }

// HuntForever is the value of RumorPolicy.Hunt for hunting until somebody accepts.
const HuntForever = 255

// RumorPolicy is a variation of rumor mongering, as Demers et al. name them, or
// the median-counter rule of Karp et al. [Demers] and [Karp] make the papers' ones. The
// zero RumorPolicy stands for the default of Options.Rumor; any other has a K.
type RumorPolicy struct {
	Shape Shape
	Loss  Loss
	K     uint8 // threshold of the counter, or inverse of the coin's chance; 1..254

	// Blind loses interest by cycles, whatever recipients answer: a counter
	// stays hot for K cycles, a coin is thrown once a cycle. Without it only
	// contacts that were not needed count (feedback).
	Blind bool
	// Reset sets the counter back to zero when a contact was needed. Pull always
	// does, as the footnote to Table 3 says.
	Reset bool
	// Minimize compares counters when both sides of a push-pull know a rumor and
	// counts the contact only where the counter is the smaller one (both when
	// equal). Without it such a contact counts on both sides.
	Minimize bool
	// Immediate judges each answer as it comes and not at the cycle's end.
	Immediate bool
	// SendBack offers a rumor also to the peers that it came from. The papers'
	// simulations do; an engine that knows better does not.
	SendBack bool
	// Redistribute lets anti-entropy make a rumor hot again when it found a peer
	// that missed it. Without it (conservative) only the pair is repaired.
	Redistribute bool

	Fanout uint8 // contacts a cycle; 0 means 1
	Limit  uint8 // contacts accepted a cycle; 0 means no limit
	Hunt   uint8 // further peers tried after a refusal, or HuntForever
	Final  uint8 // LossMedian: rounds in state C before silence; at least 1
	Age    uint8 // a window's older half is dropped after this many cycles; 0 means never
}

// Demers returns a policy of the PODC paper as its simulations ran it: one
// contact a cycle, effects at the cycle's end, no memory of the source.
func Demers(s Shape, l Loss, blind bool, k uint8) RumorPolicy {
	return RumorPolicy{Shape: s, Loss: l, Blind: blind, K: k, SendBack: true, Fanout: 1}
}

// Karp returns the median-counter policy for a cluster of n nodes: ctr_max and
// the rounds in state C are both max(1, ceil(ln ln n)).
func Karp(n int) RumorPolicy {
	k := LogLog(n)
	return RumorPolicy{Shape: ShapePushPull, Loss: LossMedian, K: k, Final: k, SendBack: true, Fanout: 1}
}

// LogLog returns max(1, ceil(ln ln n)) by its thresholds e^e, e^(e^2), e^(e^3).
func LogLog(n int) uint8 {
	switch {
	case n <= 15:
		return 1
	case n <= 1618:
		return 2
	case n <= 528_491_311:
		return 3
	default:
		return 4
	}
}

// Check names the first two settings that contradict each other, and why; nil if none do.
// The zero RumorPolicy has no K: Check refuses it.
func (p RumorPolicy) Check() error {
	switch {
	case p.K == 0 || p.K == 255:
		return errors.New("rumor policy: K must be 1 to 254")
	case p.Shape > ShapePushPull:
		return errors.New("rumor policy: Shape is not push, pull or push-pull")
	case p.Loss > LossMedian:
		return errors.New("rumor policy: Loss is not counter, coin or median")
	case p.Loss == LossMedian:
		return p.checkMedian()
	case p.Final != 0:
		return errors.New("rumor policy: Final and Loss: only the median counter has a final state")
	case p.Minimize && p.Blind:
		return errors.New("rumor policy: Minimize and Blind: minimization compares counters that blind spreading does not learn")
	case p.Minimize && p.Loss != LossCounter:
		return errors.New("rumor policy: Minimize and Loss: minimization needs a counter")
	case p.Minimize && p.Shape != ShapePushPull:
		return errors.New("rumor policy: Minimize and Shape: minimization needs push-pull")
	case p.Reset && p.Blind:
		return errors.New("rumor policy: Reset and Blind: blind spreading learns of no needed contact")
	case p.Reset && p.Loss == LossCoin:
		return errors.New("rumor policy: Reset and Coin: a coin has nothing to reset")
	case p.Hunt > 0 && p.Limit == 0:
		return errors.New("rumor policy: Hunt and Limit: nobody refuses without a limit")
	}
	return nil
}

func (p RumorPolicy) checkMedian() error {
	switch {
	case p.Blind:
		return errors.New("rumor policy: Median and Blind: the median counter needs the peers' counters")
	case p.Shape != ShapePushPull:
		return errors.New("rumor policy: Median and Shape: the median counter needs push-pull")
	case p.Reset || p.Minimize:
		return errors.New("rumor policy: Median and Reset or Minimize: the median counter has its own rule")
	case p.Final == 0:
		return errors.New("rumor policy: Median and Final: state C lasts at least one round")
	case p.Hunt > 0 && p.Limit == 0:
		return errors.New("rumor policy: Hunt and Limit: nobody refuses without a limit")
	}
	return nil
}
