package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// Once members have said in which zones they are, all agree who watches whom: each is watched by
// as many as before, about half of whom are of its own zone, and a death is noticed as soon.
func TestObserversPreferTheZone(t *testing.T) {
	const n, zones, dead = 24, 3, 5
	w := newNet(t, n, 17, func(_ int, c *Config) { c.Interval = sched.Second })
	w.joinAll()
	for i := range n {
		w.set(i, string(declare.ZoneKey), fmt.Sprint("zone", i%zones))
	}
	w.converge(60 * sched.Second)
	w.run(sched.Second)
	near, watched := 0, map[int]int{}
	for i, d := range w.nodes {
		for k := range d.core.live.Watches() {
			for j := range n {
				if p := d.core.live.Watching(k); p != 0 && d.core.peers[p].id == w.nodes[j].core.me.ID {
					if watched[j]++; i%zones == j%zones {
						near++
					}
				}
			}
		}
	}
	for j := range n {
		if watched[j] != member.Observers {
			t.Errorf("node %d is watched by %d", j, watched[j])
		}
	}
	if share := float64(near) / (n * member.Observers); share < 0.5 || share > 0.8 {
		t.Errorf("%.2f of who watches are near", share)
	}
	w.nodes[dead].down = true
	w.until("all agree that it is dead", 3*sched.Second, func() bool {
		for i := range n {
			if i != dead && w.statusOf(i, dead) != member.Dead {
				return false
			}
		}
		return true
	})
}
