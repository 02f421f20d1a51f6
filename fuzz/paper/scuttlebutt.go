package paper

import (
	"cmp"
	"context"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/fuzz/staleness"
	"github.com/quidnunc/quidnunc/sched"
)

// Ordering is one curve of the experiment.
type Ordering struct {
	Name  string
	Order tune.Order
	Cut   bool // depth: the last participant of an exchange is cut at the limit
}

// Orderings are the paper's four, our own, and depth with a hard limit.
func Orderings() []Ordering {
	return []Ordering{
		{"precise-newest", tune.OrderPreciseNewest, false},
		{"scuttle-breadth", tune.OrderBreadth, false},
		{"precise-oldest", tune.OrderPreciseOldest, false},
		{"scuttle-depth", tune.OrderDepth, false},
		{"fair", tune.OrderFair, false},
		{"scuttle-depth-cut", tune.OrderDepth, true},
	}
}

// Plan is one run. The zero value of a field takes the paper's.
type Plan struct {
	Nodes int // participants; 128
	Keys  int // of each; 64
	MTU   int // entries in each direction of an exchange; 100
	Ordering
	Seed uint64
	// Delay is how long a message takes; 1 ms, so that exchanges hardly overlap.
	Delay sched.Instant
	Partners
	// Seconds of the schedule: limit, double load, single load, no load, end;
	// 15, 25, 75, 120, 145.
	Limit, Double, Single, Stop, End int
}

// Partners is how a participant chooses whom to call.
type Partners uint8

// The ways, of which the paper says only that partners are random.
const (
	Even    Partners = iota // everybody calls once and is called once a second: with it the paper's figure comes out
	Rounds                  // the others in turn, shuffled for each round, as the engine does
	Uniform                 // anybody, each time
)

var partnerNames = []string{"even", "rounds", "uniform"}

// String is the way in one word.
func (p Partners) String() string { return partnerNames[p] }

// PartnersByName are the ways by their words.
func PartnersByName() []string { return partnerNames }

func (p *Plan) fill() {
	p.Nodes, p.Keys, p.MTU = cmp.Or(p.Nodes, 128), cmp.Or(p.Keys, 64), cmp.Or(p.MTU, 100)
	p.Limit, p.Double, p.Single = cmp.Or(p.Limit, 15), cmp.Or(p.Double, 25), cmp.Or(p.Single, 75)
	p.Stop, p.End, p.Delay = cmp.Or(p.Stop, 120), cmp.Or(p.End, 145), cmp.Or(p.Delay, sched.Millisecond)
}

// Schedule are the seconds at which something changes: the limit begins, the load
// doubles, halves again, and ends.
func (p Plan) Schedule() (limit, double, single, stop int) {
	p.fill()
	return p.Limit, p.Double, p.Single, p.Stop
}

const interval = sched.Second

// Sample is the cluster at one second.
type Sample struct {
	Second    int     `json:"s"`
	Staleness float64 `json:"staleness_s"` // the largest
	Stale     float64 `json:"stale"`       // mappings at one participant, in the mean
	Age       float64 `json:"age_s"`       // of the author's newest update, the largest among stale mappings
}

type run struct {
	Plan
	w     *sim.World
	l     *staleness.Ledger
	pairs staleness.Pairs
}

// Run makes one run.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	p.fill()
	r := &run{Plan: p}
	r.w = sim.New(sim.Options{
		Nodes: p.Nodes, Seed: p.Seed, Link: simnet.Link{Delay: simnet.Delay{Min: p.Delay, Max: p.Delay}},
		Config: func(i, _ int, c *core.Config) { r.configure(i, c) },
	})
	r.pairs.Init(r.w, p.Seed)
	var err error
	if r.l, err = staleness.Open(r.w, p.Keys, 120*sched.Second); err != nil {
		return nil, err
	}
	for i := range p.Nodes {
		r.later(i, interval)
	}
	var samples []Sample
	for s := 1; s <= p.End; s++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if s-1 == p.Limit {
			for _, n := range r.w.Nodes {
				n.Core.Parts().Flow.SetEntries(p.MTU)
			}
		}
		r.w.Run(sched.Second)
		samples = append(samples, r.sample(s))
	}
	return samples, r.w.Err()
}

func (r *run) configure(i int, c *core.Config) {
	c.Order, c.Spread, c.Flow = r.Order, tune.SpreadGossip, tune.FlowOff
	x := c.Experiment
	x.NoPrint, x.Uniform, x.NoDetector, x.NoWord, x.Whole, x.Frames = true, r.Partners == Uniform, true, true, !r.Cut, 1<<10
	if r.Partners == Even {
		x.Partner = func() uint32 { return r.pairs.Of(i) }
	}
	c.Interval = interval
	all := r.Nodes * r.Keys
	c.Limits.State = state.Limits{Origins: 2 * r.Nodes, Keys: 2 * all, ValueBytes: 128 * all}
	c.Limits.Peers, c.Limits.Jobs, c.Limits.Wants = r.Nodes+8, 64, max(r.Nodes, all/2)
}

// period is the time between two updates of one participant; 0: no more.
func (r *run) period() sched.Instant {
	switch s := int(r.l.Now() / sched.Second); {
	case s >= r.Stop:
		return 0
	case s >= r.Double && s < r.Single:
		return interval / 2
	default:
		return interval
	}
}

// later sets the next update: within the span, at a random time.
func (r *run) later(i int, span sched.Instant) {
	r.w.After(r.w.Rand().Between(0, span), func() { r.write(i) })
}

// write makes one update. Between two of a participant is half a period to one
// and a half.
func (r *run) write(i int) {
	period := r.period()
	if period == 0 {
		return
	}
	r.l.Write(i, int(r.w.Rand().Uint32n(uint32(r.Keys))))
	r.w.After(r.w.Rand().Between(period/2, period+period/2), func() { r.write(i) })
}

// sample holds every replica against what the authors wrote.
func (r *run) sample(s int) Sample {
	l := r.l.Lack()
	seconds := func(d sched.Instant) float64 { return float64(d) / float64(sched.Second) }
	return Sample{s, seconds(l.Staleness), float64(l.Mappings) / float64(r.Nodes), seconds(l.Age)}
}
