package paper

import "github.com/quidnunc/quidnunc/fuzz/staleness"

// Merged are several runs of one ordering, with different seeds.
type Merged struct {
	Summary         // each figure is the median over the runs
	Runs    int     `json:"runs"`
	PeakMin float64 `json:"peak_min_s"` // the least peak of a run
	PeakMax float64 `json:"peak_max_s"` // and the greatest
	Curve   []Band  `json:"-"`
}

// Band is one second of several runs.
type Band struct {
	Second        int
	Median        Sample
	Least, Most   float64 // staleness
	Fewest, Worst float64 // stale mappings
}

// Merge takes medians and ranges of runs of one plan. There is at least one, and
// all have the same seconds.
func Merge(p Plan, name string, runs [][]Sample) Merged {
	var all []Summary
	for _, r := range runs {
		all = append(all, Summarize(p, name, r))
	}
	middle := func(of func(Summary) float64) float64 { return staleness.Median(all, of) }
	count := func(of func(Summary) int) int {
		return int(staleness.Median(all, func(s Summary) float64 { return float64(of(s)) }))
	}
	m := Merged{Runs: len(runs), Summary: Summary{
		Name: name, Published: all[0].Published,
		Peak: middle(func(s Summary) float64 { return s.Peak }), PeakAt: count(func(s Summary) int { return s.PeakAt }),
		PeakAge: middle(func(s Summary) float64 { return s.PeakAge }), Baseline: middle(func(s Summary) float64 { return s.Baseline }),
		StaleBase: middle(func(s Summary) float64 { return s.StaleBase }), StaleTop: middle(func(s Summary) float64 { return s.StaleTop }),
		Growth: middle(func(s Summary) float64 { return s.Growth }), Recovered: count(func(s Summary) int { return s.Recovered }),
		Zero: count(func(s Summary) int { return s.Zero }),
	}}
	m.PeakMin, m.PeakMax = staleness.Ends(all, func(s Summary) float64 { return s.Peak })
	for i := range runs[0] {
		var second []Sample
		for _, r := range runs {
			second = append(second, r[i])
		}
		b := Band{Second: runs[0][i].Second}
		b.Median = Sample{
			b.Second, staleness.Median(second, func(s Sample) float64 { return s.Staleness }),
			staleness.Median(second, func(s Sample) float64 { return s.Stale }), staleness.Median(second, func(s Sample) float64 { return s.Age }),
		}
		b.Least, b.Most = staleness.Ends(second, func(s Sample) float64 { return s.Staleness })
		b.Fewest, b.Worst = staleness.Ends(second, func(s Sample) float64 { return s.Stale })
		m.Curve = append(m.Curve, b)
	}
	return m
}
