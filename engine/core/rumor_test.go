package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func policies() map[string]tune.RumorPolicy {
	all := map[string]tune.RumorPolicy{
		"default":         rumor.Default(),
		"median":          tune.Karp(32),
		"minimize":        {Shape: tune.ShapePushPull, Minimize: true, K: 2},
		"limit":           {K: 2, Fanout: 2, Limit: 1},
		"hunting":         {K: 2, Fanout: 2, Limit: 1, Hunt: tune.HuntForever},
		"redistribute":    {K: 1, Blind: true, Redistribute: true},
		"immediate reset": {K: 2, Immediate: true, Reset: true},
	}
	for _, s := range []tune.Shape{tune.ShapePush, tune.ShapePull, tune.ShapePushPull} {
		for _, l := range []tune.Loss{tune.LossCounter, tune.LossCoin} {
			for _, blind := range []bool{false, true} {
				p := tune.RumorPolicy{Shape: s, Loss: l, Blind: blind, K: 3, Fanout: 2}
				all[fmt.Sprintf("shape %d loss %d blind %v", s, l, blind)] = p
			}
		}
	}
	return all
}

// TestEveryRumorPolicySpreadsOnTheEngine: each variation runs on real cores,
// reaches most nodes before anti-entropy has a turn, goes cold again, and with
// loss everything still arrives.
func TestEveryRumorPolicySpreadsOnTheEngine(t *testing.T) {
	for name, p := range policies() {
		t.Run(name, func(t *testing.T) {
			const n = 16
			w := newNet(t, n, 8, func(_ int, c *Config) {
				c.Spread, c.Rumor, c.Interval = tune.SpreadRumor, p, sched.Second
			})
			w.joinAll()
			for i := range n {
				w.set(i, "k", fmt.Sprint(i))
			}
			w.converge(60 * sched.Second)
			w.run(5 * sched.Second)
			if p.Shape == tune.ShapePull {
				w.run(sched.Second)
			}
			w.set(3, "k", "news")
			w.run(300 * sched.Millisecond)
			o, reached := w.nodes[3].core.me.ID, 0
			for _, d := range w.nodes {
				if d.core.store.Max(d.core.store.Find(o)) == w.nodes[3].version {
					reached++
				}
			}
			t.Logf("after 300 ms %d of %d", reached, n)
			if p.Shape != tune.ShapePull && p.Limit == 0 && reached < n/2 {
				t.Errorf("reached %d", reached)
			}
			w.loss = 0.2
			for k := range 40 {
				w.set(k%n, "k", fmt.Sprint("v", k))
				w.run(5 * sched.Millisecond)
			}
			w.loss = 0
			w.converge(120 * sched.Second)
			w.run(20 * sched.Second)
			for _, d := range w.nodes {
				if h := d.core.rumors.Hot(); h > 0 {
					t.Errorf("node %d still has %d hot rumors", d.i, h)
				}
				if d.core.rumors.Owed() != 0 {
					t.Errorf("node %d still owes %d contacts", d.i, d.core.rumors.Owed())
				}
			}
		})
	}
}
