package detect

import (
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// Slow is the interval experiment of Lifeguard (Dadgar, Phillips, Currey 2017, §V): Count of Nodes
// nodes are blocked for Block, run for Gap, and so on, all at the same times. While they run they
// are slow: each datagram takes Cost, and all timers are looked at before the next one. (With a
// Cost of 0 they catch up in no time, and condemn nobody even without the mechanisms, because the
// timeout of a probe starts when it is sent and three must fail.)
type Slow struct {
	Nodes, Count int
	Block, Gap   sched.Instant
	Cost         sched.Instant // time that a slow node takes for each datagram between the blocks
	Run          sched.Instant
	Seed         uint64
	Without      member.Mechanism
}

// SlowResult counts events at single nodes. A false one is about a node that was never slow.
type SlowResult struct {
	Count          int     `json:"slow"`
	BlockMs        int64   `json:"block_ms"`
	GapMs          int64   `json:"gap_ms"`
	FalseDead      int     `json:"false_dead"`            // FP of the paper: at any node
	FalseDeadWell  int     `json:"false_dead_at_healthy"` // FP⁻ of the paper: at nodes that were never slow
	FalseSuspect   int     `json:"false_suspect"`
	SlowDead       int     `json:"slow_dead"` // about the slow nodes themselves: true while they are blocked
	Messages       uint64  `json:"messages"`
	KiBPerNodePerS float64 `json:"kib_per_node_per_s"`
}

// RunSlow simulates one cell of the experiment with the LAN profile.
func RunSlow(s Slow) SlowResult {
	mc := member.LAN()
	mc.Without = s.Without
	w := start(s.Nodes, s.Seed, mc, smallLimits(s.Nodes, s.Nodes),
		Network{Delay: 50 * sched.Microsecond, Jitter: 100 * sched.Microsecond})
	w.run(5 * mc.Period)
	slow := make([]bool, s.Nodes+1)
	order := w.shuffled()[:s.Count]
	for _, h := range order {
		slow[h] = true
		w.hosts[h].cost = s.Cost
	}
	r := SlowResult{Count: s.Count, BlockMs: int64(s.Block / ms), GapMs: int64(s.Gap / ms)}
	w.change = func(at uint32, c *member.Change) {
		switch {
		case slow[c.Member] && c.To == member.Dead:
			r.SlowDead++
		case slow[c.Member]:
		case c.To == member.Suspect:
			r.FalseSuspect++
		case c.To == member.Dead:
			r.FalseDead++
			if !slow[at] {
				r.FalseDeadWell++
			}
		}
	}
	for t := sched.Instant(0); t < s.Run; t += s.Block + s.Gap {
		for _, h := range order {
			w.stall(h, s.Block)
		}
		w.run(s.Block + s.Gap)
	}
	var bytes uint64
	for h := range w.hosts[1:] {
		for k := range w.hosts[h+1].sent {
			r.Messages += w.hosts[h+1].sent[k]
			bytes += w.hosts[h+1].bytes[k]
		}
	}
	r.KiBPerNodePerS = float64(bytes) / 1024 / float64(s.Nodes) / (float64(w.now-sched.Second) / sched.Second)
	return r
}

// Row is the experiment with one set of mechanisms, summed over the cycles.
type Row struct {
	Mechanisms string       `json:"mechanisms"`
	Total      SlowResult   `json:"total"`
	ByCount    []SlowResult `json:"by_slow"` // one for each Count, summed over the cycles
}

// Grid is the whole experiment.
type Grid struct {
	Nodes   int
	Counts  []int
	Blocks  []sched.Instant
	Gaps    []sched.Instant
	Cost    sched.Instant
	Run     sched.Instant
	Seed    uint64
	Advance func(done float64) error // asked between cells, an error ends the run; may be nil
}

// DefaultGrid takes the paper's cycles where they mean something to a detector that is fifty times
// as fast.
func DefaultGrid() Grid {
	return Grid{
		Nodes: 100, Counts: []int{1, 4, 16, 32}, Seed: 1, Cost: 4 * ms, Run: 10 * sched.Second,
		Blocks: []sched.Instant{128 * ms, 512 * ms, 2048 * ms},
		Gaps:   []sched.Instant{4 * ms, 64 * ms, 1024 * ms},
	}
}

// mechanisms are the rows of the table.
var mechanisms = []struct {
	name    string
	without member.Mechanism
}{
	{"none", member.OwnHealth | member.Quorum | member.Refutation},
	{"own health only", member.Quorum | member.Refutation},
	{"quorum only", member.OwnHealth | member.Refutation},
	{"refutation only", member.OwnHealth | member.Quorum},
	{"without own health", member.OwnHealth},
	{"without quorum", member.Quorum},
	{"without refutation", member.Refutation},
	{"all", 0},
}

// Lifeguard runs the experiment with each mechanism alone, each one missing, none and all.
func Lifeguard(g Grid) (rows []Row, err error) {
	all, done := float64(len(mechanisms)*len(g.Counts)), 0.0
	for _, m := range mechanisms {
		row := Row{Mechanisms: m.name}
		for _, count := range g.Counts {
			cell := Slow{Nodes: g.Nodes, Count: count, Cost: g.Cost, Run: g.Run, Seed: g.Seed, Without: m.without}
			sum := g.cycles(cell)
			row.ByCount = append(row.ByCount, sum)
			row.Total.add(sum, len(g.Counts))
			if done++; g.Advance == nil {
				continue
			}
			if err := g.Advance(done / all); err != nil {
				return nil, err
			}
		}
		rows = append(rows, row)
	}
	return rows, nil
}

// cycles runs one cell with every block and gap.
func (g *Grid) cycles(s Slow) SlowResult {
	sum := SlowResult{Count: s.Count}
	for _, s.Block = range g.Blocks {
		for _, s.Gap = range g.Gaps {
			sum.add(RunSlow(s), len(g.Blocks)*len(g.Gaps))
		}
	}
	return sum
}

func (s *SlowResult) add(o SlowResult, of int) {
	s.FalseDead += o.FalseDead
	s.FalseDeadWell += o.FalseDeadWell
	s.FalseSuspect += o.FalseSuspect
	s.SlowDead += o.SlowDead
	s.Messages += o.Messages
	s.KiBPerNodePerS += o.KiBPerNodePerS / float64(of)
}
