package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestAPortThatChanges: a router gives a member another port each half a minute. It is followed
// each time, its news arrive within a second, and nobody takes anybody for dead.
func TestAPortThatChanges(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		w := newNet(t, 4, 81, func(_ int, c *Config) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), 1)
			}
		})
		w.joinAll()
		w.converge(5 * sched.Second)
		d := w.nodes[1]
		for turn := range 6 {
			delete(w.at, d.addr)
			d.addr = netip.AddrPortFrom(d.addr.Addr(), uint16(20_000+turn))
			w.at[d.addr] = d
			w.set(1, "k", fmt.Sprint(turn))
			w.set(0, "k", fmt.Sprint(turn))
			w.until(fmt.Sprintf("sealed %v, turn %d: all news", sealed, turn), sched.Second, w.equal)
			w.run(29 * sched.Second)
			for i, n := range w.nodes {
				if i != 1 && n.core.peers[w.peer(i, 1)].at.Addr != d.addr || has(n, MemberDied) {
					t.Errorf("sealed %v, turn %d: node %d sends to the old port, or takes somebody for dead", sealed, turn, i)
				}
			}
		}
	}
}

// TestClocksStepDuringACut: all clocks step by hours, ahead or back, while the cluster is cut in
// two; both halves write, and are one within five seconds of the end.
func TestClocksStepDuringACut(t *testing.T) {
	const hour = 3600 * sched.Wall(sched.Second)
	for _, step := range []sched.Wall{5 * hour, -5 * hour, 26 * hour, -26 * hour} {
		w := newNet(t, 4, 82, nil)
		w.joinAll()
		w.wall += 1000 * hour
		w.converge(5 * sched.Second)
		w.linked = func(from, to int) bool { return from/2 == to/2 }
		w.run(10 * sched.Second)
		w.wall += step
		for i := range 4 {
			w.set(i, "meanwhile", fmt.Sprint(i))
		}
		w.run(50 * sched.Second)
		w.linked = nil
		w.until(fmt.Sprintf("step of %d hours: one cluster", step/hour), 5*sched.Second, func() bool {
			return w.equal() && w.oneCluster()
		})
		for i := range 4 {
			w.set(i, "since", fmt.Sprint(i))
		}
		w.until(fmt.Sprintf("step of %d hours: all news", step/hour), sched.Second, w.equal)
	}
}

// TestSixOfTenAreLostOneWay: of what goes to one member six frames of ten are lost, of what comes
// from it none. For a minute it is nobody's dead, nor are others its, and soon after it holds all.
func TestSixOfTenAreLostOneWay(t *testing.T) {
	w := newNet(t, 6, 83, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.filter = func(_, to *node, _ []byte) bool { return to.i != 2 || w.rnd.IntN(10) >= 6 }
	for k := range 120 {
		for i := range w.nodes {
			w.set(i, fmt.Sprint("k", k%10), fmt.Sprint(k))
		}
		w.run(500 * sched.Millisecond)
	}
	for i, n := range w.nodes {
		if has(n, MemberDied) {
			t.Errorf("node %d takes somebody for dead", i)
		}
	}
	w.filter = nil
	w.until("all news", 2*sched.Second, w.equal)
}

// TestAnAddressOfAnotherCluster: a member of another cluster gets the address of one that died, by
// the same name or another. It is no member here, and the dead stay dead.
func TestAnAddressOfAnotherCluster(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		keys := func(c *Config, id byte) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), id)
			}
		}
		w := newNet(t, 4, 84, func(_ int, c *Config) { keys(c, 1) })
		w.joinAll()
		w.set(2, "k", "before")
		w.converge(5 * sched.Second)
		w.nodes[2].down = true
		w.run(5 * sched.Second)
		d := w.start(2, w.nodes[2].core.me.Gen+1, func(_ int, c *Config) {
			c.Cluster = []byte("another")
			keys(c, 2)
		})
		d.core.Join(w.now, addrOf(0))
		w.pump(d)
		w.set(0, "k", "since")
		w.run(10 * sched.Second)
		if n := d.core.roster.Reach(); n != 0 || d.core.store.FindName([]byte("node-0")) != 0 {
			t.Errorf("sealed %v: it reaches %d members of this cluster", sealed, n)
		}
		for _, i := range []int{0, 1, 3} {
			n := w.nodes[i]
			if n.core.roster.Reach() != 2 || n.core.store.Find(d.core.me.ID) != 0 {
				t.Errorf("sealed %v: node %d reaches %d members", sealed, i, n.core.roster.Reach())
			}
		}
	}
}
