package checkpoint

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/engine/active"
)

func TestActiveBytes(t *testing.T) {
	if n := unsafe.Sizeof(said{}) + active.PartBytes; n != ActiveBytes {
		t.Errorf("what one was told takes %d bytes", n)
	}
	if n := unsafe.Sizeof(active.Ticket{}); n != PeerBytes {
		t.Errorf("a ticket takes %d", n)
	}
}

// TestWhatAnotherLifeWasTold: a member that lives anew, or another one with the handle of one that went,
// was told nothing: it gets the checkpoint at once, and until then nobody counts on what it looked up.
func TestWhatAnotherLifeWasTold(t *testing.T) {
	x := newDesk()
	x.write("k", "v", "v")
	w := &x.owner.word
	if len(w.Ride(x.buf[:0], x.page())) == 0 || w.Said(1) != 1 {
		t.Fatalf("it was told of version %d", w.Said(1))
	}
	x.owner.lives++
	if w.Said(1) != 0 {
		t.Errorf("another life counts as told of version %d", w.Said(1))
	}
	if len(w.Ride(x.buf[:0], x.page())) == 0 || w.Said(1) != 1 {
		t.Errorf("another life is not told: %d", w.Said(1))
	}
}

// TestWhoeverIsForgottenIsToldAgain: where more peers are told than are kept, each that is met again gets
// the checkpoint, and those that are met often get it once.
func TestWhoeverIsForgottenIsToldAgain(t *testing.T) {
	x := newDesk()
	x.write("k", "v", "v")
	w := &x.owner.word
	w.said.Init(2)
	ride := func(p uint32) bool {
		x.now++
		g := x.page()
		g.Peer = p
		return len(w.Ride(x.buf[:0], g)) > 0
	}
	for range 3 {
		for p := uint32(1); p < 4; p++ {
			if !ride(p) || ride(p) || w.Said(p) != 1 {
				t.Errorf("peer %d is not told once", p)
			}
		}
	}
	if w.Said(1) != 0 || w.Said(2) != 1 || w.Said(3) != 1 {
		t.Errorf("told: %d %d %d", w.Said(1), w.Said(2), w.Said(3))
	}
}
