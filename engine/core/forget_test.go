package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// TestForgetSpreads: a burial by hand is everywhere within seconds, whichever way state
// spreads, and whoever comes in later hears nothing of the buried.
func TestForgetSpreads(t *testing.T) {
	for name, change := range map[string]func(c *Config){
		"mail":   func(*Config) {},
		"rumor":  func(c *Config) { c.Spread = tune.SpreadRumor },
		"sketch": func(c *Config) { c.Diff = tune.DiffSketch },
		"sealed": func(c *Config) { c.Keys = ringOf(string(c.Cluster), 1) },
	} {
		for _, how := range []string{"dead", "left"} {
			t.Run(name+"/"+how, func(t *testing.T) {
				const n = 10
				cfg := func(_ int, c *Config) { change(c) }
				w := newNet(t, n, 93, cfg)
				w.joinAll()
				w.set(n-1, "k", "v")
				w.converge(10 * sched.Second)
				if how == "left" {
					w.set(n-1, string(declare.LeaveKey), "")
					w.run(sched.Second)
				}
				w.nodes[n-1].down = true
				at := &w.nodes[0].core
				w.until("dead or left", 10*sched.Second, func() bool { return at.live.Status(w.peerOf(0, n-1)) >= member.Dead })
				w.run(3 * sched.Second)
				if !at.Forget(w.now, w.peerOf(0, n-1)) {
					t.Fatalf("not forgotten: %v", at.live.Status(w.peerOf(0, n-1)))
				}
				w.pump(w.nodes[0])
				began := w.now
				w.until("forgotten by all", 5*sched.Second, func() bool {
					for _, d := range w.nodes[:n-1] {
						if m, o := d.known(); m != n-1 || o != n-1 {
							return false
						}
					}
					return true
				})
				t.Logf("after %d ms", (w.now-began)/sched.Millisecond)
				late := w.start(n, 1, cfg)
				late.core.Join(w.now, addrOf(1))
				w.pump(late)
				w.run(5 * sched.Second)
				if m, _ := late.known(); m != n {
					t.Errorf("a newcomer knows %d members of %d", m, n)
				}
			})
		}
	}
}

// TestForgetIsRefusedForTheLiving: who is alive or suspected is not buried; who is dead
// here alone, and is buried here, is told when it is back, takes another life at once,
// and lost nothing.
func TestForgetIsRefusedForTheLiving(t *testing.T) {
	w := newNet(t, 6, 94, nil)
	w.joinAll()
	w.set(5, "k", "v")
	w.converge(5 * sched.Second)
	at := &w.nodes[0].core
	p := w.peerOf(0, 5)
	f := func(want bool) {
		t.Helper()
		if got := at.Forget(w.now, p); got != want {
			t.Fatalf("%v: forgotten %v", at.live.Status(p), got)
		}
	}
	f(false)
	w.linked = func(a, b int) bool { return a != 5 && b != 5 }
	w.until("suspected", 10*sched.Second, func() bool { return at.live.Status(p) == member.Suspect })
	f(false)
	w.until("dead", 10*sched.Second, func() bool { return at.live.Status(p) == member.Dead })
	f(true)
	f(false) // it is nobody now
	p = 0
	f(false)
	w.pump(w.nodes[0])
	w.run(10 * sched.Second)
	gen := w.nodes[5].core.me.Gen
	w.linked = nil
	w.converge(10 * sched.Second)
	if now := w.nodes[5].core.me.Gen; now <= gen || w.nodes[5].core.counters.Renewals != 1 {
		t.Errorf("generation %d after %d, %d renewals", now, gen, w.nodes[5].core.counters.Renewals)
	}
}

// peerOf is the peer of node i that is node k.
func (w *net) peerOf(i, k int) uint32 {
	return w.nodes[i].core.roster.Find(w.nodes[k].core.me.ID)
}
