package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestDormantBurialAwakes: a member stands still for longer than all others remember its life, and
// goes on with it. Those that keep its grave dormant, here all, do not let that life in again; it
// takes another one, and all are equal.
func TestDormantBurialAwakes(t *testing.T) {
	w := newNet(t, 4, 78, func(_ int, c *Config) {
		c.Detector = member.LAN()
		c.Detector.DeadAge, c.Detector.LeftAge, c.Detector.GraveAge = 4*sched.Second, 2*sched.Second, 10*sched.Second
	})
	w.joinAll()
	w.set(3, "mine", "old")
	w.converge(5 * sched.Second)
	d := w.nodes[3]
	old := d.core.me.ID
	d.down = true
	w.run(20 * sched.Second) // dead after some, forgotten 4 s later, and 10 s after that only dormant
	for _, x := range w.nodes[:3] {
		if x.core.store.Find(old) != 0 || x.core.graves.HasShort(w.now, uint64(old), short) {
			t.Fatalf("node %d speaks of it still", x.i)
		}
	}
	d.down = false
	for range 600 {
		w.run(10 * sched.Millisecond)
		for _, x := range w.nodes[:3] {
			if x.core.store.Find(old) != 0 {
				t.Fatalf("node %d has let the life in that it has buried", x.i)
			}
		}
	}
	if d.core.me.ID == old {
		t.Error("it still lives its old life")
	}
	w.until("it is back in another life", 30*sched.Second, func() bool { return w.allAlive() && w.equal() })
	for _, x := range w.nodes[:3] {
		if o := x.core.store.Find(d.core.me.ID); o == 0 || !x.core.store.Lives(o, []byte("mine")) {
			t.Errorf("node %d does not have what it wrote", x.i)
		}
	}
}

func short(id codec.OriginID) uint64 { return uint64(id) }
