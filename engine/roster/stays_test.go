package roster

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestWhoStaysHasNotLeft: whoever refutes that it leaves, as somebody had said of it, has not left,
// from whichever phase; who said so itself has.
func TestWhoStaysHasNotLeft(t *testing.T) {
	var r Roster
	r.Init(Limits{Handles: 8, Seats: 8, Candidates: 8, Pick: 4}, new(sched.Rand))
	for from := Named; from < phases; from++ {
		for _, itself := range []bool{false, true} {
			p, l := r.Take(), Free
			r.become(p, &l, from)
			r.BecomeStaying(p, &l, itself)
			switch {
			case !itself && l.Left():
				t.Errorf("%d: refutes that it leaves, and is %d, which left", from, l)
			case (itself || !from.Left()) && l != from:
				t.Errorf("%d: said so itself (%v), and is %d", from, itself, l)
			}
			r.BecomeFree(p, &l)
		}
	}
}
