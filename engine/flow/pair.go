package flow

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Rates are the desired and the allowed rate of a node.
type Rates struct{ Rho, Tau uint32 }

// Share is the paper's redistribution: it divides τp+τq between two nodes. The
// sum is exact; an odd unit stays with p.
func Share(p, q Rates) (tauP, tauQ uint32) {
	sum := uint64(p.Tau) + uint64(q.Tau)
	want := uint64(p.Rho) + uint64(q.Rho)
	var tau uint64
	switch {
	case want <= sum: // both fit: each has its own and half of what is left
		tau = uint64(p.Rho) + (sum-want+1)/2
	case 2*uint64(p.Rho) >= sum && 2*uint64(q.Rho) >= sum:
		tau = (sum + 1) / 2
	case 2*uint64(p.Rho) < sum:
		tau = uint64(p.Rho)
	default:
		tau = sum - uint64(q.Rho)
	}
	return uint32(tau), uint32(sum - tau)
}

// Pair is the ledger with one peer: what this side gave since the two met, and
// what it took. Both only grow. The zero value is two nodes that never met.
type Pair struct {
	given, taken int64
	next         sched.Instant // the peer counts as met again from then on
	below        sched.Instant // since then the peer has told less than it gave; 0: it tells all
}

// anewAfter is how long a peer tells less than it gave before it counts as one that has forgotten
// us: what a path held back may come in its order, and look new, behind many later frames.
const anewAfter = 10 * sched.Second

// Given is what this side gave.
func (p *Pair) Given() int64 { return p.given }

// Taken is what it took of what the other side gave.
func (p *Pair) Taken() int64 { return p.taken }

// Tell fills the header block for the peer.
func (s *Source) Tell(p *Pair, h *codec.Rates, overflow bool) {
	r := s.Rates()
	*h = codec.Rates{Rho: r.Rho, Tau: r.Tau, Given: p.given, Taken: p.taken, Overflow: overflow}
}

// Meet takes what a frame of the peer says. fresh means that no later frame of
// it was seen. peers is how many there are, interval the time between the
// exchanges that a node starts. It reports whether the peer should be told
// soon: it was given something, or has something to give and does not know.
func (s *Source) Meet(now sched.Instant, p *Pair, h *codec.Rates, fresh bool, peers int, interval sched.Instant) (tell bool) {
	s.take(now, p, h, fresh)
	if !fresh || s.free || h.Tau >= RateMax {
		return false // a free node neither gives nor needs
	}
	q := s.claim(p, h)
	own := s.Rates()
	keep, theirs := Share(own, q)
	due, least := now >= p.next, s.median
	if due {
		p.next = now.After(interval * sched.Instant(peers/spanShare))
		if q.Rho >= q.Tau {
			s.learn(q.Tau)
		}
	}
	if keep >= own.Tau {
		return keep-own.Tau > own.Tau/8 // it should give: it has to know our rates
	}
	if own.Rho > keep {
		keep = max(keep, least)
	}
	theirs = min(theirs, s.plan.Limit)
	if theirs <= q.Tau || keep >= own.Tau || !due {
		return false
	}
	d := min(own.Tau-keep, theirs-q.Tau)
	s.tau -= d
	p.given += int64(d)
	s.given += uint64(d)
	return true
}

// take credits what the peer gave since the last frame that told.
func (s *Source) take(now sched.Instant, p *Pair, h *codec.Rates, fresh bool) {
	d := h.Given - p.taken
	switch {
	case d < 0 && !fresh:
		return // an old frame
	case d < 0 && p.below == 0:
		p.below = max(1, now)
		return // and so may this be
	case d < 0 && now-p.below < anewAfter:
		return
	case d < 0: // it began its ledger again
		p.taken, p.below = max(0, h.Given), 0
		s.Clamped++
		return
	}
	switch p.below = 0; {
	case d == 0:
		return
	case d > int64(s.plan.Limit):
		s.Clamped++
		d = int64(s.plan.Limit)
	}
	p.taken = h.Given
	s.taken += uint64(d)
	if s.free {
		s.Spilled += uint64(d)
		return
	}
	sum := uint64(s.tau) + uint64(d)
	if top := max(s.tau, s.plan.Limit); sum > uint64(top) {
		s.Spilled += sum - uint64(top)
		sum = uint64(top)
	}
	s.tau = uint32(sum)
}

// claim is what the peer has by its own word, with what is still on its way to
// it. Nothing in it is believed beyond the limit.
func (s *Source) claim(p *Pair, h *codec.Rates) Rates {
	limit := s.plan.Limit
	way := p.given - h.Taken
	if h.Rho > limit || h.Tau > limit || way < 0 || h.Taken < 0 {
		s.Clamped++
	}
	way = min(max(way, 0), int64(limit))
	return Rates{Rho: min(h.Rho, limit), Tau: uint32(min(uint64(min(h.Tau, limit))+uint64(way), uint64(limit)))}
}

// learn moves the median of the rates that wanting peers told, a small step up
// or down: how far off a single claim is makes no difference.
func (s *Source) learn(tau uint32) {
	step := max(tau, s.median) >> medianShift
	switch {
	case !s.met:
		s.met, s.median = true, tau
	case tau > s.median:
		s.median += min(step, tau-s.median)
	default:
		s.median -= min(step, s.median-tau)
	}
}
