package load

import (
	"fmt"
	"io"
	"math"
	"slices"
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
	Cores     float64 `json:"cpu_cores"`
	Others    float64 `json:"cpu_cores_others"` // what everybody else on this machine had meanwhile
	Spoiled   bool    `json:"spoiled"`          // by others: it does not count
	Why       string  `json:"why,omitempty"`    // it was not sustained
	Limit     string  `json:"limit,omitempty"`  // what there was no more of
}

// Passed reports whether any rate was sustained.
func (m *Max) Passed() bool { return m.MaxRate > 0 }

const (
	probeSpan    = 3 * time.Second  // measured time of a step of the search
	gridShift    = 16               // rates that double are so many steps apart: 4.4 % each
	turnsWanted  = 6                // turns of the search between neighbours: it ends in their middle
	runsMax      = 80               // runs of a search
	fullTries    = 2                // runs of the full duration that fail before the next lower rate is tried
	spoiledMax   = 4                // runs of one rate that others may spoil
	spoiledRest  = time.Second      // after each of them
	spoiledCores = 0.15             // what others may have without spoiling it
	rateMin      = 100              // the grid begins here
	rateMax      = 1e8              // no machine gets there: a bound for the loop
	drainMax     = 10 * time.Second // a rate whose queue takes longer was not sustained
)

// gridRate is a rate of the grid: what is tried does not depend on where the search began.
func gridRate(i int) uint64 { return uint64(math.Round(rateMin * math.Exp2(float64(i)/gridShift))) }

// gridIndex is the highest rate of the grid that is not above this one, or the lowest.
func gridIndex(rate uint64) (i int) {
	for gridRate(i+1) <= rate {
		i++
	}
	return i
}

// search finds the highest sustained rate of the grid by sequential testing (PEST: Taylor and Creelman,
// 1967): up after a run that held and down after one that failed, in steps that become smaller where the
// direction turns and larger where it stays, until it goes to and fro between neighbours. A single run that
// fails by chance costs some runs more; halving a gap would never come back from it. Then one run of the
// full duration at the rate found must hold, or the next lower one is tried.
type search struct {
	opt    Options
	run    func(*Options) (*Report, error)
	rest   func(time.Duration)
	result Max
}

func findMax(o *Options, run func(*Options) (*Report, error), rest func(time.Duration)) (*Max, error) {
	s := &search{opt: *o, run: run, rest: rest}
	at, err := s.climb(gridIndex(uint64(o.Rate)), min(probeSpan, o.Duration))
	for ; err == nil && at >= 0 && s.result.MaxRate == 0; at-- {
		var ok bool
		if ok, err = s.sustains(at, fullTries, o.Duration); ok {
			s.result.MaxRate = float64(gridRate(at))
		}
	}
	return &s.result, err
}

// climb returns the rate of which as many runs hold as fail; -1: it is below the grid.
func (s *search) climb(at int, span time.Duration) (int, error) {
	step, same, up := gridShift, 0, true
	turns := make([]int, 0, turnsWanted)
	for runs := 0; len(turns) < turnsWanted && runs < runsMax; runs++ {
		ok, err := s.sustains(at, 1, span)
		switch {
		case err != nil:
			return 0, err
		case ok == up || runs == 0:
			if same++; same > 2 {
				step, turns = min(2*step, gridShift), turns[:0] // where it turned was not the place
			}
		case step == 1:
			turns = append(turns, at)
			same = 1
		default:
			step, same = step/2, 1
		}
		switch up = ok; {
		case ok:
			at = min(at+step, gridIndex(rateMax))
		case at == 0 && same >= fullTries:
			return -1, nil
		default:
			at = max(at-step, 0)
		}
	}
	slices.Sort(turns)
	if len(turns) == 0 {
		return at, nil
	}
	return turns[(len(turns)-1)/2], nil
}

// sustains runs one rate until a run holds, or so many fail; those that others spoiled don't count,
// as long as they are few. It keeps the report of the last run that held.
func (s *search) sustains(i, tries int, span time.Duration) (bool, error) {
	for spoiled, failed := 0, 0; failed < tries; {
		o, rate := s.opt, gridRate(i)
		o.Rate, o.Duration, o.Drain = units.Rate(rate), span, min(s.opt.Drain, drainMax)
		r, err := s.run(&o)
		if err != nil {
			return false, err
		}
		ok := r.Sustained()
		step := Step{
			Rate: float64(rate), Achieved: r.RateAchieved, DurationS: o.Duration.Seconds(),
			Sustained: ok, AllP99: r.VisibleAll.P99, Why: r.shortfall(), Limit: r.limit(),
			Delivered: r.Deliveries, Coalesced: r.Coalesced, Cores: r.CPUCores, Others: r.CPUOthers,
			Spoiled: !ok && r.CPUOthers > spoiledCores && spoiled < spoiledMax,
		}
		s.result.Steps = append(s.result.Steps, step)
		if ok || s.result.Report == nil {
			s.result.Report = r
		}
		switch {
		case step.Spoiled:
			spoiled++
			s.rest(spoiledRest)
		case ok:
			return true, nil
		default:
			failed++
		}
	}
	return false, nil
}

// limit says what a run had no more of, as far as it can be seen: the processors, or the time of a loop,
// of which each has one, or none of both: what is written is held back.
func (r *Report) limit() string {
	free := float64(r.Env.Cores) - r.CPUCores - r.CPUOthers
	switch {
	case r.Env.Cores == 0 || r.CPUCores == 0:
		return ""
	case free < 0.05*float64(r.Env.Cores):
		return fmt.Sprintf("all %d processors were busy", r.Env.Cores)
	case r.CPUCores > 0.95*float64(r.Reactors):
		return fmt.Sprintf("%d loops had %.2f processors", r.Reactors, r.CPUCores)
	}
	return fmt.Sprintf("%.2f of %d processors were idle", free, r.Env.Cores)
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
	return fmt.Sprintf("news fell behind by %.1f%% of the time", 100*r.Behind)
}

// verdict is what a step showed.
func (s *Step) verdict() string {
	v := "sustained"
	if !s.Sustained {
		v = s.Why
	}
	if s.Limit != "" {
		v += "; " + s.Limit
	}
	if s.Spoiled {
		v = "spoiled by others: " + v
	}
	return v
}

// WriteTable prints the steps, then the longest run at the rate found.
func (m *Max) WriteTable(w io.Writer) error {
	p := form.NewPrinter(w)
	p.Line("", "%12s%12s%14s%8s%12s%7s%8s  %s", "rate/s", "achieved/s", "deliveries/s", "run", "p99 to all", "cores", "others", "")
	for _, s := range m.Steps {
		p.Line("step", "%12s%12s%14s%7gs%12s%7.2f%8.2f  %s", units.Count(uint64(s.Rate)), units.Count(uint64(s.Achieved)),
			units.Count(uint64(s.Delivered)), s.DurationS, units.Span(int64(s.AllP99*1e3)), s.Cores, s.Others, s.verdict())
	}
	if m.Report != nil {
		_ = m.Report.WriteTable(p) // Err tells
	}
	p.Line("max", "%s writes/s sustained by %d nodes", units.Count(uint64(m.MaxRate)), m.Nodes)
	return p.Err()
}
