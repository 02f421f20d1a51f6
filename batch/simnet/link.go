package simnet

import "github.com/quidnunc/quidnunc/sched"

// Chance is a probability of Chance / 2^32. The zero value never happens and
// draws nothing.
type Chance uint32

// Always is as close to one as a Chance comes.
const Always Chance = 1<<32 - 1

// Probability is p as a Chance, clamped to what one can be.
func Probability(p float64) Chance {
	switch {
	case !(p > 0): // not a number is no chance
		return 0
	case p >= 1:
		return Always
	}
	return Chance(p * (1 << 32))
}

// Float is the chance as a number from 0 to 1.
func (c Chance) Float() float64 { return float64(c) / (1 << 32) }

func (c Chance) draw(r *sched.Rand) bool { return c != 0 && r.Chance(uint32(c)) }

// Burst makes losses come together (Gilbert 1960, Elliott 1963): each path is
// in a good or a bad state, changes it before a datagram with the chance Enter
// or Leave, and loses in the bad state with the chance Loss. The share of time
// in the bad state is Enter / (Enter + Leave), its mean length 1 / Leave
// datagrams.
type Burst struct{ Enter, Leave, Loss Chance }

// Link is what happens on a path. The zero value is perfect and takes no time.
type Link struct {
	Delay     Delay
	Loss      Chance // of each datagram by itself
	Burst     Burst
	Duplicate Chance        // a second copy arrives, with a delay of its own
	Reorder   Chance        // it is held back by up to HoldMax, so that later ones overtake
	HoldMax   sched.Instant //
	Corrupt   Chance        // one bit of the payload turns over
	MTU       int           // longer payloads vanish without a word; 0: none do
}

// Set is a set of nodes; nil holds all.
type Set []uint64

// SetOf is the set of the given nodes.
func SetOf(nodes ...int) Set {
	s := Set{} // not nil: that would be everybody
	for _, n := range nodes {
		for n/64 >= len(s) {
			s = append(s, 0)
		}
		s[n/64] |= 1 << (n % 64)
	}
	return s
}

// Has tells whether the node is in the set.
func (s Set) Has(n int) bool {
	return s == nil || n/64 < len(s) && s[n/64]&(1<<(n%64)) != 0
}

// Rule lays something over the paths from the nodes in From to those in To.
type Rule struct {
	From, To Set
	Both     bool // and over the ways back
	Cut      bool // nothing passes
	Clog     bool // what is sent before Until arrives after it
	Until    sched.Instant
	Link     Link // in addition to the base: its delay is added, its chances are drawn too
}

// covers tells whether the rule is about this path.
func (r *Rule) covers(from, to int) bool {
	return r.From.Has(from) && r.To.Has(to) || r.Both && r.From.Has(to) && r.To.Has(from)
}

// ChargedBytes is about what the Linux kernel counts against a receive buffer
// for a datagram of n bytes: the payload's block and the buffer's own head.
func ChargedBytes(n int) int {
	const head, least = 256, 512
	block := least
	for block < n+64 {
		block *= 2
	}
	return block + head
}
