package epidemic

import (
	"context"
	"errors"
	"math"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
)

const seed = 1987

func byName(t *testing.T, name string) Variant {
	t.Helper()
	for _, v := range Variants() {
		if v.Name == name {
			return v
		}
	}
	t.Fatalf("no variant %q", name)
	return Variant{}
}

func run(t *testing.T, name string, kMax, runs, rare int) Variant {
	t.Helper()
	r, err := Demers(t.Context(), Plan{Sites: 1000, KMax: kMax, Runs: runs, Rare: rare, Seed: seed}, []Variant{byName(t, name)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r.Variants[0]
}

// near asks for got within share of want.
func near(t *testing.T, what string, got, want, share float64) {
	t.Helper()
	if math.Abs(got-want) > share*want {
		t.Errorf("seed %d: %s is %.4g, want %.4g within %.0f %%", seed, what, got, want, share*100)
	}
}

// table asks for the bands of a published table.
func table(t *testing.T, v Variant) {
	t.Helper()
	for _, r := range v.Rows {
		if r.Off != "" {
			t.Errorf("seed %d: %s k=%d: %s", seed, v.Name, r.K, r.Off)
		}
	}
}

func TestTable1(t *testing.T) { table(t, run(t, "push feedback counter", 5, 300, 300)) }

func TestTable3(t *testing.T) {
	v := run(t, "pull feedback counter", 3, 300, 3000)
	table(t, v)
	for _, r := range v.Rows {
		if math.Abs(r.Ave-r.Published.Ave) > 0.5 {
			t.Errorf("seed %d: k=%d: t_ave %.2f, published %.2f", seed, r.K, r.Ave, r.Published.Ave)
		}
	}
}

// The law of every push variant: s = e^-m.
func TestPushLaw(t *testing.T) {
	for _, name := range []string{
		"push feedback counter", "push feedback coin", "push feedback coin, serial",
		"push blind counter", "push blind coin", "push feedback counter, no reset",
		"push feedback counter, not back to the source",
	} {
		v := run(t, name, 3, 200, 0)
		for _, r := range v.Rows {
			near(t, name+": -ln s / m", -math.Log(r.Residue)/r.Traffic, 1, 0.05)
		}
	}
}

// One contact after the other, coin and feedback: the root of the paper's
// differential equations.
func TestCoinResidue(t *testing.T) {
	v := run(t, "push feedback coin, serial", 4, 600, 0)
	for _, r := range v.Rows {
		near(t, "residue with a coin", r.Residue, r.Theory, 0.05)
	}
	for k, want := range map[int]float64{1: 0.203188, 2: 0.059520, 3: 0.019827, 8: 0.000124} {
		near(t, "root", CoinResidue(k), want, 0.005)
	}
}

// Limit 1: push gets better, s = e^(-1.582 m).
func TestConnectionLimitPush(t *testing.T) {
	v := run(t, "push feedback counter, limit 1", 5, 400, 0)
	near(t, "lambda of push with limit 1", v.Lambda, 1/(1-math.Exp(-1)), 0.1)
}

// With a limit pull gets worse: a request fails with chance delta, and m requests
// a site leave s ~ delta^m = e^(-lambda m) with lambda = -ln delta.
func TestConnectionLimitPull(t *testing.T) {
	free := run(t, "pull feedback counter", 2, 200, 0)
	one := run(t, "pull feedback counter, limit 1", 5, 400, 0)
	near(t, "share refused at limit 1", one.Rows[0].Failure, math.Exp(-1), 0.02)
	// P(j calls) = e^-1/j!, so limit 2 refuses sum over j>2 of (j-2) e^-1/j!.
	two := run(t, "pull feedback counter, limit 2", 2, 200, 0)
	near(t, "share refused at limit 2", two.Rows[0].Failure, 3*math.Exp(-1)-1, 0.03)
	for i := range free.Rows {
		if one.Rows[i].Residue < 3*free.Rows[i].Residue || two.Rows[i].Residue < free.Rows[i].Residue {
			t.Errorf("seed %d: k=%d: pull does not get worse with a limit", seed, i+1)
		}
	}
	// s ~ delta^asked, and m counts the accepted ones alone.
	asked := one.Lambda * (1 - one.Rows[0].Failure)
	near(t, "lambda of pull per asked contact", asked, -math.Log(one.Rows[0].Failure), 0.1)
}

// Limit 1 and hunting without end is a permutation: push equals pull.
func TestHunting(t *testing.T) {
	push := run(t, "push feedback counter, limit 1, hunt for ever", 2, 200, 0)
	pull := run(t, "pull feedback counter, limit 1, hunt for ever", 2, 100, 0)
	free := run(t, "push feedback counter, limit 1", 2, 200, 0)
	for i := range push.Rows {
		near(t, "residue, push or pull", push.Rows[i].Residue, pull.Rows[i].Residue, 0.1)
		near(t, "traffic, push or pull", push.Rows[i].Traffic, pull.Rows[i].Traffic, 0.02)
		if push.Rows[i].Residue >= free.Rows[i].Residue {
			t.Errorf("seed %d: hunting does not help", seed)
		}
	}
}

// Minimization leaves the smallest residue of all at the same k.
func TestMinimization(t *testing.T) {
	least := run(t, "push-pull feedback counter, minimization", 3, 200, 0)
	for _, name := range []string{
		"push-pull feedback counter", "push-pull feedback coin", "push-pull blind counter", "push-pull blind coin",
		"push feedback counter",
	} {
		v := run(t, name, 3, 100, 0)
		if v.Rows[1].Residue < least.Rows[1].Residue || v.Rows[2].Residue < least.Rows[2].Residue {
			t.Errorf("seed %d: %s leaves less than minimization", seed, v.Name)
		}
	}
}

// Every variant runs and ends, and no measure is out of its range.
func TestEveryVariant(t *testing.T) {
	all, err := Demers(t.Context(), Plan{Sites: 200, KMax: 2, Runs: 10, Seed: seed}, Variants(), nil)
	if err != nil || len(all.Variants) != len(Variants()) {
		t.Fatal(err)
	}
	for _, v := range all.Variants {
		for _, r := range v.Rows {
			if r.Residue < 0 || r.Residue >= 1 || r.Traffic <= 0 || r.Last < r.Ave {
				t.Errorf("seed %d: %s: %+v", seed, v.Name, r)
			}
		}
	}
}

func TestRounds(t *testing.T) {
	r, err := CountRounds(t.Context(), RoundsPlan{
		Sizes: []int{16, 128, 1024, 4096}, Runs: 60,
		MedianSizes: []int{1 << 8, 1 << 10, 1 << 12, 1 << 14}, MedianRuns: 4, Seed: seed,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range r.Curves {
		for _, b := range c.Bands {
			if !b.Within {
				t.Errorf("seed %d: %s n=%d: %.2f rounds, not in [%.2f, %.2f]", seed, c.Name, b.Sites, b.Rounds, b.Low, b.High)
			}
		}
	}
	for _, s := range r.Median {
		if s.Residue > 0 {
			t.Errorf("seed %d: median counter, n=%d: residue %g", seed, s.Sites, s.Residue)
		}
	}
	// ctr_max rounds are all that one size costs more than another.
	if math.Abs(r.SlopeLog) > 0.05 {
		t.Errorf("seed %d: median counter grows by %.3f per ln n", seed, r.SlopeLog)
	}
	if r.NaiveSlope < 0.6 || r.NaiveSlope > 1.3 {
		t.Errorf("seed %d: push grows by %.3f per ln n, want about 1", seed, r.NaiveSlope)
	}
	if r.SlopeLogLog < 3 || r.SlopeLogLog > 8 {
		t.Errorf("seed %d: median counter grows by %.2f per ln ln n", seed, r.SlopeLogLog)
	}
	t.Logf("per ln ln n %.2f; per ln n at the same ctr_max %.4f; push per ln n %.2f", r.SlopeLogLog, r.SlopeLog, r.NaiveSlope)
}

// One round of the partner sampler has the expectations of the exact formulas.
func TestOneRound(t *testing.T) {
	const n, runs = 100, 4000
	for _, informed := range []int{1, 30, 70} {
		u, m := float64(n-informed), float64(informed)
		stay := math.Pow(1-1/float64(n-1), m)
		for shape, want := range map[tune.Shape]float64{
			tune.ShapePush:     u * stay,
			tune.ShapePull:     u * (u - 1) / (n - 1),
			tune.ShapePushPull: u * (u - 1) / (n - 1) * stay,
		} {
			c := NewCluster(n, endless(shape))
			var sum, squares int
			for i := range runs {
				c.start(uint64(i) + seed)
				for s := 1; s < informed; s++ {
					c.infect(meeting{to: uint32(s)})
				}
				c.step()
				sum += c.run.Missed
				squares += c.run.Missed * c.run.Missed
			}
			if got := float64(sum) / runs; math.Abs(got-want) > 3.5*spread(sum, squares, runs)+1e-9 {
				t.Errorf("seed %d: shape %d, %d informed: %.3f left, want %.3f", seed, shape, informed, got, want)
			}
		}
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Demers(ctx, Plan{Sites: 100, KMax: 1, Runs: 1}, Variants(), nil); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	if _, err := CountRounds(ctx, RoundsPlan{Sizes: []int{16}, MedianSizes: []int{16}}); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// A run depends on its seed alone, not on who runs it.
func TestSameSeedSameRun(t *testing.T) {
	task := Task{Sites: 300, Policy: base(tune.ShapePushPull, tune.LossCoin, false), Runs: 20, Seed: seed}
	task.Policy.K = 2
	if a, b := Measure(task), Measure(task); a != b {
		t.Errorf("seed %d: %+v and then %+v", seed, a, b)
	}
}

func BenchmarkSpread(b *testing.B) {
	p := base(tune.ShapePush, tune.LossCounter, false)
	p.K = 3
	c := NewCluster(1000, p)
	b.ReportAllocs()
	i := uint64(0)
	for b.Loop() {
		i++
		c.Spread(i, cyclesMax)
	}
}
