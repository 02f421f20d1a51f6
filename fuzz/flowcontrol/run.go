package flowcontrol

import (
	"cmp"
	"context"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/fuzz/staleness"
	"github.com/quidnunc/quidnunc/sched"
)

// Plan is one run. The zero value of a field takes the paper's.
type Plan struct {
	Nodes int        // participants; 128
	Keys  int        // of each; 64
	MTU   int        // entries in each direction of an exchange; 100
	Order tune.Order // how an exchange is filled
	Seed  uint64
	// Rate is a fixed rate of updates a second of each participant, without
	// flow control; 0: with it.
	Rate             float64
	Start, Half, End int // seconds; 15, 90, 180
	// Progress is told after each second how many are through, if set.
	Progress func(second, end int)
}

func (p *Plan) fill() {
	p.Nodes, p.Keys, p.MTU = cmp.Or(p.Nodes, 128), cmp.Or(p.Keys, 64), cmp.Or(p.MTU, 100)
	p.Start, p.Half, p.End = cmp.Or(p.Start, 15), cmp.Or(p.Half, 90), cmp.Or(p.End, 180)
}

// Capacity is the rate above which updates pile up: each participant receives
// 2·mtu entries an interval and needs those of all others.
func Capacity(nodes, mtu int) float64 { return 2 * float64(mtu) / float64(nodes-1) }

// Sample is the cluster at one second.
type Sample struct {
	Second    int     `json:"s"`
	Rate      float64 `json:"rate"`        // mean τ, or the fixed rate
	RateMax   float64 `json:"rate_max"`    // the largest τ
	Updates   float64 `json:"updates"`     // made in this second, of each participant
	Staleness float64 `json:"staleness_s"` // the largest
	Jain      float64 `json:"jain"`        // of the updates that each made in the last 30 s
}

const (
	window   = 30 // seconds
	interval = sched.Second
	second   = sched.Second
	fixed    = 20 * sched.Millisecond // how often a writer looks whether it may
	burst    = 100                    // updates of one look at the most
)

// writer is one participant's wish to update.
type writer struct {
	owed  float64
	wrote [window]int // in each of the last seconds
}

type run struct {
	Plan
	w       *sim.World
	l       *staleness.Ledger
	writers []writer
	slot    int // of the second that runs
	pairs   staleness.Pairs
}

// Run makes one run.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	p.fill()
	r := &run{Plan: p, writers: make([]writer, p.Nodes)}
	r.w = sim.New(sim.Options{
		Nodes: p.Nodes, Seed: p.Seed, Link: simnet.Link{Delay: simnet.Delay{Min: 10 * sched.Millisecond, Max: 50 * sched.Millisecond}},
		Config: func(i, _ int, c *core.Config) { r.configure(i, c) },
	})
	r.pairs.Init(r.w, p.Seed)
	var err error
	if r.l, err = staleness.Open(r.w, p.Keys, 60*second); err != nil {
		return nil, err
	}
	for i := range r.writers { // not in step with each other
		r.w.After(sched.Instant(p.Start)*second+r.w.Rand().Between(0, fixed), func() { r.write(i) })
	}
	var samples []Sample
	for s := 1; s <= p.End; s++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s-1 == p.Half {
			for _, n := range r.w.Nodes {
				n.Core.Parts().Flow.SetEntries(p.MTU / 2)
			}
		}
		r.slot = s % window
		for i := range r.writers {
			r.writers[i].wrote[r.slot] = 0
		}
		r.w.Run(second)
		samples = append(samples, r.sample(s))
		if p.Progress != nil {
			p.Progress(s, p.End)
		}
	}
	return samples, r.w.Err()
}

func (r *run) configure(i int, c *core.Config) {
	c.Order, c.Spread, c.Interval, c.Refuse = r.Order, tune.SpreadGossip, interval, true
	x := c.Experiment
	x.NoPrint, x.NoDetector, x.NoWord, x.Deltas, x.Frames = true, true, true, r.MTU, 64
	x.Partner = func() uint32 { return r.pairs.Of(i) }
	if r.Rate > 0 {
		c.Flow = tune.FlowOff
	} else {
		x.Plan = flow.PaperPlan(r.MTU, interval)
	}
	c.Limits.State = state.LimitsDefault()
	c.Limits.State.Keys = 2 * r.Nodes * (r.Keys + 8)
	c.Limits.Peers, c.Limits.Jobs = r.Nodes+8, 64
}

// write makes the updates that a participant may make now, and looks again later.
func (r *run) write(i int) {
	w := &r.writers[i]
	w.owed += r.Rate * float64(fixed) / float64(second)
	for range burst {
		if !r.may(i) {
			break
		}
		w.wrote[r.slot]++
		r.l.Write(i, int(r.w.Rand().Uint32n(uint32(r.Keys))))
	}
	r.w.After(fixed, func() { r.write(i) })
}

// may takes the permission for one update, if there is one.
func (r *run) may(i int) bool {
	if r.Rate == 0 {
		ok, _, _ := r.w.Nodes[i].Core.Admit(r.w.Instant(), staleness.WriteKeyBytes, staleness.WriteValueBytes)
		return ok
	}
	w := &r.writers[i]
	if w.owed < 1 {
		return false
	}
	w.owed--
	return true
}

func (r *run) sample(s int) Sample {
	out := Sample{Second: s, Rate: r.Rate, RateMax: r.Rate}
	var sum, square float64
	for i := range r.writers {
		n := 0.0
		for _, k := range r.writers[i].wrote {
			n += float64(k)
		}
		sum, square = sum+n, square+n*n
		out.Updates += float64(r.writers[i].wrote[r.slot]) / float64(r.Nodes)
	}
	if square > 0 {
		out.Jain = sum * sum / (float64(r.Nodes) * square)
	}
	if r.Rate == 0 {
		for i := range r.writers {
			tau := float64(r.w.Nodes[i].Core.Parts().Flow.Allowed()) / flow.Thousandth
			out.Rate += tau / float64(r.Nodes)
			out.RateMax = max(out.RateMax, tau)
		}
	}
	out.Staleness = float64(r.l.Lack().Staleness) / float64(second)
	return out
}
