package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestANewcomerLeavesAHolderItCanNotReach: who serves nobody yet and is told that a member has its name
// takes no new life over it where that member answers it nothing, however long: it lives for those that
// refuse. Once it ends, the newcomer is let in as it is.
func TestANewcomerLeavesAHolderItCanNotReach(t *testing.T) {
	set := twins(false, map[int]uint64{1: 5, 4: 9})
	w := newNet(t, 4, 41, set)
	w.joinAll()
	w.converge(2 * sched.Second)
	w.linked = func(a, b int) bool { return min(a, b) != 1 || max(a, b) != 4 }
	x := w.start(4, 9, set)
	for range 20 {
		x.core.Join(w.now, addrOf(0))
		w.pump(x)
		w.run(sched.Second)
	}
	if why, ok := x.core.door.Seeds.Why(addrOf(0)); !ok || why.Plain || why.Reason != codec.RefusedName || why.Holder != addrOf(1) {
		t.Errorf("it was told %v, %+v", ok, why)
	}
	if n := x.core.counters.Renewals; n != 0 || x.core.roster.Reach() != 0 || w.nodes[1].core.me.Silenced {
		t.Errorf("%d renewals, it reaches %d", n, x.core.roster.Reach())
	}
	w.nodes[1].down = true
	w.until("it is let in", 30*sched.Second, func() bool { x.core.Join(w.now, addrOf(0)); w.pump(x); return x.core.roster.Reach() > 0 })
	if n := x.core.counters.Renewals; n != 0 || x.core.me.Gen != 9 {
		t.Errorf("let in after %d renewals as generation %d", n, x.core.me.Gen)
	}
}
