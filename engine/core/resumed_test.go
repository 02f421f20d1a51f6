package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// both runs a test in clear and sealed.
func both(t *testing.T, f func(t *testing.T, sealed func(int, *Config))) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
			f(t, func(_ int, c *Config) {
				if sealed {
					c.Keys = ringOf(string(c.Cluster), 1)
				}
			})
		})
	}
}

// past is a cluster as it was some time after it began, with what its members had written by then.
func past(t *testing.T, sealed func(int, *Config), before ...func(w *net)) *net {
	w := newNet(t, 4, 91, sealed)
	for _, do := range before {
		do(w)
	}
	w.wall = 1000 * 3600 * sched.Wall(sched.Second)
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range 10 {
		w.set(1, fmt.Sprint("k", k), "before")
	}
	w.converge(5 * sched.Second)
	w.run(3 * sched.Second)
	return w
}

// TestAMachineThatGoesBack: a machine is set back to what it was a while ago, its memory and its
// wall clock: its life, its counters, its numbers of writes and what it held of others are old. It
// goes on writing. Within five seconds it is a member again, under another life, and all hold what
// all wrote since.
func TestAMachineThatGoesBack(t *testing.T) {
	for _, away := range []sched.Instant{sched.Second, 20 * sched.Second, 2 * 3600 * sched.Second} {
		for _, stays := range []bool{false, true} { // it was in service until then
			both(t, func(t *testing.T, sealed func(int, *Config)) {
				if away > 3600*sched.Second && testing.Short() {
					t.Skip("two hours of a cluster")
				}
				w, was := past(t, sealed), past(t, sealed)
				w.nodes[1].down = !stays
				for k := range 100 {
					for i := range w.nodes {
						if !w.nodes[i].down {
							w.set(i, fmt.Sprint("k", k%20), "meanwhile")
						}
					}
					w.run(away / 100)
				}
				w.wall += sched.Wall(away)
				d := was.nodes[1]
				d.alarm = sched.Never
				w.nodes[1], w.at[d.addr] = d, d
				w.forgetEvents()
				for k := range 20 {
					for i := range w.nodes {
						w.set(i, fmt.Sprint("k", k), "since")
					}
					w.run(20 * sched.Millisecond)
				}
				took := w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
				w.compare()
				t.Logf("away %d s, stays %v: %d ms, %d renewals", away/sched.Second, stays, took/sched.Millisecond, d.core.counters.Renewals)
				w.set(1, "then", "then")
				w.until("all news", sched.Second, w.equal)
				w.run(30 * sched.Second)
				w.compare()
				if n := d.core.counters.Renewals; n > 2 {
					t.Errorf("%d renewals", n)
				}
				for i, n := range w.nodes {
					for _, e := range n.events {
						if e.Kind == MemberDied && i != 1 {
							t.Errorf("node %d takes %v for dead", i, e.Addr)
						}
					}
				}
			})
		}
	}
}

// TestTwoSayTheSameAddress: a member says that it is where another one is. Both are members all the
// same, and nobody is taken for dead.
func TestTwoSayTheSameAddress(t *testing.T) {
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		for _, joins := range []int{0, 2} {
			w := newNet(t, 4, 94, sealed)
			w.joinAll()
			w.converge(5 * sched.Second)
			d := w.start(4, 1, func(i int, c *Config) {
				sealed(i, c)
				c.Advertise = addrOf(2)
			})
			delete(w.at, d.addr)
			w.at[addrOf(2)] = w.nodes[2]
			d.addr = addrOf(9)
			w.at[d.addr] = d
			d.core.Join(w.now, addrOf(joins))
			w.pump(d)
			w.set(4, "k", "v")
			w.set(2, "k", "v")
			w.run(5 * sched.Second)
			w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
			w.run(30 * sched.Second)
			w.nobodyDied()
		}
	})
}

// TestHalfOpenJoin: while somebody joins, one direction is cut for a while. Until it is whole nobody
// has anybody as a member on one side alone, and five seconds later all have all.
func TestHalfOpenJoin(t *testing.T) {
	for _, deaf := range []bool{false, true} {
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			w := newNet(t, 5, 95, sealed)
			for _, d := range w.nodes[1:4] {
				d.core.Join(w.now, addrOf(0))
				w.pump(d)
			}
			w.run(2 * sched.Second)
			w.linked = func(from, to int) bool {
				if deaf {
					return to != 4
				}
				return from != 4
			}
			d := w.nodes[4]
			d.core.Join(w.now, addrOf(0))
			w.pump(d)
			w.set(4, "k", "v")
			for range 20 {
				w.run(sched.Second)
				for i := range 4 {
					if w.nodes[i].core.store.Find(d.core.me.ID) != 0 && w.nodes[i].core.roster.Reach() == 4 {
						t.Errorf("node %d has it as a member", i)
					}
				}
				if d.core.roster.Reach() != 0 {
					t.Errorf("it has members")
				}
			}
			w.linked = nil
			took := w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
			t.Logf("deaf %v: %d ms", deaf, took/sched.Millisecond)
			w.nobodyDied()
		})
	}
}

