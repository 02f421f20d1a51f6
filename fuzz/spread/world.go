package spread

import (
	"fmt"
	"slices"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
)

// FrameCost is about what a loop takes to send or to receive one frame on
// loopback, system call and decoding: measured with qn load.
const FrameCost = 2500 * sched.Instant(1) // nanoseconds

// cluster is a world whose members know each other, with the time of every write
// and what each replica learned when.
type cluster struct {
	*sim.World
	authors map[codec.OriginID]int
	wrote   [][]sched.Instant // by author: when version i+1 was written
	since   []uint64          // by author: versions up to this one are not timed
	delays  [][]sched.Instant // by replica
	spare   int               // a member that does not write, if not 0
}

func link(loss float64) simnet.Link {
	return simnet.Link{
		Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond},
		Loss:  simnet.Probability(loss),
	}
}

// form makes a cluster of n and waits until all know all.
func form(n int, seed uint64, detector bool, cfg func(c *core.Config)) (*cluster, error) {
	c := &cluster{
		authors: map[codec.OriginID]int{}, wrote: make([][]sched.Instant, n), since: make([]uint64, n),
		delays: make([][]sched.Instant, n),
	}
	c.World = sim.New(sim.Options{Nodes: n, Seed: seed, Link: link(0), Config: func(_, _ int, k *core.Config) {
		k.Experiment.NoDetector = !detector
		if cfg != nil {
			cfg(k)
		}
	}})
	for i := 1; i < n; i++ {
		c.Join(i, 0)
		c.Run(sched.Millisecond)
	}
	for i, node := range c.Nodes {
		c.authors[node.Core.Parts().Self.ID] = i
		c.write(i)
	}
	if took, ok := c.Converge(100*sched.Millisecond, 300*sched.Second); !ok {
		return nil, fmt.Errorf("%d members are not equal after %d s: %s", n, took/sched.Second, c.Difference())
	}
	for i, node := range c.Nodes {
		for ms := 0; node.Core.Counters() != nil && reach(node) < n-1; ms++ {
			if ms > 600 {
				return nil, fmt.Errorf("member %d reaches %d of %d", i, reach(node), n-1)
			}
			c.Run(100 * sched.Millisecond)
		}
	}
	c.OnEvent = c.learned
	return c, nil
}

// reach counts the members that the node can send to.
func reach(n *sim.Node) int {
	members := n.Core.Agreement(0).Members
	return members
}

func (c *cluster) write(i int) {
	if c.Set(i, "key", fmt.Sprintf("value %d", len(c.wrote[i]))) == core.Written {
		c.wrote[i] = append(c.wrote[i], c.Now())
	}
}

// learned times what a replica learned.
func (c *cluster) learned(n *sim.Node, ev *core.Event) {
	if ev.Kind != core.Advanced || ev.Origin == n.Core.Parts().Own {
		return
	}
	a, ok := c.authors[n.Core.Parts().Store.ID(ev.Origin)]
	if !ok {
		return
	}
	for v := max(ev.From, c.since[a]); v < ev.To && v < uint64(len(c.wrote[a])); v++ {
		c.delays[n.Index] = append(c.delays[n.Index], c.Now()-c.wrote[a][v])
	}
}

// begin forgets what was timed.
func (c *cluster) begin() {
	for i := range c.Nodes {
		c.since[i] = uint64(len(c.wrote[i]))
		c.delays[i] = c.delays[i][:0]
	}
}

// quantiles of all that was timed, but for one replica if skip is not negative.
func (c *cluster) quantiles(skip int, at ...float64) (q []sched.Instant, n int) {
	var all []sched.Instant
	for i := range c.delays {
		if i != skip {
			all = append(all, c.delays[i]...)
		}
	}
	slices.Sort(all)
	for _, p := range at {
		if len(all) == 0 {
			q = append(q, 0)
			continue
		}
		q = append(q, all[min(len(all)-1, int(p*float64(len(all))))])
	}
	return q, len(all)
}

// counters sums up those of all cores.
func (c *cluster) counters() (s core.Counters) {
	for _, n := range c.Nodes {
		k := n.Core.Counters()
		s.FramesSent += k.FramesSent
		s.FramesReceived += k.FramesReceived
		s.BytesSent += k.BytesSent
		s.EntriesNew += k.EntriesNew
		s.EntriesOld += k.EntriesOld
		s.AcksSent += k.AcksSent
		s.Exchanges += k.Exchanges
		s.Fallbacks += k.Fallbacks
		s.SketchesSent += k.SketchesSent
		s.SketchesDecoded += k.SketchesDecoded
		s.DigestsSent += k.DigestsSent
		s.PullsSent += k.PullsSent
	}
	return s
}

// writes makes rate writes a second at random members for a while.
func (c *cluster) writes(rate int, span sched.Instant) {
	gap := sched.Second / sched.Instant(rate)
	for end := c.Now() + span; c.Now() < end; c.Run(gap) {
		i := int(c.Rand().Uint32n(uint32(len(c.Nodes))))
		if c.spare == 0 || i != c.spare {
			c.write(i)
		}
	}
}
