package load

import (
	"context"
	"io"
	"runtime/metrics"
	"slices"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// StalledReceiver compares runs in which the last node stops for the whole measured phase with runs
// in which it does not, in turns. What counts are the other nodes.
type StalledReceiver struct {
	Schema     string  `json:"schema"`
	Nodes      int     `json:"nodes"`
	RateTarget float64 `json:"rate_target"`
	DurationS  float64 `json:"duration_s"`
	Pairs      []Pair  `json:"pairs"`

	Ratio      float64 `json:"ratio"` // of the medians: p99 with ÷ p99 without
	RatioLeast float64 `json:"ratio_least"`
	RatioMost  float64 `json:"ratio_most"`
	Spread     float64 `json:"spread_without"` // how far apart the runs without are: (most - least) ÷ median
	MemoryMost float64 `json:"memory_growth_most"`
	Converged  bool    `json:"converged"`
	Failure    string  `json:"failure,omitempty"`
}

// Pair is one run with and one without. Times are of visibility on all nodes that do not stall.
type Pair struct {
	With, Without Stalled
	Ratio         float64 `json:"ratio"`
}

// Stalled is one run.
type Stalled struct {
	P50    float64 `json:"p50_us"`
	P99    float64 `json:"p99_us"`
	Before uint64  `json:"memory_before"` // bytes that the process has from the system
	After  uint64  `json:"memory_after"`
	Drain  float64 `json:"drain_ms"` // until the stalled node holds everything too
}

const stalledNodes = 32

// Passed reports whether every node held everything at the end of each run.
func (s *StalledReceiver) Passed() bool { return s.Converged }

// stopper is a Poller whose loop can be stopped as if its process were.
type stopper struct {
	batch.Poller
	mu sync.RWMutex
}

func (s *stopper) stop(yes bool) {
	if yes {
		s.mu.Lock()
	} else {
		s.mu.Unlock()
	}
}

// Wait is the wrapped Wait, and does not return while stopped.
func (s *stopper) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	n, err := s.Poller.Wait(deadline, ready)
	s.mu.RLock()
	defer s.mu.RUnlock()
	return n, err
}

// addStopper makes the loop of the last node.
func (c *engines) addStopper(s *stopper) {
	p, lock := engine.Sockets(c.idle)
	s.Poller = p
	c.pollers = append(c.pollers, p)
	c.reactors = append(c.reactors, engine.NewReactor(engine.ReactorOptions{Transport: s, LockThread: lock}))
}

func stalledReceiver(ctx context.Context, o *Options, run func(*Options) (*Report, error)) (*StalledReceiver, error) {
	p := *o
	if d := Defaults(); p.Nodes == d.Nodes {
		p.Nodes = stalledNodes
	}
	s := &StalledReceiver{
		Schema: "qn.stalled-receiver/1", Nodes: p.Nodes, RateTarget: float64(p.Rate), DurationS: p.Duration.Seconds(), Converged: true,
	}
	for i := range p.Pairs {
		var x Pair
		for k := range 2 {
			stall := (i+k)%2 == 0 // in turns, and not always the same one first
			into := &x.Without
			if stall {
				into = &x.With
			}
			if err := s.one(ctx, p, stall, run, into); err != nil {
				return nil, err
			}
		}
		x.Ratio = round(x.With.P99/max(x.Without.P99, 1), 4)
		s.Pairs = append(s.Pairs, x)
	}
	s.compare()
	return s, nil
}

func (s *StalledReceiver) one(ctx context.Context, o Options, stall bool, run func(*Options) (*Report, error), into *Stalled) error {
	o.stopper = &stopper{}
	o.Around = func(begin bool) {
		if stall {
			o.stopper.stop(begin)
		}
		if begin {
			into.Before = memory()
		} else {
			into.After = memory()
		}
	}
	r, err := run(&o)
	if err != nil {
		return err
	}
	into.P50, into.P99, into.Drain = r.VisibleAll.P50, r.VisibleAll.P99, r.DrainMs
	if !r.Converged {
		s.Converged, s.Failure = false, r.Failure
	}
	return ctx.Err()
}

// memory is what the process has from the system.
func memory() uint64 {
	m := []metrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	metrics.Read(m)
	return m[0].Value.Uint64() - m[1].Value.Uint64()
}

func (s *StalledReceiver) compare() {
	var with, without, ratios []float64
	for _, p := range s.Pairs {
		with, without, ratios = append(with, p.With.P99), append(without, p.Without.P99), append(ratios, p.Ratio)
		s.MemoryMost = max(s.MemoryMost, round(float64(p.With.After)/float64(max(1, p.With.Before))-1, 4))
	}
	s.Ratio = round(median(with)/max(median(without), 1), 4)
	s.RatioLeast, s.RatioMost = slices.Min(ratios), slices.Max(ratios)
	s.Spread = round((slices.Max(without)-slices.Min(without))/max(median(without), 1), 4)
}

func median(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	return (x[len(x)/2] + x[(len(x)-1)/2]) / 2
}

// WriteTable prints each pair and the whole.
func (s *StalledReceiver) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	us := func(v float64) string { return units.Span(int64(v * 1e3)) }
	p.Line("stalled", "%d nodes, %s writes/s, the last one stops for %v in every second run; the others:", s.Nodes,
		units.Count(uint64(s.RateTarget)), time.Duration(s.DurationS*float64(time.Second)))
	p.Line("", "%9s%9s%9s%9s%9s%14s%14s", "p50", "p99", "p50 with", "p99 with", "ratio", "memory with", "catches up")
	for _, x := range s.Pairs {
		p.Line("", "%9s%9s%9s%9s%9.3f%13.1f%%%14s", us(x.Without.P50), us(x.Without.P99), us(x.With.P50), us(x.With.P99), x.Ratio,
			100*(float64(x.With.After)/float64(max(1, x.With.Before))-1), millis(x.With.Drain))
	}
	p.Line("result", "p99 with ÷ without %.3f (medians), from %.3f to %.3f; runs without differ by %.0f%%", s.Ratio, s.RatioLeast, s.RatioMost, s.Spread*100)
	if s.Failure != "" {
		p.Line("note", "%s", s.Failure)
	}
	return p.Err()
}
