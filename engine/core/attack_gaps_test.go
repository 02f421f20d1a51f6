package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestGapsOfTheGoneAreGivenUp: a hole that was shown by somebody who cannot be
// asked any more, and that nobody else can fill, does not keep its place, nor
// the loop awake.
func TestGapsOfTheGoneAreGivenUp(t *testing.T) {
	for _, others := range []int{1, 3} {
		w := newNet(t, 1+others, 59, nil)
		w.joinAll()
		w.set(0, "k", "v")
		w.converge(5 * sched.Second)
		c := &w.nodes[0].core
		o := c.store.Find(w.nodes[1].core.me.ID)
		p := c.roster.Find(w.nodes[1].core.me.ID)
		c.silent(p)
		c.gaps.Found(c.now, o, p, 99)
		w.nodes[0].wake = c.Deadline()
		for i := range w.nodes {
			w.nodes[i].down = i > 0
		}
		w.run(5 * sched.Second)
		if c.wheel.Armed(timerGaps) {
			t.Errorf("%d others: still chased after five seconds: %+v", others, c.origins[o])
		}
	}
}
