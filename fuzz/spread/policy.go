package spread

import (
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Policy is one way to spread.
type Policy struct {
	Name   string
	Spread tune.Spread
	Fanout int
	Rumor  tune.RumorPolicy
}

// Policies are what is compared.
func Policies() []Policy {
	p := []Policy{{Name: "mail", Spread: tune.SpreadMail}}
	for _, k := range []int{2, 3, 4, 6, 8} {
		p = append(p, Policy{Name: "blind-" + string(rune('0'+k)), Spread: tune.SpreadRumor, Fanout: k})
	}
	return append(p,
		Policy{Name: "feedback-2", Spread: tune.SpreadRumor, Rumor: tune.RumorPolicy{K: 1, Fanout: 2}},
		Policy{Name: "push-pull", Spread: tune.SpreadRumor, Rumor: tune.RumorPolicy{Shape: tune.ShapePushPull, K: 2, Minimize: true, Fanout: 2}},
		Policy{Name: "delegated", Spread: tune.SpreadDelegated},
		Policy{Name: "gossip", Spread: tune.SpreadGossip},
		Policy{Name: "auto", Spread: tune.SpreadAuto},
	)
}

// Plan is what to measure.
type Plan struct {
	Nodes    int
	Policy   Policy
	Diff     tune.Diff
	Losses   []float64
	Rate     int           // writes a second in the cluster
	Span     sched.Instant // for so long, at each loss
	Interval sched.Instant // between exchanges; 0: the default
	Seed     uint64

	MailMax   int           // see core.Experiment; 0: the default
	FrameTime sched.Instant // that a loop takes for each frame, in and out; 0: none
}

// Row is what a policy did at one loss.
type Row struct {
	Policy string  `json:"policy"`
	Nodes  int     `json:"nodes"`
	Loss   float64 `json:"loss"`
	Rate   int     `json:"writes_per_s"`

	P50us  int64 `json:"p50_us"`
	P99us  int64 `json:"p99_us"`
	Lastus int64 `json:"last_us"`

	Redundancy float64 `json:"redundancy"`   // entries received for each that was news
	Frames     float64 `json:"frames"`       // sent, for each delivery
	Bytes      float64 `json:"bytes"`        // sent, for each delivery
	PerNode    float64 `json:"frames_per_s"` // sent by a member
	Load       float64 `json:"load"`         // share of a core that a member spends on frames
	Burst      int64   `json:"burst_us"`     // what the last copy of a write waits at its author
	Missing    int     `json:"missing"`      // deliveries that had not come when all was equal again
	Settled    int64   `json:"settled_us"`   // from the last write until all were equal
	Agreeing   float64 `json:"fallbacks"`    // of exchanges: those that came down to the vector
}

// Measure forms a cluster and runs the plan.
func Measure(p *Plan) ([]Row, error) {
	c, err := form(p.Nodes, p.Seed, false, func(k *core.Config) {
		k.Spread, k.Fanout, k.Rumor = p.Policy.Spread, p.Policy.Fanout, p.Policy.Rumor
		k.Interval, k.Diff, k.Experiment.MailMax = p.Interval, p.Diff, p.MailMax
	})
	if err != nil {
		return nil, err
	}
	if p.FrameTime > 0 {
		for _, n := range c.Nodes {
			n.Takes(p.FrameTime)
		}
	}
	var rows []Row
	for _, loss := range p.Losses {
		rows = append(rows, c.row(p, loss))
	}
	return rows, nil
}

func (c *cluster) row(p *Plan, loss float64) Row {
	c.Net.SetLink(link(loss))
	c.writes(p.Rate, p.Span/2) // the policy finds its feet
	c.begin()
	from, began := c.counters(), c.Now()
	c.writes(p.Rate, p.Span)
	to, span := c.counters(), float64(c.Now()-began)/float64(sched.Second)
	took, _ := c.Converge(10*sched.Millisecond, 60*sched.Second)
	q, n := c.quantiles(-1, 0.5, 0.99, 1)
	want := 0
	for i := range c.wrote {
		want += (len(c.wrote[i]) - int(c.since[i])) * (len(c.Nodes) - 1)
	}
	news := float64(max(1, to.EntriesNew-from.EntriesNew))
	sent := float64(to.FramesSent - from.FramesSent)
	per := sent / float64(len(c.Nodes)) / span
	burst := int64(0)
	if p.Policy.Spread == tune.SpreadMail {
		burst = int64(sched.Instant(p.Nodes) * FrameCost / sched.Microsecond)
	}
	us := func(d sched.Instant) int64 { return int64(d / sched.Microsecond) }
	return Row{
		Policy: p.Policy.Name, Nodes: p.Nodes, Loss: loss, Rate: p.Rate,
		P50us: us(q[0]), P99us: us(q[1]), Lastus: us(q[2]),
		Redundancy: float64(to.EntriesNew-from.EntriesNew+to.EntriesOld-from.EntriesOld) / news,
		Frames:     sent / news, Bytes: float64(to.BytesSent-from.BytesSent) / news,
		PerNode: per, Load: (per + float64(to.FramesReceived-from.FramesReceived)/float64(len(c.Nodes))/span) * float64(FrameCost) / float64(sched.Second),
		Burst: burst, Missing: want - n, Settled: us(took),
		Agreeing: float64(to.Fallbacks-from.Fallbacks) / float64(max(1, to.Exchanges-from.Exchanges)),
	}
}
