package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestRestartAtAFullMember: a member restarts while another has no memory left, so that what comes
// next of the change of lives may fail there. Each peer still is one origin and each origin one
// peer, nobody else's state is buried in its place, and when there is room again all are equal.
func TestRestartAtAFullMember(t *testing.T) {
	short := func(i int, c *Config) {
		c.Detector = member.LAN()
		c.Detector.DeadAge = 5 * sched.Second
		if i == 0 {
			c.Limits.State = roomFor(8, 20_000, 64<<10)
		}
	}
	w := newNet(t, 4, 77, short)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.set(2, "mine", "2")
	w.set(3, "mine", "3")
	for k := range 300 {
		w.set(1, fmt.Sprint("k", k), strings.Repeat("v", 80))
		w.set(2, fmt.Sprint("k", k), strings.Repeat("v", 80))
		w.run(200 * sched.Microsecond)
	}
	w.converge(5 * sched.Second)
	for k := range 3000 { // of the size of a name
		w.set(1, fmt.Sprintf("%04x", k), "")
		if k%8 == 0 {
			w.run(200 * sched.Microsecond)
		}
	}
	w.run(2 * sched.Second)
	a := &w.nodes[0].core
	if a.counters.Drops[DropFull] == 0 && a.store.Holes() == 0 {
		t.Fatalf("it is not full: %+v", a.store.Stats())
	}
	check := func(when string) {
		t.Helper()
		for p := 1; p < len(a.peers); p++ {
			q := &a.peers[p]
			if q.origin == 0 {
				continue
			}
			if id := a.store.ID(q.origin); id != q.id || id == 0 || a.origins[q.origin].peer != uint32(p) {
				t.Fatalf("%s: peer %d of %x has the origin %x, whose peer is %d", when, p, q.id, id, a.origins[q.origin].peer)
			}
		}
		if o := a.store.Find(w.nodes[3].core.me.ID); o == 0 || !a.store.Lives(o, []byte("mine")) {
			t.Fatalf("%s: what node 3 wrote is gone, and it lives", when)
		}
	}
	check("before")
	restart := func(i, by int) {
		w.start(i, 2, short)
		w.nodes[i].core.Join(w.now, addrOf(by))
		w.pump(w.nodes[i])
	}
	restart(2, 1)
	for range 10 { // longer than the dead are remembered
		w.run(sched.Second)
		check("after the restart")
	}
	restart(1, 3) // without its keys: there is room
	for range 15 {
		w.run(sched.Second)
		check("with room again")
	}
	for _, d := range w.nodes[1:] {
		if a.store.Find(d.core.me.ID) == 0 {
			t.Errorf("node 0 does not know node %d", d.i)
		}
	}
	w.converge(5 * sched.Second)
}
