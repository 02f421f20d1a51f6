package rumor

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// Kind is what an answer says about an offered window, as it stands on the wire.
type Kind = codec.FeedbackKind

// The kinds by their short names.
const (
	Needed  = codec.FeedbackNeeded
	Known   = codec.FeedbackKnown
	Gap     = codec.FeedbackGap
	Refused = codec.FeedbackRefused
	Shown   = codec.FeedbackShown
)

// Effect is what an answer did to a rumor.
type Effect uint8

// The effects of an answer.
const (
	Ignored Effect = iota // cold, another version, or nothing was open
	Counted               // taken into account
	Cooled                // taken, and the rumor is removed now (Immediate only)
)

// Feedback takes peer's answer to an offer of o up to hi. An answer counts only
// for the version that is hot and only against an offer that was sent (Sent):
// late, repeated and invented answers are Ignored. A gap counts as needed;
// filling it is the caller's matter.
func (t *Table) Feedback(o uint32, hi uint64, peer uint32, kind Kind, counter uint8) Effect {
	r := &t.rumors[o]
	if r.at == 0 || hi != r.hi || r.open == 0 {
		return Ignored
	}
	r.open--
	switch kind {
	case Needed, Gap:
		t.met(r, 0)
		up(&r.need)
	case Known:
		t.met(r, counter)
		if !t.policy.Minimize || r.count <= counter {
			up(&r.idle)
		}
	default: // refused: the contact did not happen
		return Ignored
	}
	if kind != Gap {
		r.note(peer)
	}
	if t.policy.Immediate && !t.policy.Blind && t.policy.Loss != tune.LossMedian && t.settle(r) {
		t.cool(o)
		return Cooled
	}
	return Counted
}

// Shown takes the counter that peer showed for its own window of o up to hi: a
// meeting of two that both know it, seen from the side that did not offer. In
// push-pull it was in vain for both, so it counts here as well; minimization
// counts it only on the side with the smaller counter.
func (t *Table) Shown(o uint32, hi uint64, peer uint32, counter uint8) {
	r := &t.rumors[o]
	if r.at == 0 || hi != r.hi {
		return
	}
	r.note(peer)
	t.met(r, counter)
	if t.policy.Shape == tune.ShapePushPull && (!t.policy.Minimize || r.count <= counter) {
		up(&r.idle)
	}
}

// CycleEnd ends a cycle: all answers of it take effect together, what has lost
// interest is removed, and the connection limit starts over. O(hot).
func (t *Table) CycleEnd() {
	t.accepted = 0
	for i := len(t.hot) - 1; i >= 0; i-- { // from the end: cool moves the last one
		o := t.hot[i]
		r := &t.rumors[o]
		if t.settle(r) || t.blinded(r) || t.aged(r) {
			t.cool(o)
		}
	}
}

// settle judges the collected answers and tells whether interest is lost.
func (t *Table) settle(r *rumor) bool {
	need, idle := r.need, r.idle
	r.need, r.idle = 0, 0
	switch {
	case t.policy.Loss == tune.LossMedian:
		return t.median(r)
	case t.policy.Blind:
		return false
	case t.policy.Shape == tune.ShapePull && need > 0: // the footnote to Table 3
		r.count = 0
		return false
	case t.policy.Shape == tune.ShapePull:
		idle = min(idle, 1)
	case t.policy.Reset && need > 0:
		r.count = 0
		return false
	}
	for ; idle > 0; idle-- {
		if t.policy.Loss == tune.LossCoin {
			if t.coin(t.policy.K) {
				return true
			}
			continue
		}
		if r.count++; r.count >= t.policy.K {
			return true
		}
	}
	return false
}

// blinded judges a cycle of blind spreading.
func (t *Table) blinded(r *rumor) bool {
	if !t.policy.Blind {
		return false
	}
	if t.policy.Loss == tune.LossCoin {
		return t.coin(t.policy.K)
	}
	r.age++
	r.count = r.age
	return r.age >= t.policy.K
}

// aged drops the older half of a window that stayed hot for Age cycles, so that
// an origin that never stops writing does not keep all of its history hot.
func (t *Table) aged(r *rumor) bool {
	if t.policy.Age == 0 {
		return false
	}
	if r.old++; r.old < t.policy.Age {
		return false
	}
	r.old = 0
	r.lo, r.mark = r.mark, r.hi
	return r.lo == r.hi
}

// up counts without wrapping.
func up(n *uint16) {
	if *n < 1<<16-1 {
		*n++
	}
}
