package rumor

import "github.com/quidnunc/quidnunc/engine/tune"

// The median-counter rule of Karp, Schindelhauer, Shenker and Vöcking. A node
// that knows a rumor is in state B with an age m >= 1, then in C, then silent
// (D, here: removed). At a round's end a node in B(m) looks at those that it met:
// if one was in C (or already silent) it goes to C; if more of them had an age
// of at least m than below, its age grows by one, and at ctr_max it goes to C.
// C lasts Final rounds. A peer without the rumor counts as age 0.

// met counts a meeting with a peer that shows counter.
func (t *Table) met(r *rumor, counter uint8) {
	if t.policy.Loss != tune.LossMedian {
		return
	}
	switch {
	case counter == Removal:
		r.final = true
	case counter >= r.count:
		up(&r.above)
	default:
		up(&r.below)
	}
}

// median ends a round and tells whether the node falls silent.
func (t *Table) median(r *rumor) bool {
	above, below, final := r.above, r.below, r.final
	r.above, r.below, r.final = 0, 0, false
	if r.count == Removal {
		r.age++
		return r.age >= t.policy.Final
	}
	if above > below {
		r.count++
	}
	if final || r.count >= t.policy.K {
		r.count, r.age = Removal, 0
	}
	return false
}
