package core

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/engine/reconcile"
)

func TestSizesInTheFootprint(t *testing.T) {
	f := func(name string, is uintptr, says int) {
		t.Helper()
		if int(is) > says || int(is)*3 < says*2 {
			t.Errorf("%s has %d bytes, the footprint counts %d", name, is, says)
		}
	}
	f("peer", unsafe.Sizeof(peer{}), peerBytes)
	f("origin", unsafe.Sizeof(origin{}), originBytes)
	f("event", unsafe.Sizeof(Event{}), eventBytes)
	f("want", unsafe.Sizeof(reconcile.Want{}), wantBytes)
	d := DefaultLimits()
	t.Logf("default limits: %d MiB, of which state %d MiB", d.Footprint()>>20, d.State.Footprint()>>20)
}
