package rumor

// Shape says who offers news to whom when two nodes meet.
type Shape uint8

// The three shapes of a contact.
const (
	Push     Shape = iota // the caller offers what is hot to it
	Pull                  // the caller asks, the called offers
	PushPull              // both
)

// Loss says how a node loses interest in a rumor.
type Loss uint8

// The ways to lose interest.
const (
	Counter Loss = iota // after K contacts that count
	Coin                // with probability 1/K at each contact that counts
	Median              // Karp's median-counter rule, K is its ctr_max
)

// Forever is the value of Policy.Hunt for hunting until somebody accepts.
const Forever = 255

// Policy selects one variation of rumor mongering. The zero value is not valid
// (K is 0); [Demers] and [Karp] make the papers' ones.
type Policy struct {
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
	Hunt   uint8 // further peers tried after a refusal, or Forever
	Final  uint8 // Median: rounds in state C before silence; at least 1
	Age    uint8 // a window's older half is dropped after this many cycles; 0 means never
}

// Demers returns a policy of the PODC paper as its simulations ran it: one
// contact a cycle, effects at the cycle's end, no memory of the source.
func Demers(s Shape, l Loss, blind bool, k uint8) Policy {
	return Policy{Shape: s, Loss: l, Blind: blind, K: k, SendBack: true, Fanout: 1}
}

// Karp returns the median-counter policy for a cluster of n nodes: ctr_max and
// the rounds in state C are both max(1, ceil(ln ln n)).
func Karp(n int) Policy {
	k := LogLog(n)
	return Policy{Shape: PushPull, Loss: Median, K: k, Final: k, SendBack: true, Fanout: 1}
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

// spoken reports whether contacts carry more than runs.
func (p *Policy) spoken() bool { return !p.Blind || p.Shape != Push || p.Limit != 0 }

// Conflict names two settings of a policy that contradict each other.
type Conflict uint8

// The contradictions that Check finds, first to last.
const (
	NoConflict Conflict = iota
	KOutOfRange
	UnknownShape
	UnknownLoss
	MinimizeBlind
	MinimizeNotCounter
	MinimizeNotPushPull
	MedianBlind
	MedianNotPushPull
	MedianReset
	MedianNoFinal
	FinalNotMedian
	ResetBlind
	ResetCoin
	HuntNoLimit
	conflicts
)

var conflictText = [conflicts]string{
	NoConflict:          "no conflict",
	KOutOfRange:         "K must be 1 to 254",
	UnknownShape:        "Shape is not push, pull or push-pull",
	UnknownLoss:         "Loss is not counter, coin or median",
	MinimizeBlind:       "Minimize and Blind: minimization compares counters that blind spreading does not learn",
	MinimizeNotCounter:  "Minimize and Loss: minimization needs a counter",
	MinimizeNotPushPull: "Minimize and Shape: minimization needs push-pull",
	MedianBlind:         "Median and Blind: the median counter needs the peers' counters",
	MedianNotPushPull:   "Median and Shape: the median counter needs push-pull",
	MedianReset:         "Median and Reset or Minimize: the median counter has its own rule",
	MedianNoFinal:       "Median and Final: state C lasts at least one round",
	FinalNotMedian:      "Final and Loss: only the median counter has a final state",
	ResetBlind:          "Reset and Blind: blind spreading learns of no needed contact",
	ResetCoin:           "Reset and Coin: a coin has nothing to reset",
	HuntNoLimit:         "Hunt and Limit: nobody refuses without a limit",
}

// String returns the two settings and the reason.
func (c Conflict) String() string {
	if c >= conflicts {
		return "unknown conflict"
	}
	return conflictText[c]
}

// Check returns the first contradiction in p, or NoConflict.
func (p Policy) Check() Conflict {
	switch {
	case p.K == 0 || p.K == 255:
		return KOutOfRange
	case p.Shape > PushPull:
		return UnknownShape
	case p.Loss > Median:
		return UnknownLoss
	case p.Loss == Median:
		return p.checkMedian()
	case p.Final != 0:
		return FinalNotMedian
	case p.Minimize && p.Blind:
		return MinimizeBlind
	case p.Minimize && p.Loss != Counter:
		return MinimizeNotCounter
	case p.Minimize && p.Shape != PushPull:
		return MinimizeNotPushPull
	case p.Reset && p.Blind:
		return ResetBlind
	case p.Reset && p.Loss == Coin:
		return ResetCoin
	case p.Hunt > 0 && p.Limit == 0:
		return HuntNoLimit
	}
	return NoConflict
}

func (p Policy) checkMedian() Conflict {
	switch {
	case p.Blind:
		return MedianBlind
	case p.Shape != PushPull:
		return MedianNotPushPull
	case p.Reset || p.Minimize:
		return MedianReset
	case p.Final == 0:
		return MedianNoFinal
	case p.Hunt > 0 && p.Limit == 0:
		return HuntNoLimit
	}
	return NoConflict
}
