package flowcontrol

import "github.com/quidnunc/quidnunc/fuzz/staleness"

// Merged are several runs of one plan, with different seeds.
type Merged struct {
	Summary              // each figure is the median over the runs
	Runs      int        `json:"runs"`
	Before    [2]float64 `json:"rate_before_range"` // the least and the greatest of a run
	After     [2]float64 `json:"rate_after_range"`
	StaleMost [2]float64 `json:"staleness_peak_range_s"`
	Curve     []Band     `json:"-"`
}

// Band is one second of several runs.
type Band struct {
	Second            int
	Median            Sample
	Slowest, Fastest  float64 // rate
	Freshest, Stalest float64 // staleness
}

// Merge takes medians and ranges of runs of one plan. There is at least one, and all have the
// same seconds.
func Merge(p Plan, order string, runs [][]Sample) Merged {
	var all []Summary
	for _, r := range runs {
		all = append(all, Summarize(p, order, r))
	}
	middle := func(of func(Summary) float64) float64 { return staleness.Median(all, of) }
	spread := func(of func(Summary) float64) (both [2]float64) {
		both[0], both[1] = staleness.Ends(all, of)
		return both
	}
	m := Merged{Runs: len(runs), Summary: Summary{
		Nodes: all[0].Nodes, Order: order, CapacityBefore: all[0].CapacityBefore, CapacityAfter: all[0].CapacityAfter,
		RateBefore: middle(rateBefore), RateAfter: middle(rateAfter),
		RatePeak:        middle(func(s Summary) float64 { return s.RatePeak }),
		Undershoot:      middle(func(s Summary) float64 { return s.Undershoot }),
		RecoverySeconds: middle(func(s Summary) float64 { return s.RecoverySeconds }),
		StaleBefore:     middle(func(s Summary) float64 { return s.StaleBefore }),
		StalePeak:       middle(stalePeak),
		StaleEnd:        middle(func(s Summary) float64 { return s.StaleEnd }),
		Jain:            middle(func(s Summary) float64 { return s.Jain }),
	}}
	m.Before, m.After, m.StaleMost = spread(rateBefore), spread(rateAfter), spread(stalePeak)
	for i := range runs[0] {
		m.Curve = append(m.Curve, bandOf(runs, i))
	}
	return m
}

func rateBefore(s Summary) float64 { return s.RateBefore }
func rateAfter(s Summary) float64  { return s.RateAfter }
func stalePeak(s Summary) float64  { return s.StalePeak }

// bandOf is the i-th second.
func bandOf(runs [][]Sample, i int) Band {
	var second []Sample
	for _, r := range runs {
		second = append(second, r[i])
	}
	middle := func(of func(Sample) float64) float64 { return staleness.Median(second, of) }
	rate := func(s Sample) float64 { return s.Rate }
	stale := func(s Sample) float64 { return s.Staleness }
	b := Band{Second: second[0].Second, Median: Sample{
		Second: second[0].Second, Rate: middle(rate), RateMax: middle(func(s Sample) float64 { return s.RateMax }),
		Updates: middle(func(s Sample) float64 { return s.Updates }), Staleness: middle(stale),
		Jain: middle(func(s Sample) float64 { return s.Jain }),
	}}
	b.Slowest, b.Fastest = staleness.Ends(second, rate)
	b.Freshest, b.Stalest = staleness.Ends(second, stale)
	return b
}

// Published reports a plan of the size that the paper's figure shows; at another one its values
// say nothing.
func (p Plan) Published() bool {
	p.fill()
	return p.Nodes == 128 && p.Keys == 64 && p.MTU == 100 && p.Rate == 0 && p.Start == 15 && p.Half == 90
}

// Figure is the rate of the paper's figure with 128 participants, read off to about 1 s and 0.05
// updates a second.
var Figure = []struct{ Second, Rate float64 }{
	{18, 0.20},
	{23, 0.40},
	{28, 0.61},
	{32, 0.80},
	{88, 1.00},
	{93.5, 0.84},
	{96.5, 0.71},
	{100, 0.62},
	{104, 0.475},
	{114, 0.30},
}
