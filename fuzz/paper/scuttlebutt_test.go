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
