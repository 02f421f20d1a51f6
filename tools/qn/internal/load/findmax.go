package load

import (
	"fmt"
	"io"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/form"
	"github.com/quidnunc/quidnunc/tools/qn/internal/units"
)

// Max is the result of a search for the highest sustained rate.
type Max struct {
	*Report         // the longest run at MaxRate
	MaxRate float64 `json:"max_rate"` // 0 if not even the lowest rate was sustained
	Steps   []Step  `json:"steps"`
}

// Step is one run of the search.
type Step struct {
	Rate      float64 `json:"rate"`
	Achieved  float64 `json:"achieved"`
	DurationS float64 `json:"duration_s"`
	Sustained bool    `json:"sustained"`
	AllP99    float64 `json:"visible_all_p99_us"`
	Delivered float64 `json:"deliveries_per_s"`
	Coalesced float64 `json:"coalesced_share"`
	Why       string  `json:"why,omitempty"`
}

// Passed reports whether any rate was sustained.
func (m *Max) Passed() bool { return m.MaxRate > 0 }

const (
	probeSpan    = 3 * time.Second // measured time of a step of the search
	precision    = 1.04            // the search ends when the two bounds are this close
	triesPerRate = 2               // a machine with neighbours may fail a rate that it sustains
	rateMin      = 100
	rateMax      = 1e8              // no machine gets there: a bound for the loop
	drainMax     = 10 * time.Second // a rate whose queue takes longer was not sustained
)

// search finds the highest sustained rate: doubling, then halving the gap, then one run of the full
// duration at the rate found, which must be sustained too or a rate a twentieth lower is tried.
type search struct {
	opt    Options
	run    func(*Options) (*Report, error)
	result Max
}

func findMax(o *Options, run func(*Options) (*Report, error)) (*Max, error) {
	s := &search{opt: *o, run: run}
	low, high, err := s.bracket(uint64(o.Rate))
	for err == nil && low > 0 && float64(high) > float64(low)*precision {
		middle, ok := low+(high-low)/2, false
		if ok, err = s.sustains(middle, min(probeSpan, o.Duration)); ok {
			low = middle
		} else {
			high = middle
		}
	}
	for ; err == nil && low >= rateMin && s.result.MaxRate == 0; low -= low / 20 {
		var ok bool
		if ok, err = s.sustains(low, o.Duration); ok {
			s.result.MaxRate = float64(low)
		}
	}
	return &s.result, err
}

// bracket returns a sustained rate and one that is not; low is 0 if nothing above the minimum is
// sustained.
func (s *search) bracket(from uint64) (low, high uint64, err error) {
	for rate := from; rate < rateMax; rate *= 2 {
		ok, err := s.sustains(rate, min(probeSpan, s.opt.Duration))
		switch {
		case err != nil:
			return 0, 0, err
		case ok:
			low = rate
			continue
		case low > 0:
			return low, rate, nil
		}
		for high, rate = rate, rate/2; rate >= rateMin; high, rate = rate, rate/2 {
			if ok, err := s.sustains(rate, min(probeSpan, s.opt.Duration)); ok || err != nil {
				return rate, high, err
			}
		}
		return 0, high, nil
	}
	return low, low, nil
}

// sustains runs one rate, again if it fails, and keeps the report of the last run that held.
func (s *search) sustains(rate uint64, span time.Duration) (bool, error) {
	for range triesPerRate {
		o := s.opt
		o.Rate, o.Duration, o.Drain = units.Rate(rate), span, min(s.opt.Drain, drainMax)
		r, err := s.run(&o)
		if err != nil {
			return false, err
		}
		ok := r.Sustained()
		s.result.Steps = append(s.result.Steps, Step{
			Rate: float64(rate), Achieved: r.RateAchieved, DurationS: o.Duration.Seconds(),
			Sustained: ok, AllP99: r.VisibleAll.P99, Why: r.shortfall(),
			Delivered: r.Deliveries, Coalesced: r.Coalesced,
		})
		if ok || s.result.Report == nil {
			s.result.Report = r
		}
		if ok {
			return true, nil
		}
	}
	return false, nil
}

// shortfall says why the rate was not sustained.
func (r *Report) shortfall() string {
	switch {
	case r.Sustained():
		return ""
	case !r.Converged:
		return "not converged: " + r.Failure
	case r.RateAchieved < 0.99*r.RateTarget:
		return fmt.Sprintf("achieved %.1f%% (%d refused, %d missed)", 100*r.RateAchieved/r.RateTarget, r.WritesRejected, r.WritesMissed)
	case r.Coalesced > coalescedMax:
		return fmt.Sprintf("%.0f%% of the writes were overtaken by newer ones of the same key", 100*r.Coalesced)
	}
	return fmt.Sprintf("p99 grew from %s to %s", units.Span(int64(r.FirstThird*1e3)), units.Span(int64(r.LastThird*1e3)))
}

// WriteTable prints the steps, then the longest run at the rate found.
func (m *Max) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	p.Line("", "%12s%12s%14s%8s%12s  %s", "rate/s", "achieved/s", "deliveries/s", "run", "p99 to all", "")
	for _, s := range m.Steps {
		verdict := "sustained"
		if !s.Sustained {
			verdict = s.Why
		}
		p.Line("step", "%12s%12s%14s%7gs%12s  %s", units.Count(uint64(s.Rate)), units.Count(uint64(s.Achieved)),
			units.Count(uint64(s.Delivered)), s.DurationS, units.Span(int64(s.AllP99*1e3)), verdict)
	}
	if m.Report != nil {
		_ = m.Report.WriteTable(p) // Err tells
	}
	p.Line("max", "%s writes/s sustained by %d nodes", units.Count(uint64(m.MaxRate)), m.Nodes)
	return p.Err()
}
