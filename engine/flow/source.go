package flow

// Load is what one direction of an exchange showed.
type Load uint8

// The loads. Even is a set of exactly the limit: it is neither.
const (
	Even Load = iota
	Slack
	Over
)

// LoadOf compares the size of a candidate set, before truncation, to the limit.
func LoadOf(set, limit int) Load {
	switch {
	case set > limit:
		return Over
	case set < limit:
		return Slack
	default:
		return Even
	}
}

// Source is the rate of the origin that this node writes. Rates are in the
// caller's unit a second: bytes, or thousandths of an entry. One writer.
type Source struct {
	plan   Plan
	rho    uint32 // desired, clamped to the limit
	used   uint32 // published lately
	first  uint32 // allowed at the start
	tau    uint32 // allowed
	median uint32 // of the rates that wanting peers told
	met    bool   // median has a first sample
	free   bool   // no congestion yet: not held back
	over   uint8  // overflowing exchanges in a row
	slack  uint8  // exchanges in a row with room
	calm   uint16 // exchanges since the last that overflowed

	Cuts, Raises uint64 // how often τ was lowered and raised by AIMD
	Clamped      uint64 // absurd values that peers told
	Spilled      uint64 // rate that was given to us and lost: above the limit, or while free

	raised, lowered uint64 // by AIMD, in all
	given, taken    uint64 // to peers and from them, in all
}

// Ledger is where the rate of a source came from and went since it began, for checks:
// Start + Raised + Taken = Rate + Lowered + Given + Spilled.
type Ledger struct{ Start, Rate, Raised, Lowered, Taken, Given, Spilled uint64 }

// Ledger sums the source up.
func (s *Source) Ledger() Ledger {
	return Ledger{
		Start: uint64(s.first), Rate: uint64(s.tau), Raised: s.raised, Lowered: s.lowered,
		Taken: s.taken, Given: s.given, Spilled: s.Spilled,
	}
}

// Init starts a source by its plan.
func (s *Source) Init(p Plan) {
	first := min(p.Start, p.Limit)
	*s = Source{plan: p, first: first, tau: first, free: p.Free}
}

// SetLimit changes the cap on τ, for a limit on exchanges that changes.
func (s *Source) SetLimit(limit uint32) { s.plan.Limit = limit }

// Want says what the writer used lately and what it would like.
func (s *Source) Want(used, desired uint32) {
	s.used = min(used, s.plan.Limit)
	s.rho = min(desired, s.plan.Limit)
}

// Free reports whether the source is not held back.
func (s *Source) Free() bool { return s.free }

// Rates are ρ and τ as peers are told: a free source tells [RateMax].
func (s *Source) Rates() Rates { return Rates{Rho: s.rho, Tau: s.Allowed()} }

// Allowed is the rate at which the writer may publish.
func (s *Source) Allowed() uint32 {
	if s.free {
		return RateMax
	}
	return s.tau
}

// Exchange is the paper's local adaptation, after one exchange. It does nothing
// while there is no wish to write: τ should not grow from idleness.
func (s *Source) Exchange(sent, received Load) {
	s.calm = min(s.calm+1, 1<<15)
	switch {
	case sent == Over || received == Over:
		s.calm, s.slack = 0, 0
		if s.over++; s.over >= s.plan.Over {
			s.over = 0
			s.cut()
		}
	case sent == Slack && received == Slack:
		s.over = 0
		if s.slack++; s.slack >= s.plan.Slack {
			s.slack = 0
			s.raise()
		}
	}
}

func (s *Source) cut() {
	from := s.tau
	if s.free {
		s.free, from = false, s.used
	} else if s.plan.Free {
		from = min(from, max(s.used, s.tau/2)) // what is not used is no evidence
	}
	s.adapt(max(uint32(uint64(from)*alphaNum/alphaDen), s.plan.Floor))
	s.Cuts++
}

// adapt changes τ for better or worse, and notes by how much.
func (s *Source) adapt(tau uint32) {
	if tau > s.tau {
		s.raised += uint64(tau - s.tau)
	} else {
		s.lowered += uint64(s.tau - tau)
	}
	s.tau = tau
}

func (s *Source) raise() {
	if s.free || s.rho == 0 && !s.plan.Free {
		return
	}
	if s.plan.Free && s.calm >= calmFree && uint64(s.rho)*2 <= uint64(s.tau) {
		s.free = true
		return
	}
	up := uint64(s.tau) + uint64(s.plan.Beta)
	if s.plan.Grow > 0 {
		up += uint64(s.tau >> s.plan.Grow)
	}
	s.adapt(max(s.tau, uint32(min(up, uint64(s.plan.Limit)))))
	s.Raises++
}
