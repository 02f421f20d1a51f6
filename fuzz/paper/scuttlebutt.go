package paper

import (
	"context"
	"fmt"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
)

// Ordering is one curve of the experiment.
type Ordering struct {
	Name  string
	Order reconcile.Order
	Cut   bool // depth: the last participant of an exchange is cut at the limit
}

// Orderings are the paper's four, our own, and depth with a hard limit.
func Orderings() []Ordering {
	return []Ordering{
		{"precise-newest", reconcile.PreciseNewest, false},
		{"scuttle-breadth", reconcile.Breadth, false},
		{"precise-oldest", reconcile.PreciseOldest, false},
		{"scuttle-depth", reconcile.Depth, false},
		{"fair", reconcile.Fair, false},
		{"scuttle-depth-cut", reconcile.Depth, true},
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
	// Uniform chooses each partner anew; otherwise each participant goes through
	// the others in rounds of its own, each in another order.
	Uniform bool
	// Seconds of the schedule: limit, double load, single load, no load, end;
	// 15, 25, 75, 120, 145.
	Limit, Double, Single, Stop, End int
}

func (p *Plan) fill() {
	set := func(v *int, to int) {
		if *v == 0 {
			*v = to
		}
	}
	set(&p.Nodes, 128)
	set(&p.Keys, 64)
	set(&p.MTU, 100)
	set(&p.Limit, 15)
	set(&p.Double, 25)
	set(&p.Single, 75)
	set(&p.Stop, 120)
	set(&p.End, 145)
	if p.Delay == 0 {
		p.Delay = sched.Millisecond
	}
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
	w    *sim.World
	zero sched.Instant
	keys []string
	made []author
}

// author is what one participant wrote.
type author struct {
	id   codec.OriginID
	keys [][]update // by key, in order
	n    uint64
}

type update struct {
	version uint64
	at      sched.Instant
}

// Run makes one run.
func Run(ctx context.Context, p Plan) ([]Sample, error) {
	p.fill()
	r := &run{Plan: p}
	for k := range p.Keys {
		r.keys = append(r.keys, fmt.Sprintf("k%02d", k))
	}
	r.w = sim.New(sim.Options{
		Nodes: p.Nodes, Seed: p.Seed, Link: simnet.Link{Delay: simnet.Delay{Min: p.Delay, Max: p.Delay}},
		Config: func(_, _ int, c *core.Config) { r.configure(c) },
	})
	if err := r.meet(); err != nil {
		return nil, err
	}
	r.zero = r.w.Now()
	r.made = make([]author, p.Nodes)
	for i := range r.made {
		r.made[i] = author{id: r.w.Nodes[i].Core.Parts().Self.ID, keys: make([][]update, p.Keys)}
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

func (r *run) configure(c *core.Config) {
	c.Order, c.Spread, c.Flow = r.Order, core.Gossip, flow.Off
	x := c.Experiment
	x.NoPrint, x.Uniform, x.NoDetector, x.Whole, x.Frames = true, r.Uniform, true, !r.Cut, 1<<10
	c.Interval = interval
	all := r.Nodes * r.Keys
	c.Limits.State = state.Limits{Origins: 2 * r.Nodes, Keys: 2 * all, ValueBytes: 128 * all}
	c.Limits.Peers, c.Limits.Jobs, c.Limits.Wants = r.Nodes+8, 64, max(r.Nodes, all/2)
}

// meet lets everybody join the first and waits until all know all.
func (r *run) meet() error {
	for i := 1; i < r.Nodes; i++ {
		r.w.Join(i, 0)
	}
	for range 120 {
		r.w.Run(sched.Second)
		known := true
		for _, n := range r.w.Nodes {
			members := n.Core.Agreement(0).Members
			known = known && members == r.Nodes-1
		}
		if known {
			return nil
		}
	}
	return fmt.Errorf("paper: %d participants did not all meet within two minutes", r.Nodes)
}

// time is the time of the experiment.
func (r *run) time() sched.Instant { return r.w.Now() - r.zero }

// period is the time between two updates of one participant; 0: no more.
func (r *run) period() sched.Instant {
	switch s := int(r.time() / sched.Second); {
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
	a := &r.made[i]
	a.n++
	k := r.w.Rand().Uint32n(uint32(r.Keys))
	a.keys[k] = append(a.keys[k], update{a.n, r.time()})
	r.w.Set(i, r.keys[k], "12345678")
	r.w.After(r.w.Rand().Between(period/2, period+period/2), func() { r.write(i) })
}

// sample holds every replica against what the authors wrote.
func (r *run) sample(s int) Sample {
	now, oldest, newest, stale := r.time(), r.time(), r.time(), 0
	have := make([]uint64, r.Keys)
	var cur state.Cursor
	var e codec.Entry
	for _, n := range r.w.Nodes {
		st := n.Core.Parts().Store
		for i := range r.made {
			a := &r.made[i]
			clear(have)
			for st.After(st.Find(a.id), 0, &cur); cur.Next(&e); {
				have[int(e.Key[1]-'0')*10+int(e.Key[2]-'0')] = e.Version
			}
			for k, made := range a.keys {
				if first, ok := lacking(made, have[k]); ok {
					stale++
					oldest = min(oldest, first)
					newest = min(newest, made[len(made)-1].at)
				}
			}
		}
	}
	return Sample{s, float64(now-oldest) / float64(sched.Second), float64(stale) / float64(r.Nodes), float64(now-newest) / float64(sched.Second)}
}

// lacking gives the time of the first update above a version.
func lacking(made []update, have uint64) (sched.Instant, bool) {
	i := len(made)
	for i > 0 && made[i-1].version > have {
		i--
	}
	if i == len(made) {
		return 0, false
	}
	return made[i].at, true
}
