package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func TestTwoNodesMeet(t *testing.T) {
	w := newNet(t, 2, 1, nil)
	w.set(0, "a", "1")
	w.set(1, "b", "2")
	w.joinAll()
	d := w.converge(2 * sched.Second)
	t.Logf("met after %d µs, %d frames", d/sched.Microsecond, w.frames)
	w.set(0, "a", "3")
	d = w.converge(sched.Second)
	if d > 5*sched.Millisecond {
		t.Errorf("a write took %d µs", d/sched.Microsecond)
	}
}

func TestManyNodesMeet(t *testing.T) {
	for _, n := range []int{3, 16, 64} {
		w := newNet(t, n, uint64(n), nil)
		for i := range n {
			w.set(i, "k", fmt.Sprint(i))
		}
		w.joinAll()
		d := w.converge(20 * sched.Second)
		t.Logf("%d nodes met after %d ms, %d frames", n, d/sched.Millisecond, w.frames)
	}
}

func TestModesAndOrders(t *testing.T) {
	for _, spread := range []tune.Spread{tune.SpreadAuto, tune.SpreadRumor, tune.SpreadGossip} {
		for _, mode := range []tune.Mode{tune.ModePushPull, tune.ModePush, tune.ModePull} {
			for _, order := range []tune.Order{tune.OrderFair, tune.OrderDepth, tune.OrderBreadth} {
				t.Run(fmt.Sprint(spread, mode, order), func(t *testing.T) {
					levelsOverLoss(t, func(c *Config) { c.Spread, c.Mode, c.Order = spread, mode, order })
				})
			}
		}
	}
}

func TestTopologiesConvergeByRelay(t *testing.T) {
	for name, linked := range map[string]func(a, b int) bool{
		"line": func(a, b int) bool { return a-b == 1 || b-a == 1 },
		"star": func(a, b int) bool { return a == 0 || b == 0 },
		"ring of cliques": func(a, b int) bool {
			return a/3 == b/3 || a%3 == 0 && b%3 == 0 && (a/3-b/3+4)%4%2 == 1
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newNet(t, 12, 3, nil)
			w.linked = linked
			for i, d := range w.nodes {
				for j := range w.nodes {
					if i != j && linked(i, j) {
						d.core.Join(w.now, addrOf(j))
					}
				}
				w.pump(d)
			}
			for i := range w.nodes {
				w.set(i, "k", fmt.Sprint(i))
			}
			d := w.converge(60 * sched.Second)
			t.Logf("%d ms", d/sched.Millisecond)
			w.set(0, "k", "news")
			d = w.converge(60 * sched.Second)
			t.Logf("news %d ms", d/sched.Millisecond)
		})
	}
}

func TestRestart(t *testing.T) {
	for _, gen := range []uint64{2, 1} { // a higher generation, and the same one again (a lost clock)
		t.Run(fmt.Sprint(gen), func(t *testing.T) {
			w := newNet(t, 5, 11, nil)
			w.joinAll()
			for i := range w.nodes {
				w.set(i, "k", fmt.Sprint(i))
				w.set(i, "old", "x")
			}
			w.converge(5 * sched.Second)
			w.start(2, gen, nil)
			w.nodes[2].core.Join(w.now, addrOf(0))
			w.set(2, "k", "again")
			d := w.converge(20 * sched.Second)
			t.Logf("%d ms, generation %d", d/sched.Millisecond, w.nodes[2].core.me.Gen)
			if w.nodes[2].core.me.Gen <= 1 {
				t.Error("generation did not grow")
			}
		})
	}
}
