package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// oneCluster reports whether all nodes reach all.
func (w *net) oneCluster() bool {
	for _, d := range w.nodes {
		if d.core.roster.Reach() != len(w.nodes)-1 {
			return false
		}
	}
	return true
}

// TestCutsOfAnyLengthHeal: cuts shorter than a member is remembered, longer than
// that, and longer than its grave keeps it out; between two, between halves, of
// one alone; by a network, and by a process that was suspended. Nobody is told an
// address: whoever is refused as buried is told, and takes a new life at once.
func TestCutsOfAnyLengthHeal(t *testing.T) {
	const dead, grave = 10 * sched.Second, 60 * sched.Second
	f := func(name string, n, alone int, frozen bool, cut sched.Instant) {
		for _, sealed := range []bool{true, false} {
			t.Run(fmt.Sprintf("%s/%ds/sealed=%v", name, cut/sched.Second, sealed), func(t *testing.T) {
				w := newNet(t, n, uint64(71+cut/sched.Second), func(_ int, c *Config) {
					c.Detector = shortAges(dead, grave)
					if sealed {
						c.Keys = ringOf(string(c.Cluster), 1)
					}
				})
				w.joinAll()
				w.run(3 * sched.Second)
				w.nodes[n-1].core.Parts().Door.Seeds.Remove(w.nodes[0].addr)
				w.converge(sched.Second)
				if frozen {
					for i := range alone {
						w.nodes[i].asleep = w.now + cut
					}
					w.filter = func(from, to *node, _ []byte) bool { return to.asleep <= w.now } // its socket is full
				} else {
					w.linked = func(from, to int) bool { return (from < alone) == (to < alone) }
				}
				w.run(cut)
				w.linked, w.filter = nil, nil
				healed := sched.Instant(-1)
				for start := w.now; w.now < start+30*sched.Second && healed < 0; w.run(10 * sched.Millisecond) {
					if w.oneCluster() {
						healed = w.now - start
					}
				}
				if healed < 0 || healed > 5*sched.Second {
					t.Errorf("healed after %d ms", healed/sched.Millisecond)
					for _, d := range w.nodes {
						t.Logf("node %d reaches %d, generation %d, drops %v", d.i, d.core.roster.Reach(), d.core.me.Gen, d.core.counters.Drops)
					}
				}
				w.set(0, "after", "the cut")
				w.set(n-1, "after", "the cut")
				w.converge(2 * sched.Second)
			})
		}
	}
	for _, cut := range []sched.Instant{8, 15, 65, 72, 90, 200, 1000} {
		f("pair", 2, 1, false, cut*sched.Second)
		f("one of six", 6, 1, false, cut*sched.Second)
		f("halves", 6, 3, false, cut*sched.Second)
		f("suspended", 6, 1, true, cut*sched.Second)
	}
}

func shortAges(dead, grave sched.Instant) member.Config {
	d := member.LAN()
	d.DeadAge, d.LeftAge, d.GraveAge = dead, 2*sched.Second, grave
	return d
}

// TestManyCutsInARowHeal: a cluster is cut in two again and again, each time until the halves have
// buried each other, with moments between in which they begin to meet. It is one within five
// seconds of the end of the last cut, as of the first: nobody is kept waiting for another life
// because it took many.
func TestManyCutsInARowHeal(t *testing.T) {
	for _, between := range []sched.Instant{100 * sched.Millisecond, 2 * sched.Second} {
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			w := newNet(t, 6, 74, func(i int, c *Config) {
				sealed(i, c)
				c.Detector = shortAges(10*sched.Second, 60*sched.Second)
			})
			w.joinAll()
			w.converge(5 * sched.Second)
			for range 12 {
				w.linked = func(from, to int) bool { return from/3 == to/3 }
				w.run(20 * sched.Second)
				w.linked = nil
				w.run(between)
			}
			took := w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
			w.compare()
			t.Logf("%d ms, %d renewals", (between+took)/sched.Millisecond, w.sum(func(c *Counters) uint64 { return c.Renewals }))
		})
	}
}

// TestPathsThatOpen: members that have never reached each other, as behind firewalls, know each other
// by those who reach both, for a minute. Within five seconds of the moment when their paths open they
// reach each other, and meanwhile what all write is everywhere.
func TestPathsThatOpen(t *testing.T) {
	for _, n := range []int{3, 9, 25} {
		if n > 9 && testing.Short() {
			continue
		}
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			side := 1
			for side*side < n {
				side++
			}
			w := newNet(t, n, 75, sealed)
			w.linked = func(a, b int) bool { return n == 3 && a*b == 0 || n > 3 && (a/side == b/side || a%side == b%side) }
			for i := 1; i < n; i++ {
				to := i % side
				if i < side || n == 3 {
					to = 0
				}
				w.nodes[i].core.Join(w.now, addrOf(to))
				w.pump(w.nodes[i])
			}
			for i := range n {
				w.set(i, "k", "v")
			}
			w.converge(10 * sched.Second)
			w.run(60 * sched.Second)
			if w.oneCluster() {
				t.Fatal("nobody is out of reach")
			}
			w.linked = nil
			took := w.until("all reach all", 5*sched.Second, w.oneCluster)
			t.Logf("%d members: %d ms", n, took/sched.Millisecond)
			w.nobodyDied()
		})
	}
}
