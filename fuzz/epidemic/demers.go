package epidemic

import (
	"context"
	"fmt"
	"math"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// Figures are the paper's four measures of one variation at one k.
type Figures struct {
	Residue float64 `json:"residue"` // share never reached
	Traffic float64 `json:"traffic"` // updates sent per site
	Ave     float64 `json:"t_ave"`   // mean delay, cycles
	Last    float64 `json:"t_last"`  // delay of the last arrival, cycles
}

// Row is a variation at one k.
type Row struct {
	K    int `json:"k"`
	Runs int `json:"runs"`
	Figures
	ResidueError float64  `json:"residue_error"`            // standard error
	ResidueBelow float64  `json:"residue_below"`            // bound at 95 % when no site was missed, else 0
	PushLaw      float64  `json:"exp_minus_traffic"`        // e^-m, the law of push
	Failure      float64  `json:"failure"`                  // share of contacts refused
	Died         float64  `json:"died"`                     // share of runs that reached a tenth at most
	Published    *Figures `json:"published,omitempty"`      // of the paper's table
	Theory       float64  `json:"theory_residue,omitempty"` // root of the differential equations
	Off          string   `json:"off,omitempty"`            // what is outside the accepted bands
}

// Variant is one variation over k = 1 to 5.
type Variant struct {
	Name   string  `json:"name"`
	Table  int     `json:"table,omitempty"` // in the paper
	Serial bool    `json:"serial,omitempty"`
	Lambda float64 `json:"lambda"` // fitted s ~ e^(-lambda m), 0 if there are no two points
	Rows   []Row   `json:"rows"`

	policy tune.RumorPolicy
}

// Report is the result of the experiment of Demers et al.
type Report struct {
	Sites    int       `json:"n"`
	Seed     uint64    `json:"seed"`
	Variants []Variant `json:"variants"`
}

var tables = map[int][]Figures{
	1: {
		{0.18, 1.7, 11.0, 16.8},
		{0.037, 3.3, 12.1, 16.9},
		{0.011, 4.5, 12.5, 17.4},
		{0.0036, 5.6, 12.7, 17.5},
		{0.0012, 6.7, 12.8, 17.7},
	},
	3: {
		{3.1e-2, 2.7, 9.97, 17.6},
		{5.8e-4, 4.5, 10.07, 15.4},
		{4.0e-6, 6.1, 10.08, 14.0},
	},
}

// Variants returns every variation, the two of the facts first.
func Variants() []Variant {
	const counter, coin = tune.LossCounter, tune.LossCoin
	push, pull, both := tune.ShapePush, tune.ShapePull, tune.ShapePushPull
	limit := func(s tune.Shape, limit, hunt uint8) tune.RumorPolicy {
		p := base(s, counter, false)
		p.Limit, p.Hunt = limit, hunt
		return p
	}
	small := base(both, counter, false)
	small.Minimize = true
	kept := base(push, counter, false)
	kept.Reset = false
	quiet := base(push, counter, false)
	quiet.SendBack = false
	wide := base(push, counter, false)
	wide.Fanout = 3
	return []Variant{
		{Name: "push feedback counter", Table: 1, policy: base(push, counter, false)},
		{Name: "pull feedback counter", Table: 3, policy: base(pull, counter, false)},
		{Name: "push blind coin", Table: 2, policy: base(push, coin, true)},
		{Name: "push feedback coin", policy: base(push, coin, false)},
		{Name: "push feedback coin, serial", Serial: true, policy: base(push, coin, false)},
		{Name: "push blind counter", policy: base(push, counter, true)},
		{Name: "push feedback counter, no reset", policy: kept},
		{Name: "push feedback counter, not back to the source", policy: quiet},
		{Name: "push feedback counter, fan-out 3", policy: wide},
		{Name: "push feedback counter, limit 1", policy: limit(push, 1, 0)},
		{Name: "push feedback counter, limit 1, hunt 3", policy: limit(push, 1, 3)},
		{Name: "push feedback counter, limit 1, hunt for ever", policy: limit(push, 1, tune.HuntForever)},
		{Name: "pull feedback coin", policy: base(pull, coin, false)},
		{Name: "pull blind counter", policy: base(pull, counter, true)},
		{Name: "pull blind coin", policy: base(pull, coin, true)},
		{Name: "pull feedback counter, limit 1", policy: limit(pull, 1, 0)},
		{Name: "pull feedback counter, limit 2", policy: limit(pull, 2, 0)},
		{Name: "pull feedback counter, limit 1, hunt for ever", policy: limit(pull, 1, tune.HuntForever)},
		{Name: "push-pull feedback counter", policy: base(both, counter, false)},
		{Name: "push-pull feedback counter, minimization", policy: small},
		{Name: "push-pull feedback coin", policy: base(both, coin, false)},
		{Name: "push-pull blind counter", policy: base(both, counter, true)},
		{Name: "push-pull blind coin", policy: base(both, coin, true)},
	}
}

// base is a variation of the paper with the choices of the package comment.
func base(s tune.Shape, l tune.Loss, blind bool) tune.RumorPolicy {
	p := tune.Demers(s, l, blind, 1)
	p.Reset = l == tune.LossCounter && !blind
	return p
}

// Plan says how much to run.
type Plan struct {
	Sites int
	KMax  int
	Runs  int // of each point
	Rare  int // of each point whose residue is below 1e-4
	Seed  uint64
}

// rareResidue is the residue below which Plan.Rare runs are needed.
const rareResidue = 1e-4

// Demers runs every variant in vs and calls each when one is done. It ends early
// with the context's error.
func Demers(ctx context.Context, p Plan, vs []Variant, each func(Variant)) (Report, error) {
	r := Report{Sites: p.Sites, Seed: p.Seed}
	for i := range vs {
		v := vs[i]
		v.Rows = nil
		for k := 1; k <= p.KMax; k++ {
			if err := ctx.Err(); err != nil {
				return r, err
			}
			v.Rows = append(v.Rows, v.point(p, k))
		}
		v.Lambda = v.slope()
		r.Variants = append(r.Variants, v)
		if each != nil {
			each(v)
		}
	}
	return r, nil
}

// point measures v at k.
func (v *Variant) point(p Plan, k int) Row {
	t := Task{Sites: p.Sites, Policy: v.policy, Serial: v.Serial, Runs: p.Runs, Seed: p.Seed}
	t.Policy.K = uint8(k)
	if v.Serial {
		t.Policy.Immediate = true
	}
	s := Measure(t)
	if s.Residue() < rareResidue && p.Rare > p.Runs {
		t.First, t.Runs = p.Runs, p.Rare-p.Runs
		s.merge(Measure(t))
	}
	row := Row{
		K: k, Runs: s.Runs,
		Figures:      Figures{Residue: s.Residue(), Traffic: s.Traffic(), Ave: s.DelayMean(), Last: s.DelayLast()},
		ResidueError: s.ResidueError(),
		PushLaw:      math.Exp(-s.Traffic()),
		Failure:      s.Failure(),
		Died:         s.mean(s.Died),
	}
	if s.Missed == 0 {
		row.ResidueBelow = 3 / float64(s.Runs*s.Sites)
	}
	if of := tables[v.Table]; k <= len(of) && p.Sites == 1000 {
		row.Published = &of[k-1]
		row.Off = row.compare(v.policy.Shape)
	}
	if v.policy.Loss == tune.LossCoin && v.policy.Shape == tune.ShapePush && !v.policy.Blind {
		row.Theory = CoinResidue(k)
	}
	return row
}

// compare holds a row against the paper's: residue within sampling error (the
// printed digits, and four standard errors of both; the paper does not give its
// number of runs, 100 are assumed), traffic within 0.1 (0.2 for pull), t_last
// within 1. It returns what is outside, or nothing.
func (r *Row) compare(s tune.Shape) string {
	p := r.Published
	traffic := 0.1
	if s == tune.ShapePull {
		traffic = 0.2
	}
	theirs := r.ResidueError * math.Sqrt(float64(r.Runs)/100)
	switch {
	case math.Abs(r.Residue-p.Residue) > 0.05*p.Residue+4*(r.ResidueError+theirs):
		return fmt.Sprintf("residue %.2g, published %.2g", r.Residue, p.Residue)
	case math.Abs(r.Traffic-p.Traffic) > traffic:
		return fmt.Sprintf("traffic %.2f, published %.1f", r.Traffic, p.Traffic)
	case math.Abs(r.Last-p.Last) > 1:
		return fmt.Sprintf("t_last %.1f, published %.1f", r.Last, p.Last)
	}
	return ""
}

// slope fits ln s = a - lambda m over the rows with a residue (least squares).
// The slope leaves out the start-up, which a ratio -ln s / m does not.
func (v *Variant) slope() float64 {
	var n, x, y, xx, xy float64
	for _, r := range v.Rows {
		if r.Residue <= 0 || r.Died > 0.5 {
			continue
		}
		m, l := r.Traffic, math.Log(r.Residue)
		n, x, y, xx, xy = n+1, x+m, y+l, xx+m*m, xy+m*l
	}
	d := n*xx - x*x
	if n < 2 || d < 1e-9*x*x { // one point, or one traffic
		return 0
	}
	return -(n*xy - x*y) / d
}

// CoinResidue is the root in (0, 1) of s = exp(-(k+1)(1-s)): what coin and
// feedback leave in the limit of many sites and contacts one after the other.
func CoinResidue(k int) float64 {
	s := 0.0
	for range 200 {
		s = math.Exp(-float64(k+1) * (1 - s))
	}
	return s
}
