package walk

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// A successor that was repaired and died before it confirmed: the next one
// is repaired first, and the hop counts once.
func TestSuccessorDiesBeforeItConfirms(t *testing.T) {
	var w Walker
	w.Init(1)
	ring := []codec.OriginID{1, 2, 3, 4}
	if !w.Start(9, ring, 0, 1000) {
		t.Fatal("not started")
	}
	if w.Repairs(0, ring) != 2 {
		t.Fatal("successor")
	}
	w.Repaired(0, 1, 0, 5)
	if tok, passing := w.Passing(0); !passing || tok.Hop != 1 {
		t.Fatal("not passing")
	}
	if !w.Missed(0, ring) {
		t.Fatal("given up")
	}
	tok, passing := w.Passing(0)
	if passing || tok.Hop != 0 || w.Repairs(0, ring) != 3 {
		t.Errorf("passing %v, hop %d, next %d: 3 gets the token without repair", passing, tok.Hop, w.Repairs(0, ring))
	}
}
