package core

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/protect"
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

// TestFootprintGrowsByWhatIsTaken: each limit that is raised adds what its things take, no less, and no
// more than a half again.
func TestFootprintGrowsByWhatIsTaken(t *testing.T) {
	of := func(change func(l *Limits)) int {
		l := DefaultLimits()
		l.Peers, l.Active, l.Jobs, l.Wants, l.Events, l.Gaps = 1000, 100, 100, 100, 1000, 1000
		change(&l)
		return l.Footprint()
	}
	before := of(func(*Limits) {})
	f := func(what string, least int, change func(l *Limits)) {
		t.Helper()
		if more := of(change) - before; more < least || more > 2*least {
			t.Errorf("%s: the footprint grows by %d, it takes %d", what, more, least)
		}
	}
	f("100 jobs", 100*100*wantBytes, func(l *Limits) { l.Jobs += 100 })
	f("100 wants a job", 100*100*wantBytes, func(l *Limits) { l.Wants += 100 })
	f("1,000 events", 1000*eventBytes, func(l *Limits) { l.Events += 1000 })
	f("1,000 gaps", 1000*4, func(l *Limits) { l.Gaps += 1000 })
	least := peerBytes + protect.LifeBytes + checkpoint.PeerBytes + 2*2*12 + 16 + 8 + 5 + member.RingBytes(1000)/1000 + link.ActiveBytes + flow.ActiveBytes + checkpoint.ActiveBytes
	f("1,000 peers", 1000*least, func(l *Limits) { l.Peers += 1000 })
	f("500 active ones", 500*protect.ActiveBytes, func(l *Limits) { l.Active += 500 })
}
