package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestWhoIsSaidToLeaveStays: somebody else's word that a member left takes it out for a moment; it
// refutes, as of its death, and is a partner of all again: what it writes and misses goes on.
func TestWhoIsSaidToLeaveStays(t *testing.T) {
	for _, c := range []struct {
		name   string
		silent sched.Instant // so long it neither hears nor is heard, from then on
	}{{"it answers", 0}, {"it is silent for a while", 8 * sched.Second}} {
		w := village(t, 6, 131, nil)
		if c.silent > 0 {
			w.filter = func(from, to *node, _ []byte) bool { return from != w.nodes[3] && to != w.nodes[3] }
		}
		for i := range w.nodes {
			if i != 3 && i != 1 {
				w.claim(1, i, 3, 2, member.Left)
			}
		}
		if w.statusOf(0, 3) != member.Left {
			t.Fatalf("%s: the word is not believed: %v", c.name, w.statusOf(0, 3))
		}
		w.run(c.silent)
		w.filter = nil
		w.until(c.name+": it is a partner of all again", 30*sched.Second, func() bool {
			for i := range w.nodes {
				if i != 3 && (w.statusOf(i, 3) != member.Alive || !w.nodes[i].core.peers[w.peer(i, 3)].Open()) {
					return false
				}
			}
			return true
		})
		w.set(3, "mine", "after")
		w.set(0, "theirs", "after")
		w.converge(5 * sched.Second)
	}
}
