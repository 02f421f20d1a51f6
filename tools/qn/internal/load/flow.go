package load

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Flow is what flow control did, all nodes together. Rates are bytes a second.
type Flow struct {
	Bounded    int        `json:"bounded_writers"` // nodes whose writes are bounded at the end
	Used       int        `json:"rho_used"`        // what they publish, sum
	Desired    int        `json:"rho_desired"`     // what they would like, sum
	AllowedMin int        `json:"tau_min"`         // the smallest allowed rate of a bounded node; 0: none is bounded
	Budget     int        `json:"budget"`          // what may be sent to all peers, sum
	CreditMin  int        `json:"credit_min"`      // the smallest credit that a node states; 0: none does
	LossMax    float64    `json:"loss_max"`        // the worst path
	Deferred   int        `json:"deferred_bytes"`  // own entries that peers have not been sent
	Held       int        `json:"unpublished"`     // own entries that wait for the writer's rate
	WritesHeld uint64     `json:"writes_held"`     // that had to wait for it
	FramesHeld uint64     `json:"frames_held"`     // times that a budget held something back
	Cuts       uint64     `json:"budget_cuts"`
	Timeouts   uint64     `json:"budget_timeouts"`
	Absurd     uint64     `json:"absurd"`
	Peers      []FlowPeer `json:"peers"` // the few with the most deferred, then the most loss
}

// FlowPeer is one path.
type FlowPeer struct {
	From     int     `json:"from"`
	To       string  `json:"to"`
	Rate     int     `json:"budget"`
	Credit   int     `json:"credit"`
	Loss     float64 `json:"loss"`
	Deferred int     `json:"deferred_bytes"`
}

const flowPeers = 5

// read sums the nodes' statistics.
func (f *Flow) read(all []engine.Stats) {
	f.Peers = []FlowPeer{}
	for i := range all {
		s := &all[i].Flow
		if !s.Free {
			f.Bounded++
			if f.AllowedMin == 0 || s.Allowed < f.AllowedMin {
				f.AllowedMin = s.Allowed
			}
		}
		if s.Credit > 0 && (f.CreditMin == 0 || s.Credit < f.CreditMin) {
			f.CreditMin = s.Credit
		}
		f.Used += s.Used
		f.Desired += s.Desired
		f.Budget += s.Sending
		f.Deferred += s.Deferred
		f.Held += s.Unpublished
		f.WritesHeld += s.WritesHeld
		f.FramesHeld += s.FramesHeld
		f.Cuts += s.Cuts
		f.Timeouts += s.Timeouts
		f.Absurd += s.Absurd
		for _, p := range s.Peers {
			f.LossMax = max(f.LossMax, p.Loss)
			f.Peers = append(f.Peers, FlowPeer{i, p.Name, p.Rate, p.Credit, p.Loss, p.Deferred})
		}
	}
	slices.SortFunc(f.Peers, func(a, b FlowPeer) int {
		return cmp.Or(cmp.Compare(b.Deferred, a.Deferred), cmp.Compare(b.Loss, a.Loss))
	})
	f.Peers = f.Peers[:min(len(f.Peers), flowPeers)]
}

// since is f with its counters counted from x.
func (f Flow) since(x *Flow) Flow {
	f.WritesHeld -= x.WritesHeld
	f.FramesHeld -= x.FramesHeld
	f.Cuts -= x.Cuts
	f.Timeouts -= x.Timeouts
	f.Absurd -= x.Absurd
	return f
}

// flow prints two lines, and one for each of the worst paths.
func printFlow(p *form.Printer, f *Flow) {
	rate := func(n int) string { return units.Bytes(float64(n)) + "/s" }
	bound := func(n int) string {
		if n == 0 {
			return "any"
		}
		return rate(n)
	}
	p.Line("flow", "rho %s of %s wished  tau %s (%d nodes bounded)  budgets %s  credit %s  worst loss %.2f%%", rate(f.Used), rate(f.Desired),
		bound(f.AllowedMin), f.Bounded, rate(f.Budget), bound(f.CreditMin), f.LossMax*100)
	p.Line("", "deferred %s to peers, %s entries unpublished; held back: %s writes, %s frames", units.Bytes(float64(f.Deferred)),
		units.Count(uint64(f.Held)), units.Count(f.WritesHeld), units.Count(f.FramesHeld))
	var worst []string
	for _, x := range f.Peers {
		if x.Deferred > 0 {
			worst = append(worst, fmt.Sprintf("node-%d to %s: %s deferred, budget %s, credit %s, loss %.2f%%",
				x.From, x.To, units.Bytes(float64(x.Deferred)), rate(x.Rate), bound(x.Credit), x.Loss*100))
		}
	}
	if len(worst) > 0 {
		p.Line("", "%s", strings.Join(worst, "\n          "))
	}
}
