package spread

import (
	"fmt"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Diff is one way to compare, by its name.
type Diff struct {
	Name string
	Diff tune.Diff
}

// Diffs are all of them.
func Diffs() []Diff {
	return []Diff{
		{"auto", tune.DiffAuto},
		{"vector", tune.DiffVector},
		{"sketch", tune.DiffSketch},
		{"recent", tune.DiffRecent},
		{"peel", tune.DiffPeel},
		{"activity", tune.DiffActivity},
		{"updates", tune.DiffUpdates},
		{"ranges", tune.DiffRanges},
	}
}

// DiffRow is what a way to compare took to make all members equal, by periodic
// comparison alone.
type DiffRow struct {
	Diff  string `json:"diff"`
	Nodes int    `json:"nodes"`
	// Writes are made at as many members at once; 0 is a cut into halves in which
	// every member wrote.
	Writes int     `json:"writes"`
	Loss   float64 `json:"loss"`

	Rounds    float64 `json:"rounds"`         // intervals until all were equal
	Bytes     float64 `json:"bytes_per_node"` // sent meanwhile
	Frames    float64 `json:"frames_per_node"`
	Redundant float64 `json:"redundancy"` // entries received for each that was news
	Fallbacks float64 `json:"fallbacks_per_node"`
	Sketches  float64 `json:"sketches_per_node"`
	Decoded   float64 `json:"decoded"` // share of them
}

// DiffPlan is what to measure.
type DiffPlan struct {
	Nodes  int
	Diff   Diff
	Writes []int
	Losses []float64
	Seed   uint64
}

const diffInterval = 100 * sched.Millisecond

// MeasureDiff forms a cluster that only compares, and makes it differ in each of
// the ways of the plan.
func MeasureDiff(p *DiffPlan) ([]DiffRow, error) {
	c, err := form(p.Nodes, p.Seed, false, func(k *core.Config) {
		k.Spread, k.Diff, k.Interval = tune.SpreadGossip, p.Diff.Diff, diffInterval
	})
	if err != nil {
		return nil, err
	}
	c.Run(2 * sched.Second) // lists of what is recent empty themselves
	if err := c.rest(); err != nil {
		return nil, err
	}
	var rows []DiffRow
	for _, loss := range p.Losses {
		for _, n := range p.Writes {
			rows = append(rows, c.diffRow(p, n, loss))
		}
	}
	return rows, nil
}

// rest waits until next to nothing is sent: who met introduces itself and acknowledges for seconds,
// at more than a comparison costs.
func (c *cluster) rest() error {
	const span, most = 500 * sched.Millisecond, 60 * sched.Second
	for end := c.Now() + most; c.Now() < end; {
		before := c.counters().FramesSent
		if c.Run(span); c.counters().FramesSent-before < uint64(len(c.Nodes)) {
			return nil
		}
	}
	return fmt.Errorf("%d members still send after %d s", len(c.Nodes), most/sched.Second)
}

func (c *cluster) diffRow(p *DiffPlan, writes int, loss float64) DiffRow {
	nodes := len(c.Nodes)
	c.Net.SetLink(link(loss))
	if writes == 0 {
		var low, high []int
		for i := range nodes {
			if i < nodes/2 {
				low = append(low, i)
			} else {
				high = append(high, i)
			}
		}
		cut := c.Net.Add(simnet.Rule{From: simnet.SetOf(low...), To: simnet.SetOf(high...), Both: true, Cut: true})
		for i := range nodes {
			c.write(i)
		}
		c.Run(sched.Second)
		c.Net.Remove(cut)
	}
	for range writes {
		c.write(int(c.Rand().Uint32n(uint32(nodes))))
	}
	from, began := c.counters(), c.Now()
	c.Converge(diffInterval/10, 120*sched.Second)
	to, per := c.counters(), 1/float64(nodes)
	row := DiffRow{
		Diff: p.Diff.Name, Nodes: nodes, Writes: writes, Loss: loss,
		Rounds:    float64(c.Now()-began) / float64(diffInterval),
		Bytes:     float64(to.BytesSent-from.BytesSent) * per,
		Frames:    float64(to.FramesSent-from.FramesSent) * per,
		Redundant: 1 + float64(to.EntriesOld-from.EntriesOld)/float64(max(1, to.EntriesNew-from.EntriesNew)),
		Fallbacks: float64(to.Fallbacks-from.Fallbacks) * per,
		Sketches:  float64(to.SketchesSent-from.SketchesSent) * per,
		Decoded:   float64(to.SketchesDecoded-from.SketchesDecoded) / float64(max(1, to.SketchesSent-from.SketchesSent)),
	}
	c.Net.SetLink(link(0))
	c.Converge(diffInterval, 120*sched.Second)
	c.Run(2 * sched.Second)
	return row
}
