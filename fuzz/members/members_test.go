package members

import (
	"flag"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	nodes = flag.Int("members.nodes", 60, "nodes of a cluster")
	seed  = flag.Uint64("members.seed", 1, "seed of all choices")
)

const ms = sched.Millisecond

type cluster struct {
	*sim.World
	t *testing.T
	n int
}

// joined is a cluster whose nodes have all just been told the first one's
// address.
func joined(t *testing.T) *cluster {
	t.Logf("seed %d, %d nodes", *seed, *nodes)
	c := &cluster{t: t, n: *nodes, World: sim.New(sim.Options{
		Nodes: *nodes, Seed: *seed, Workers: 2,
		Link: simnet.Link{Delay: simnet.Delay{Min: ms / 10, Max: ms / 2}},
	})}
	for i := 1; i < c.n; i++ {
		c.Join(i, 0)
	}
	return c
}

// village is one that knows itself.
func village(t *testing.T) *cluster {
	c := joined(t)
	c.until("formed", 5*sched.Second, c.whole)
	c.Run(2 * sched.Second)
	return c
}

// until runs until cond holds, and returns how long that took.
func (c *cluster) until(what string, limit sched.Instant, cond func() bool) sched.Instant {
	c.t.Helper()
	start := c.Now()
	for !cond() {
		if c.Now()-start >= limit {
			c.t.Fatalf("%s: not within %d ms", what, limit/ms)
		}
		c.Run(10 * ms)
	}
	took := c.Now() - start
	c.t.Logf("%s after %d ms", what, took/ms)
	return took
}

// whole tells whether every node that is up trusts every other one that is.
func (c *cluster) whole() bool {
	up := 0
	for _, n := range c.Nodes {
		if n.Up {
			up++
		}
	}
	for _, n := range c.Nodes {
		if n.Up && c.trusted(n) != up-1 {
			return false
		}
	}
	return true
}

// trusted counts whom a node believes to be alive and has been answered by.
func (c *cluster) trusted(n *sim.Node) (count int) {
	for p := range n.Core.Peers() {
		if q, ok := n.Core.Peer(p); ok && q.Proven && !q.Quiet && !q.Left && n.Core.Parts().Detector.Status(p) == member.Alive {
			count++
		}
	}
	return count
}

// dead counts whom a node believes to be dead.
func (c *cluster) dead(n *sim.Node) (count int) {
	for p := range n.Core.Peers() {
		if _, ok := n.Core.Peer(p); ok && n.Core.Parts().Detector.Status(p) == member.Dead {
			count++
		}
	}
	return count
}

func (c *cluster) level() {
	c.t.Helper()
	if took, ok := c.Converge(10*ms, 30*sched.Second); !ok {
		c.t.Fatalf("not equal after %d ms: %s", took/ms, c.Difference())
	}
}

func TestAllJoinAtOnce(t *testing.T) {
	c := joined(t)
	if took := c.until("everybody reaches everybody", 10*sched.Second, c.whole); took > 2*sched.Second {
		t.Errorf("%d ms", took/ms)
	}
	c.level()
}

func TestIdleTrafficIsSmall(t *testing.T) {
	c := village(t)
	before := c.Stats.Bytes
	c.Run(10 * sched.Second)
	perNode := (c.Stats.Bytes - before) / 10 / uint64(c.n)
	t.Logf("%d bytes a second and node", perNode)
	if perNode > 15000 {
		t.Error("too much")
	}
}

func TestHalfOfAllDieAtOnce(t *testing.T) {
	c := village(t)
	for i := c.n / 2; i < c.n; i++ {
		c.Stop(i)
	}
	took := c.until("all survivors agree", 10*sched.Second, func() bool {
		for _, n := range c.Nodes[:c.n/2] {
			if c.dead(n) != c.n-c.n/2 {
				return false
			}
		}
		return true
	})
	if took > 5*sched.Second || !c.whole() {
		t.Errorf("%d ms; survivors trust each other: %v", took/ms, c.whole())
	}
}

// A cut of a minute, into halves, into three, and one that lets frames through
// in one direction, heals without any call.
func TestPartitionsHeal(t *testing.T) {
	for _, how := range []string{"halves", "thirds", "one way"} {
		t.Run(how, func(t *testing.T) {
			c := village(t)
			c.Net.Wire(func(from, to int) bool {
				switch how {
				case "halves":
					return from%2 == to%2
				case "thirds":
					return from%3 == to%3
				default:
					return from < c.n/2 || to >= c.n/2
				}
			})
			for i := range c.n {
				c.Set(i, "during", fmt.Sprint(i))
			}
			c.Run(60 * sched.Second)
			if c.whole() {
				t.Fatal("nobody noticed the cut")
			}
			c.Net.Wire(nil)
			if took := c.until("one cluster again", 30*sched.Second, c.whole); took > 5*sched.Second {
				t.Errorf("%d ms", took/ms)
			}
			c.level()
		})
	}
}
