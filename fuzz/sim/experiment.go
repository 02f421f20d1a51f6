package sim

import (
	"context"
	"fmt"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Experiment is a cluster that forms, is harmed and loaded for a while, and is
// watched until all replicas are equal.
type Experiment struct {
	Nodes    int
	Seed     uint64
	Link     simnet.Link
	Topology Topology

	Keys, Size int // keys of each node, written before it joins, and bytes of their values
	Spread     tune.Spread
	Mode       tune.Mode
	Order      tune.Order
	Interval   sched.Instant // 0: 100 ms
	Fanout     int           // 0: by the number of nodes
	Frame      int           // 0: the default
	NoDetector bool

	Split, Heal sched.Instant // halves do not hear each other from Split to Heal, if that is later
	Writes      int           // a second, of all nodes together
	Churn       int           // nodes that die a second; each comes back blank a second later
	For         sched.Instant // writes and churn end here

	Until   sched.Instant // the run ends here; 0: when all are equal
	Limit   sched.Instant // but not later than this; 0: an hour
	Check   bool          // hold every step against the laws: slow with many nodes
	Workers int
	// Progress is told how far it is, between steps; an error ends the run.
	Progress func(at sched.Instant, covered float64) error
}

// Report is what an experiment has shown.
type Report struct {
	Nodes       int     `json:"nodes"`
	Seed        uint64  `json:"seed"`
	Rounds      int     `json:"rounds"`     // exchange intervals
	VirtualMs   float64 `json:"virtual_ms"` // until all were equal, or the end
	Messages    uint64  `json:"messages"`   // sent
	Bytes       uint64  `json:"bytes"`
	Converged   bool    `json:"converged"`
	TraceHash   string  `json:"trace_hash"`
	Topology    string  `json:"topology"`
	Lost        uint64  `json:"lost"`        // of the messages, by the network
	Writes      uint64  `json:"writes"`      // local ones
	Entries     uint64  `json:"entries"`     // received that were news
	Repeated    uint64  `json:"repeated"`    // received that were not
	P50Ms       float64 `json:"p50_ms"`      // half of all (replica, author) pairs were up to date, for good
	P99Ms       float64 `json:"p99_ms"`      //
	P100Ms      float64 `json:"p100_ms"`     //
	BytesPerS   float64 `json:"bytes_per_s"` // of each node, on average
	WallMs      float64 `json:"wall_ms"`     // time that the run took here
	MessagesPer float64 `json:"messages_per_wall_s"`
	Difference  string  `json:"difference,omitempty"`
	Violation   string  `json:"violation,omitempty"`
	Curve       []Point `json:"curve"`
}

// Point is how far the replicas were at a time.
type Point struct {
	Ms      float64 `json:"ms"`
	Covered float64 `json:"covered"` // share of (replica, author) pairs that are up to date
}

// settings fills in what is not set.
func (x *Experiment) settings() {
	if x.Interval == 0 {
		x.Interval = 100 * sched.Millisecond
	}
	if x.Limit == 0 {
		x.Limit = 3600 * sched.Second
	}
	if x.Topology == "" {
		x.Topology = Mesh
	}
}

// Problem says what makes an experiment impossible, and how to mend it.
func (x *Experiment) Problem() error {
	switch {
	case x.Nodes < 2 || x.Nodes > NodesMax:
		return fmt.Errorf("--nodes %d: a cluster has 2 to %d; fix: --nodes 100", x.Nodes, NodesMax)
	case x.Size < 0 || x.Size > len(filler):
		return fmt.Errorf("--size %d: a value has up to %d bytes here; fix: --size 64", x.Size, len(filler))
	case x.Keys < 0 || x.Writes < 0 || x.Churn < 0:
		return fmt.Errorf("--keys, --writes and --churn can't be negative; fix: leave them out")
	case (x.Writes > 0 || x.Churn > 0) && x.For <= 0:
		return fmt.Errorf("--writes and --churn need a time; fix: --for 10s")
	case x.Heal < x.Split:
		return fmt.Errorf("--partition ends before it begins; fix: --partition 10s..20s")
	case x.Link.Delay.Max < x.Link.Delay.Min || x.Link.Delay.Min < 0:
		return fmt.Errorf("--delay ends before it begins; fix: --delay 100us..300us")
	}
	return nil
}

// Run runs it.
func (x Experiment) Run(ctx context.Context) (*Report, error) {
	x.settings()
	if err := x.Problem(); err != nil {
		return nil, err
	}
	start := time.Now()
	w := x.world()
	r := &Report{Nodes: x.Nodes, Seed: x.Seed, Topology: string(x.Topology)}
	end := x.quietFrom()
	for w.Err() == nil {
		covered := float64(w.Coverage()) / 1e6
		r.Curve = append(r.Curve, Point{float64(w.Now()) / 1e6, covered})
		if x.Progress != nil {
			if err := x.Progress(w.Now(), covered); err != nil {
				return nil, err
			}
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r.Converged = covered == 1 && w.Equal()
		if x.Until == 0 && r.Converged && w.Now() >= end || x.Until > 0 && w.Now() >= x.Until || w.Now() >= x.Limit {
			break
		}
		w.Run(x.step(w.Now()))
	}
	x.report(r, w, time.Since(start))
	return r, nil
}

// step is the time between two looks: short in the beginning, when much
// happens, and then an exchange interval.
func (x *Experiment) step(now sched.Instant) sched.Instant {
	step := min(max(now/4, sched.Millisecond), x.Interval)
	if x.Until > 0 {
		step = min(step, max(x.Until-now, 1))
	}
	return step
}

// quietFrom is when the last harm ends.
func (x *Experiment) quietFrom() sched.Instant {
	end := x.Heal
	if x.Writes > 0 || x.Churn > 0 {
		end = max(end, x.For)
	}
	if x.Churn > 0 {
		end = max(end, x.For+rest)
	}
	return end
}

// rest is how long a node stays down in churn.
const rest = sched.Second

func (x *Experiment) world() *World {
	w := New(Options{
		Nodes: x.Nodes, Seed: x.Seed, Link: x.Link, Check: x.Check, Workers: x.Workers,
		Config: func(_, _ int, c *core.Config) {
			c.Spread, c.Mode, c.Order, c.Interval, c.Fanout = x.Spread, x.Mode, x.Order, x.Interval, x.Fanout
			c.Experiment.NoDetector = x.NoDetector
			if x.Frame != 0 {
				c.Frame = x.Frame
			}
		},
	})
	for i := range x.Nodes {
		x.fill(w, i)
	}
	x.Topology.Wire(w)
	if x.Heal > x.Split {
		w.At(x.Split, func() {
			w.Net.Add(simnet.Rule{From: halfOf(x.Nodes), To: otherHalfOf(x.Nodes), Both: true, Cut: true, Until: Start + x.Heal})
		})
	}
	if x.Writes > 0 {
		x.write(w, sched.Second/sched.Instant(x.Writes))
	}
	if x.Churn > 0 {
		x.churn(w, sched.Second/sched.Instant(x.Churn))
	}
	return w
}

// fill writes a node's keys.
func (x *Experiment) fill(w *World, i int) {
	for k := range x.Keys {
		w.Set(i, fmt.Sprint("key-", k), filler[:x.Size])
	}
}

func halfOf(n int) simnet.Set { return setOfRange(0, n/2) }

func otherHalfOf(n int) simnet.Set { return setOfRange(n/2, n) }

func setOfRange(from, to int) simnet.Set {
	all := make([]int, 0, to-from)
	for i := from; i < to; i++ {
		all = append(all, i)
	}
	return simnet.SetOf(all...)
}

// write lets a random node write, again and again.
func (x *Experiment) write(w *World, gap sched.Instant) {
	w.After(gap, func() {
		if w.Now() > x.For {
			return
		}
		i := int(w.rand.Uint32n(uint32(x.Nodes)))
		w.Set(i, fmt.Sprint("key-", w.rand.Uint32n(uint32(max(1, x.Keys)))), value(&w.rand, max(x.Size, 20)))
		x.write(w, gap)
	})
}

// churn kills a random node, again and again; it comes back with the next
// generation and writes its keys again.
func (x *Experiment) churn(w *World, gap sched.Instant) {
	w.After(gap, func() {
		if w.Now() > x.For {
			return
		}
		if i := int(w.rand.Uint32n(uint32(x.Nodes))); w.Nodes[i].Up && x.Nodes > 1 {
			w.Stop(i)
			w.After(rest, func() {
				w.Start(i)
				x.fill(w, i)
				to := x.Topology.seed(x.Nodes, i)
				if i == 0 {
					to = 1
				}
				w.Join(i, to)
			})
		}
		x.churn(w, gap)
	})
}

// report fills in the figures.
func (x *Experiment) report(r *Report, w *World, wall time.Duration) {
	s := &w.Stats
	r.VirtualMs = float64(w.Now()) / 1e6
	r.Rounds = int((w.Now() + x.Interval - 1) / x.Interval)
	r.Messages, r.Bytes, r.Writes = s.Frames, s.Bytes, s.Writes
	r.TraceHash = fmt.Sprintf("%016x", w.Hash())
	for c := simnet.Arrived + 1; c < simnet.Causes; c++ {
		r.Lost += s.Fates[c]
	}
	for _, n := range w.Nodes {
		c := n.Core.Counters()
		r.Entries += c.EntriesNew
		r.Repeated += c.EntriesOld
	}
	r.P50Ms, r.P99Ms, r.P100Ms = reached(r.Curve, 0.5), reached(r.Curve, 0.99), reached(r.Curve, 1)
	r.BytesPerS = float64(r.Bytes) / max(r.VirtualMs/1e3, 1e-3) / float64(x.Nodes)
	r.WallMs = float64(wall.Microseconds()) / 1e3
	r.MessagesPer = float64(s.Delivered) / wall.Seconds()
	if !r.Converged {
		r.Difference = w.Difference()
	}
	if err := w.Err(); err != nil {
		r.Violation = err.Error()
	}
}

// reached is when the curve was at a height for good; -1 if it never was.
func reached(curve []Point, height float64) float64 {
	at := -1.0
	for i := len(curve) - 1; i >= 0 && curve[i].Covered >= height; i-- {
		at = curve[i].Ms
	}
	return at
}
