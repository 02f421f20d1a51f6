package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// What kernels say of a closed port makes a death known at once; what is said of
// the port of a living member, to whomever, costs it nothing.
func TestRefusedAddressIsFoundDead(t *testing.T) {
	w := newNet(t, 10, 21, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	w.nodes[1].down = true
	d := w.until("all agree that it is dead", sched.Second, func() bool {
		all := true
		for i, n := range w.nodes {
			if i == 1 {
				continue
			}
			n.core.Refused(w.now, addrOf(1)) // that it ended
			n.core.Refused(w.now, addrOf(2)) // a lie
			all = all && w.statusOf(i, 1) == member.Dead
		}
		return all
	})
	if d > 600*sched.Millisecond {
		t.Errorf("took %d ms", d/sched.Millisecond)
	}
	for i := range w.nodes {
		if i != 1 && i != 2 && w.statusOf(i, 2) != member.Alive {
			t.Errorf("node %d believes node 2 to be %v", i, w.statusOf(i, 2))
		}
	}
}
