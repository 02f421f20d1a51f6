package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// statusOf is what node i believes of node j.
func (w *net) statusOf(i, j int) member.Status {
	c := &w.nodes[i].core
	return c.Parts().Detector.Status(c.roster.Find(w.nodes[j].core.me.ID))
}

// until runs until cond holds and returns how long that took.
func (w *net) until(what string, limit sched.Instant, cond func() bool) sched.Instant {
	w.t.Helper()
	for start := w.now; w.now < start+limit; w.run(sched.Millisecond) {
		if cond() {
			return w.now - start
		}
	}
	w.t.Fatalf("%s: not within %d ms", what, limit/sched.Millisecond)
	return 0
}

func TestCrashIsNoticed(t *testing.T) {
	for _, n := range []int{2, 3, 5, 16, 64} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			w := newNet(t, n, uint64(n), nil)
			w.joinAll()
			w.converge(5 * sched.Second)
			w.run(sched.Second)
			w.nodes[1].down = true
			d := w.until("all agree that it is dead", 10*sched.Second, func() bool {
				for i := range w.nodes {
					if i != 1 && w.statusOf(i, 1) != member.Dead {
						return false
					}
				}
				return true
			})
			t.Logf("%d nodes: %d ms", n, d/sched.Millisecond)
			if n > 3 && d > 3*sched.Second {
				t.Errorf("took %d ms", d/sched.Millisecond)
			}
			for i := range w.nodes {
				for j := range w.nodes {
					if i != 1 && j != 1 && i != j && w.statusOf(i, j) != member.Alive {
						t.Errorf("node %d believes node %d to be %v", i, j, w.statusOf(i, j))
					}
				}
			}
			w.nodes[1].down = false
			d = w.until("it is back", 40*sched.Second, func() bool {
				for i := range w.nodes {
					if i != 1 && w.statusOf(i, 1) != member.Alive {
						return false
					}
				}
				return true
			})
			t.Logf("back after %d ms", d/sched.Millisecond)
			w.set(1, "k", "again")
			w.converge(5 * sched.Second)
		})
	}
}

func TestPartitionHealsByItself(t *testing.T) {
	w := newNet(t, 20, 5, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.linked = func(a, b int) bool { return a/10 == b/10 }
	for i := range w.nodes {
		w.set(i, "during", fmt.Sprint(i))
	}
	w.run(30 * sched.Second)
	if s := w.statusOf(0, 15); s != member.Dead {
		t.Errorf("across the cut: %v", s)
	}
	w.linked = nil
	d := w.until("healed", 60*sched.Second, func() bool {
		for i := range w.nodes {
			for j := range w.nodes {
				if i != j && w.statusOf(i, j) != member.Alive {
					return false
				}
			}
		}
		return w.equal()
	})
	t.Logf("healed after %d ms", d/sched.Millisecond)
}
