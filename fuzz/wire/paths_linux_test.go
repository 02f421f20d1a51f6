package main

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"
)

// newCluster is a wire with so many hosts and no members yet.
func newCluster(t *testing.T, hosts int) *cluster {
	t.Helper()
	w, err := newWire(hosts, 1)
	allowed(t, err)
	c := &cluster{wire: w, members: make([]*process, hosts), rate: 20}
	t.Cleanup(c.close)
	return c
}

// boots starts the members of all hosts.
func (c *cluster) boots(t *testing.T) {
	t.Helper()
	for i := range c.members {
		if err := c.boot(i); err != nil {
			t.Fatal(err)
		}
	}
}

// agree waits until all have all news, and holds the scanners' laws.
func (c *cluster) agree(t *testing.T, w who) time.Duration {
	t.Helper()
	took, err := c.fresh(w, func(reports []report) {
		for _, r := range reports {
			for _, s := range r.Broken {
				t.Error(s)
			}
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return took
}

// State flows over any path that takes 1,280 bytes, whether the device says so (WireGuard has
// 1,420), a router does, or nobody; from the start on, or later.
func TestStateFlowsOverNarrowPaths(t *testing.T) {
	for _, bytes := range []int{1420, 1280} {
		device := func(c *cluster) error { return c.hosts[0].in(func() error { return c.hosts[0].mtu(bytes) }) }
		hole := func(c *cluster) error { c.set(path{Hole: bytes}, anyTwo); return nil }
		router := func(c *cluster) error { c.set(path{Hole: bytes, Told: true}, anyTwo); return nil }
		f := func(how string, narrow func(c *cluster) error, vanish bool) {
			t.Run(fmt.Sprintf("%s/%d", how, bytes), func(t *testing.T) {
				t.Parallel()
				c := newCluster(t, 3)
				if err := narrow(c); err != nil {
					t.Fatal(err)
				}
				c.start()
				c.rate = 200
				c.boots(t)
				took := c.agree(t, everybody)
				n := c.count()
				t.Logf("all news after %v; %v", took.Round(time.Millisecond), n)
				if vanish && n[tooLong] == 0 {
					t.Error("no packet was too long: this shows nothing")
				}
			})
		}
		f("device", device, false)
		f("hole", hole, true)
		f("router", router, true)
	}
}

func anyTwo(int, int) bool { return true }

// A seed may be a second address of its host, of the device or of none: what came there is
// answered from there, and Join counts the seed.
func TestSeedsBehindASecondAddress(t *testing.T) {
	for _, label := range []string{device + ":1", "lo:1"} {
		t.Run(label, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 2)
			second := netip.AddrPortFrom(secondOf(0), port)
			err := c.hosts[0].in(func() error { return c.hosts[0].address(label, second.Addr(), []byte{255, 255, 255, 255}) })
			if err != nil {
				t.Fatal(err)
			}
			var mu sync.Mutex
			var sources []netip.Addr // of what came from there before its first address was used
			known := false
			c.seen = func(from, to netip.Addr, _ []byte) {
				mu.Lock()
				defer mu.Unlock()
				if known = known || to == addressOf(0); !known && to == addressOf(1) {
					sources = append(sources, from)
				}
			}
			c.start()
			for i := range 2 {
				if err := c.bootAs(i, order{Do: "start", Name: nameOf(i), Bind: fmt.Sprintf(":%d", port), Rate: c.rate}); err != nil {
					t.Fatal(err)
				}
			}
			r, err := c.members[1].tell(order{Do: "join", Seeds: []string{second.String()}})
			if err != nil || r.Joined != 1 {
				t.Errorf("Join: %d, %v", r.Joined, err)
			}
			c.agree(t, everybody)
			mu.Lock()
			defer mu.Unlock()
			if len(sources) == 0 || slices.ContainsFunc(sources, func(a netip.Addr) bool { return a != second.Addr() }) {
				t.Errorf("what went to %v is answered from %v", second, sources)
			}
		})
	}
}

// A process that was killed leaves a closed port behind, and the kernel of its host says so:
// it is dead long before one that is merely silent, and so are many that are killed at once.
func TestKilledIsDeadBeforeSilent(t *testing.T) {
	if testing.Short() {
		t.Skip("seconds of silence")
	}
	n := *wireProcesses
	c := newCluster(t, n)
	c.start()
	c.rate, c.blind = 1, true // each write goes to all others: this is about deaths, not about the load
	c.boots(t)
	formed := c.alive(t)
	killed := c.dead(t, func() { c.kill(n - 2) }, n-2) // before anybody stood still, who judges nobody for a while
	c.members[n-1].signal(syscall.SIGSTOP)
	silent := c.dead(t, func() {}, n-1)
	c.members[n-1].signal(syscall.SIGCONT)
	c.alive(t)
	var rest []int
	for i := 3; i < n; i++ {
		if c.members[i] != nil {
			rest = append(rest, i)
		}
	}
	atOnce := c.dead(t, func() {
		for _, i := range rest {
			c.members[i].signal(syscall.SIGKILL)
		}
		for _, i := range rest {
			c.kill(i)
		}
	}, rest...)
	ms := func(d time.Duration) time.Duration { return d.Round(time.Millisecond) }
	t.Logf("%d processes agree after %v; all know of one that is silent after %v, of one that was killed after %v, of %d killed at once after %v",
		n, ms(formed), ms(silent), ms(killed), len(rest), ms(atOnce))
	if killed >= silent || atOnce >= silent {
		t.Errorf("who was killed is dead after %v, %d that were killed at once after %v, who is silent after %v", killed, len(rest), atOnce, silent)
	}
}

// alive waits until all who are up show each other as alive.
func (c *cluster) alive(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	return c.ask(t, nobody, func(reports []report) (missing []string) {
		for _, r := range reports {
			for _, about := range reports {
				if s := r.Sees[about.Name]; r.Name != "" && about.Name != "" && s.State != "alive" {
					missing = append(missing, fmt.Sprintf("%s shows %s as %q", r.Name, about.Name, s.State))
				}
			}
		}
		return missing
	}).Sub(began)
}

// ask asks all who are not gone for what they show of members, until nothing is missing.
func (c *cluster) ask(t *testing.T, gone func(int) bool, lacks func([]report) (missing []string)) time.Time {
	t.Helper()
	for began := time.Now(); ; time.Sleep(tickEvery) {
		reports, err := c.all(order{Do: "members"}, gone)
		if err != nil {
			t.Fatal(err)
		}
		missing := lacks(reports)
		if len(missing) == 0 {
			return time.Now()
		}
		if time.Since(began) > 2*patience {
			t.Fatalf("%d things are missing, such as: %s", len(missing), missing[0])
		}
	}
}

// dead ends the victims and gives the time until all others have declared all of them dead, by
// their own clocks.
func (c *cluster) dead(t *testing.T, end func(), victims ...int) (took time.Duration) {
	t.Helper()
	gone := func(i int) bool { return slices.Contains(victims, i) }
	c.ask(t, gone, func([]report) []string { return nil }) // the deaths of before do not count
	missing := map[string]bool{}
	for i := range c.members {
		for _, v := range victims {
			if c.members[i] != nil && !gone(i) {
				missing[nameOf(i)+" of "+nameOf(v)] = true
			}
		}
	}
	began := time.Now()
	end()
	c.ask(t, gone, func(reports []report) []string {
		for _, r := range reports {
			for _, d := range r.Deaths {
				if what := r.Name + " of " + d.Member; missing[what] {
					delete(missing, what)
					took = max(took, d.At.Sub(began))
				}
			}
		}
		return slices.Collect(maps.Keys(missing))
	})
	return took
}

// A path becomes narrow while it is used, by its device, a router or a hole that nobody tells of, and
// wide again: state flows soon after each change, and nobody dies. That long frames go again is
// engine/core.TestLawNarrowPathsAreProbed.
func TestPathsThatNarrowAndWiden(t *testing.T) {
	if testing.Short() {
		t.Skip("most of a minute of processes")
	}
	device := func(c *cluster, bytes int) {
		for _, h := range c.hosts {
			if err := h.in(func() error { return h.mtu(bytes) }); err != nil {
				t.Error(err)
			}
		}
	}
	hole := func(told bool) func(c *cluster, bytes int) {
		return func(c *cluster, bytes int) { c.set(path{Hole: bytes, Told: told}, anyTwo) }
	}
	for how, set := range map[string]func(c *cluster, bytes int){"device": device, "hole": hole(false), "router": hole(true)} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			c := newCluster(t, 3)
			c.start()
			c.rate = 200
			c.boots(t)
			c.agree(t, everybody)
			for turn := range 3 {
				for _, bytes := range []int{1280, mtuUsual} {
					set(c, bytes)
					took := c.agree(t, everybody)
					passes(2 * time.Second)
					t.Logf("turn %d: %d bytes: all news after %v, later %v", turn, bytes, took.Round(time.Millisecond), c.agree(t, everybody).Round(time.Millisecond))
				}
			}
			reports, err := c.all(order{Do: "report"}, nobody)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range reports {
				if len(r.Deaths) > 0 {
					t.Errorf("%s takes %v for dead", r.Name, r.Deaths)
				}
			}
		})
	}
}

// passes lets time pass for other processes.
func passes(d time.Duration) { time.Sleep(d) }
