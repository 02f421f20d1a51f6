package outbox

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/state"
)

// TestEachAdvanceIsTold: an origin that moved is told of once, and again whenever it moves after
// that, from where the last one ended or from below what comes late.
func TestEachAdvanceIsTold(t *testing.T) {
	var b Outbox[int]
	b.Init(2)
	for o := range state.Origin(3) {
		b.Reset(o)
	}
	tell := func(want state.Origin, to, from uint64) {
		t.Helper()
		o, ok := b.Next()
		if !ok || o != want {
			t.Fatalf("told of %d, %v, want %d", o, ok, want)
		}
		if got := b.Tell(o, to); got != from {
			t.Errorf("of %d from %d, want %d", o, got, from)
		}
	}
	none := func() {
		t.Helper()
		if o, ok := b.Next(); ok {
			t.Errorf("told of %d, which did not move", o)
		}
	}
	none()
	for to := uint64(10); to < 50; to += 10 {
		b.Moved(1)
		b.Moved(1)
		tell(1, to, to-10)
		none()
	}
	b.Below(1, 7)
	b.Below(1, 20) // what was told is below that already
	b.Moved(2)
	b.Moved(1)
	tell(1, 50, 6)
	tell(2, 5, 0)
	b.Below(1, 51)
	b.Moved(1)
	tell(1, 60, 50)
	none()
	b.Moved(1)
	b.Init(2)
	none()
}
