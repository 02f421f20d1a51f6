package paper

import (
	"context"
	"testing"
)

// small is the experiment at a thirtieth of the cost: the same load in relation
// to what exchanges carry.
func small(o Ordering) Plan { return Plan{Nodes: 24, MTU: 18, Ordering: o, Seed: 3} }

// TestShape repeats the experiment with 24 participants: the peaks have the
// paper's order, and everything is fresh after the updates stop.
func TestShape(t *testing.T) {
	var all []Summary
	for _, o := range Orderings() {
		p := small(o)
		samples, err := Run(context.Background(), p)
		if err != nil {
			t.Fatal(err)
		}
		s := Summarize(p, o.Name, samples)
		t.Logf("seed %d: %+v", p.Seed, s)
		if s.Baseline > 10 || s.Growth <= 0 {
			t.Errorf("%s: baseline %.1f s, growth %.1f", o.Name, s.Baseline, s.Growth)
		}
		all = append(all, s)
	}
	for _, off := range Shape(small(Ordering{}), all) {
		t.Error(off)
	}
}

// TestOneLateKeyIsNoRelapse: who has recovered stays so though one update waits longer than others
// later on; who has not been well for long has not.
func TestOneLateKeyIsNoRelapse(t *testing.T) {
	for _, c := range []struct {
		what string
		high func(second int) bool
		want int
	}{
		{"never high", func(int) bool { return false }, 0},
		{"high until 96 s", func(s int) bool { return s <= 96 }, 22},
		{"and for a second at 116 s", func(s int) bool { return s <= 96 || s == 116 }, 22},
		{"and at 106 s, after nine seconds", func(s int) bool { return s <= 96 || s == 106 }, 32},
		{"high to the end", func(s int) bool { return true }, 71},
	} {
		var samples []Sample
		for s := 1; s <= 145; s++ {
			x := Sample{Second: s, Staleness: 3}
			if s > 25 && c.high(s) {
				x.Staleness = 7
			}
			samples = append(samples, x)
		}
		if got := Summarize(Plan{}, "precise-newest", samples).Recovered; got != c.want {
			t.Errorf("%s: recovered %d s after the double load, want %d", c.what, got, c.want)
		}
	}
}

func TestRunsRepeat(t *testing.T) {
	p := Plan{Nodes: 8, MTU: 6, Keys: 16, Ordering: Orderings()[2], Seed: 5, End: 30}
	a, err := Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	b, _ := Run(context.Background(), p)
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("second %d: %+v and %+v", i, a[i], b[i])
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Run(ctx, p); err == nil {
		t.Error("a cancelled run went on")
	}
}

// TestMergeTakesMiddles: a median and a range of runs, second by second.
func TestMergeTakesMiddles(t *testing.T) {
	p := Plan{Nodes: 8, Ordering: Orderings()[0]}
	var runs [][]Sample
	for _, peak := range []float64{30, 10, 50} {
		r := make([]Sample, 145)
		for i := range r {
			r[i] = Sample{Second: i + 1, Staleness: 1, Stale: 1}
		}
		r[80] = Sample{Second: 81, Staleness: peak, Stale: 100 * peak}
		r[140].Stale = 0
		runs = append(runs, r)
	}
	m := Merge(p, "precise-newest", runs)
	if m.Peak != 30 || m.PeakMin != 10 || m.PeakMax != 50 || m.PeakAt != 81 || m.Runs != 3 || m.Zero != 21 || m.Published != 0 {
		t.Errorf("%+v", m.Summary)
	}
	if b := m.Curve[80]; b.Median.Staleness != 30 || b.Least != 10 || b.Most != 50 || b.Worst != 5000 || b.Second != 81 {
		t.Errorf("%+v", b)
	}
	if full := Merge(Plan{}, "precise-newest", runs); full.Published != 73 {
		t.Errorf("%+v", full.Summary)
	}
}
