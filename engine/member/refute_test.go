package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A refutation is above the accusation, also one of an incarnation that we do not remember.
func TestRefutationIsAboveTheAccusation(t *testing.T) {
	for _, accusation := range []uint32{0, 1, 5, 1000} {
		x, now := alone(t, 10)
		x.accused(*now, codec.Fact{ID: testID(1), Incarnation: accusation, Status: Suspect}, 2)
		if own := x.Incarnation(x.self); key(own, Alive) <= key(accusation, Buried) {
			t.Errorf("accused at %d, refuted at %d", accusation, own)
		}
	}
}

// Who missed that a member left is found by the fingerprint.
func TestLivePrintTellsEveryStatus(t *testing.T) {
	seen := map[uint64]Status{}
	for _, s := range []Status{Suspect, Dead, Left} {
		x, now := alone(t, 10)
		none := x.LivePrint()
		x.set(*now, 3, 0, s, 2)
		if p := x.LivePrint(); p == none {
			t.Errorf("%v adds nothing to the fingerprint", s)
		} else if was, ok := seen[p]; ok {
			t.Errorf("%v and %v have one fingerprint", s, was)
		} else {
			seen[p] = s
		}
	}
}
