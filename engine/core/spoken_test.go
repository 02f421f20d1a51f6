package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// TestAwakenedBurialSpreads: a member that all have buried and only the sites of its grave remember
// meets one of the others, which let it in, and dies. The sites tell whoever speaks of it, so that
// all bury it long before its age as a dead one is over.
func TestAwakenedBurialSpreads(t *testing.T) {
	const n = 10
	w := newNet(t, n, 79, func(_ int, c *Config) {
		c.Detector = member.LAN()
		c.Detector.DeadAge, c.Detector.LeftAge, c.Detector.GraveAge = 100*sched.Second, 2*sched.Second, 10*sched.Second
	})
	w.joinAll()
	w.set(n-1, "mine", "old")
	w.converge(5 * sched.Second)
	d := w.nodes[n-1]
	old := d.core.me.ID
	d.down = true
	w.run(125 * sched.Second)
	site := make([]bool, n)
	sites := 0
	for _, x := range w.nodes[:n-1] {
		if x.core.store.Find(old) != 0 {
			t.Fatalf("node %d has not buried it", x.i)
		}
		if site[x.i] = x.core.graves.Has(w.now, old); site[x.i] {
			sites++
		}
	}
	if sites == 0 || sites > names.Sites {
		t.Fatalf("%d members remember it", sites)
	}
	w.run(11 * sched.Second) // to ask has woken the graves
	w.filter = func(from, to *node, _ []byte) bool { return from != d && to != d || !site[from.i] && !site[to.i] }
	d.down = false
	has := func() (k int) {
		for _, x := range w.nodes[:n-1] {
			if x.core.store.Find(old) != 0 {
				k++
			}
		}
		return k
	}
	w.until("somebody has let it in", 90*sched.Second, func() bool { return has() > 0 })
	d.down = true
	w.until("all have buried it again", 30*sched.Second, func() bool { return has() == 0 })
}
