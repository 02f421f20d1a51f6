package epidemic

import (
	"context"
	"math"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// Band is a measured mean number of rounds beside the published formula.
type Band struct {
	Sites   int     `json:"n"`
	Runs    int     `json:"runs"`
	Rounds  float64 `json:"rounds"`
	Error   float64 `json:"rounds_error"` // standard error
	Formula float64 `json:"formula"`
	Low     float64 `json:"low"`  // published or accepted band
	High    float64 `json:"high"` //
	Within  bool    `json:"within"`
}

// Curve is a protocol over cluster sizes.
type Curve struct {
	Name    string `json:"name"`
	Formula string `json:"formula"`
	Bands   []Band `json:"points"`
}

// Stop is the traffic of a rule that stops (or of push, which does not) at one size.
type Stop struct {
	Sites     int     `json:"n"`
	Runs      int     `json:"runs"`
	Max       int     `json:"ctr_max,omitempty"`
	LogLog    float64 `json:"ln_ln_n"`
	Log       float64 `json:"ln_n"`
	PerNode   float64 `json:"transmissions_per_node"`
	Residue   float64 `json:"residue"`
	Everybody float64 `json:"runs_that_reached_all"`
	Last      float64 `json:"t_last"`
}

// Rounds is the result of the round-count experiments.
type Rounds struct {
	Seed   uint64  `json:"seed"`
	Curves []Curve `json:"curves"`
	Median []Stop  `json:"median_counter"`
	// Median has ctr_max = ceil(ln ln n), which is a step of one in the whole range;
	// Smooth weighs floor and ceil so that the mean of ctr_max is ln ln n itself.
	Smooth []Stop `json:"median_counter_smooth"`
	// Of Smooth's transmissions per node over ln ln n (least squares).
	SlopeLogLog float64 `json:"slope_per_ln_ln_n"`
	// Of Median's over ln n among sizes with the same ctr_max: 0 if they don't grow.
	SlopeLog float64 `json:"slope_per_ln_n_same_ctr_max"`
	// For contrast: push until all know, which grows like ln n.
	Naive      []Stop  `json:"push_until_all_know"`
	NaiveSlope float64 `json:"push_slope_per_ln_n"`
}

// Log2LnRounds is log2 n + ln n, push's rounds (Frieze and Grimmett; Pittel).
func Log2LnRounds(n int) float64 { return math.Log2(float64(n)) + math.Log(float64(n)) }

// PullRounds is log2 n + log2 ln n (Doerr and Kostrygin).
func PullRounds(n int) float64 {
	return math.Log2(float64(n)) + math.Log2(math.Log(float64(n)))
}

// PushPullRounds is log3 n + log2 ln n (Doerr and Kostrygin).
func PushPullRounds(n int) float64 {
	return math.Log(float64(n))/math.Log(3) + math.Log2(math.Log(float64(n)))
}

// pushBand is Doerr and Künnemann's: floor(log2 n) + ln n - 1.116 to
// ceil(log2 n) + ln n + 2.765.
func pushBand(n int) (low, high float64) {
	l := math.Log2(float64(n))
	return math.Floor(l) + math.Log(float64(n)) - 1.116, math.Ceil(l) + math.Log(float64(n)) + 2.765
}

// around accepts the O(1) of the other two formulas: their sources print no
// constant, so the band is what a constant must be to be called one here.
func around(f func(int) float64) func(int) (float64, float64) {
	return func(n int) (float64, float64) { return f(n) - constantMax, f(n) + constantMax }
}

const constantMax = 2

// RoundsPlan says how much to run.
type RoundsPlan struct {
	Sizes       []int // of the round counts
	Runs        int
	MedianSizes []int
	MedianRuns  int
	Seed        uint64
}

// Powers returns 2^from to 2^to.
func Powers(from, to int) (sizes []int) {
	for e := from; e <= to; e++ {
		sizes = append(sizes, 1<<e)
	}
	return sizes
}

// endless is a policy under which nobody loses interest within a run.
func endless(s tune.Shape) tune.RumorPolicy { return tune.Demers(s, tune.LossCounter, true, 254) }

// CountRounds runs the round-count experiments. It ends early with the context's
// error.
func CountRounds(ctx context.Context, p RoundsPlan) (Rounds, error) {
	r := Rounds{Seed: p.Seed, Curves: []Curve{
		curve(ctx, p, "push", "log2 n + ln n", tune.ShapePush, Log2LnRounds, pushBand),
		curve(ctx, p, "pull", "log2 n + log2 ln n", tune.ShapePull, PullRounds, around(PullRounds)),
		curve(ctx, p, "push-pull", "log3 n + log2 ln n", tune.ShapePushPull, PushPullRounds, around(PushPullRounds)),
	}}
	for _, n := range p.MedianSizes {
		if err := ctx.Err(); err != nil {
			return r, err
		}
		ceil := karp(p, n, tune.LogLog(n))
		r.Median = append(r.Median, ceil)
		r.Smooth = append(r.Smooth, ceil.weigh(karp(p, n, max(1, tune.LogLog(n)-1))))
		r.Naive = append(r.Naive, stop(p, n, endless(tune.ShapePush), true))
	}
	r.SlopeLogLog = slope(r.Smooth, func(s Stop) float64 { return s.LogLog })
	r.SlopeLog = slope(level(r.Median), func(s Stop) float64 { return s.Log })
	r.NaiveSlope = slope(r.Naive, func(s Stop) float64 { return s.Log })
	return r, ctx.Err()
}

// karp measures the median-counter rule with ctr_max k.
func karp(p RoundsPlan, n int, k uint8) Stop {
	policy := tune.Karp(n)
	policy.K, policy.Final = k, k
	s := stop(p, n, policy, false)
	s.Max = int(k)
	return s
}

// weigh is the mean of s and of a smaller ctr_max such that its mean is ln ln n.
func (s Stop) weigh(less Stop) Stop {
	share := 1 - (float64(s.Max) - s.LogLog)
	mix := func(a, b float64) float64 { return a*share + b*(1-share) }
	s.PerNode = mix(s.PerNode, less.PerNode)
	s.Residue = mix(s.Residue, less.Residue)
	s.Everybody = mix(s.Everybody, less.Everybody)
	s.Last = mix(s.Last, less.Last)
	s.Runs += less.Runs
	s.Max = 0
	return s
}

// level returns the points that share the largest ctr_max.
func level(of []Stop) (same []Stop) {
	top := 0
	for _, s := range of {
		top = max(top, s.Max)
	}
	for _, s := range of {
		if s.Max == top {
			same = append(same, s)
		}
	}
	return same
}

func curve(ctx context.Context, p RoundsPlan, name, text string, shape tune.Shape, f func(int) float64, band func(int) (float64, float64)) Curve {
	c := Curve{Name: name, Formula: text}
	for _, n := range p.Sizes {
		if ctx.Err() != nil {
			break
		}
		s := Measure(Task{Sites: n, Policy: endless(shape), Inform: true, Runs: p.Runs, Seed: p.Seed})
		b := Band{Sites: n, Runs: s.Runs, Rounds: s.Rounds(), Error: s.RoundsError(), Formula: f(n)}
		b.Low, b.High = band(n)
		b.Within = b.Low <= b.Rounds && b.Rounds <= b.High
		c.Bands = append(c.Bands, b)
	}
	return c
}

func stop(p RoundsPlan, n int, policy tune.RumorPolicy, inform bool) Stop {
	s := Measure(Task{Sites: n, Policy: policy, Inform: inform, Runs: p.MedianRuns, Seed: p.Seed})
	return Stop{
		Sites: n, Runs: s.Runs,
		LogLog: math.Log(math.Log(float64(n))), Log: math.Log(float64(n)),
		PerNode: s.Traffic(), Residue: s.Residue(), Everybody: s.mean(s.Everybody), Last: s.DelayLast(),
	}
}

// slope fits transmissions per node = a + b x (least squares) and returns b.
func slope(of []Stop, at func(Stop) float64) float64 {
	var n, x, y, xx, xy float64
	for _, s := range of {
		v := at(s)
		n, x, y, xx, xy = n+1, x+v, y+s.PerNode, xx+v*v, xy+v*s.PerNode
	}
	if d := n*xx - x*x; d != 0 {
		return (n*xy - x*y) / d
	}
	return 0
}