// TestAStormOfRestarts: a process ends and begins again, under its name and at its address, ever
// again, faster than it can join and slower; its clock goes ahead or back. Soon after the last time
// all hold that life, and none of the former ones.
func TestAStormOfRestarts(t *testing.T) {
	turns := 100
	if testing.Short() {
		turns = 20
	}
	for _, step := range []int{1, -1} {
		for _, every := range []sched.Instant{5 * sched.Millisecond, 100 * sched.Millisecond, 700 * sched.Millisecond} {
			both(t, func(t *testing.T, sealed func(int, *Config)) {
				w := newNet(t, 5, 96, func(i int, c *Config) {
					if sealed(i, c); i == 4 {
						c.Generation = 1000
					}
				})
				w.joinAll()
				w.converge(5 * sched.Second)
				for turn := range turns {
					w.nodes[4].down = true
					w.start(4, uint64(1000+step*(turn+1)), sealed)
					for k := range 3 {
						w.set(4, fmt.Sprint("k", k), fmt.Sprint("life ", turn))
					}
					w.nodes[4].core.Join(w.now, addrOf(0))
					w.pump(w.nodes[4])
					w.set(1, "k", fmt.Sprint(turn))
					w.run(every)
				}
				took := w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
				w.compare()
				w.set(4, "last", "v")
				w.until("all news", sched.Second, w.equal)
				t.Logf("step %d, every %d ms: %d ms, generation %d", step, every/sched.Millisecond, took/sched.Millisecond, w.nodes[4].core.me.Gen)
				for i := range 4 {
					if n := w.nodes[i].core.store.Len(); n != 5 {
						t.Errorf("node %d holds %d origins", i, n)
					}
					for _, e := range w.nodes[i].events {
						if e.Kind == MemberDied && e.Addr != addrOf(4) {
							t.Errorf("node %d: %v died", i, e.Addr)
						}
					}
				}
			})
		}
	}
}

// TestAStormLeavesOneContent: several lives of one name may be above the same earlier one, and each
// writes the versions that the others wrote. All hold what the last of them wrote, two seconds after
// their versions are equal. The clock goes back.
func TestAStormLeavesOneContent(t *testing.T) {
	seeds := uint64(80)
	if testing.Short() {
		seeds = 6
	}
	for seed := uint64(101); seed < 101+seeds; seed++ {
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			w := newNet(t, 5, seed, func(i int, c *Config) {
				if sealed(i, c); i == 4 {
					c.Generation = 1000
				}
			})
			w.joinAll()
			w.converge(5 * sched.Second)
			for turn := range 20 {
				w.nodes[4].down = true
				w.start(4, uint64(999-turn), sealed)
				for k := range 3 {
					w.set(4, fmt.Sprint("k", k), fmt.Sprint("life ", turn))
				}
				w.nodes[4].core.Join(w.now, addrOf(0))
				w.pump(w.nodes[4])
				w.set(1, "k", fmt.Sprint(turn))
				w.run(5 * sched.Millisecond)
			}
			w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
			w.run(2 * sched.Second)
			w.compare()
		})
	}
}

// TestClocksStepWhileSomebodyJoins: wall clocks step by hours every few milliseconds while members
// join. They are members within a second, and nobody is taken for dead.
func TestClocksStepWhileSomebodyJoins(t *testing.T) {
	const hour = 3600 * sched.Wall(sched.Second)
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		for _, step := range []sched.Wall{hour, -hour, 26 * hour, -26 * hour, 400 * 24 * hour, -400 * 24 * hour} {
			w := newNet(t, 4, 98, sealed)
			w.wall = 1e18
			for i, d := range w.nodes[1:] {
				w.wall += step
				d.core.Join(w.now, addrOf(0))
				w.pump(d)
				for range 10 {
					w.run(sched.Millisecond)
					w.wall += step
				}
				w.set(i+1, "k", "v")
			}
			w.until("one cluster", sched.Second, func() bool { return w.oneCluster() && w.equal() })
			w.nobodyDied()
		}
	})
}
