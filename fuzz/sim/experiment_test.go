package sim

import (
	"context"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

func run(t *testing.T, x Experiment) *Report {
	t.Helper()
	r, err := x.Run(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if r.Violation != "" || !r.Converged {
		t.Fatalf("%s %s after %.0f ms: %s %s", r.Topology, r.TraceHash, r.VirtualMs, r.Violation, r.Difference)
	}
	return r
}

// TestTopologies: every topology converges by relay, and a later write reaches
// everybody.
func TestTopologies(t *testing.T) {
	for _, topology := range Topologies {
		for _, n := range []int{5, 24} {
			r := run(t, Experiment{
				Nodes: n, Seed: 3, Link: lan, Topology: topology, Keys: 2, Size: 10, Check: true,
				Writes: 20, For: 3 * sched.Second, Limit: 120 * sched.Second,
			})
			t.Logf("%s of %d: %.0f ms, %d messages", topology, n, r.VirtualMs, r.Messages)
		}
	}
}

func TestHarmEndsInEquality(t *testing.T) {
	lossy := lan
	lossy.Loss = simnet.Probability(0.05)
	run(t, Experiment{Nodes: 20, Seed: 4, Link: lossy, Keys: 3, Size: 20, Check: true, Split: sched.Second, Heal: 3 * sched.Second, Writes: 50, For: 4 * sched.Second, Limit: 60 * sched.Second})
	run(t, Experiment{Nodes: 20, Seed: 5, Link: lossy, Keys: 3, Size: 20, Check: true, Churn: 5, For: 5 * sched.Second, Limit: 120 * sched.Second})
}

// TestWorkersChangeNothing: a run is the same however many goroutines share it.
func TestWorkersChangeNothing(t *testing.T) {
	lossy := lan
	lossy.Loss = simnet.Probability(0.05)
	x := Experiment{Nodes: 48, Seed: 9, Link: lossy, Keys: 2, Size: 10, Writes: 100, Churn: 4, For: 300 * sched.Millisecond, Limit: 60 * sched.Second}
	one := run(t, x)
	x.Workers = 3
	three := run(t, x)
	if one.TraceHash != three.TraceHash || one.Messages != three.Messages || one.VirtualMs != three.VirtualMs {
		t.Errorf("%s and %s, %d and %d messages", one.TraceHash, three.TraceHash, one.Messages, three.Messages)
	}
	x.Seed++
	if run(t, x).TraceHash == one.TraceHash {
		t.Error("the seed changes nothing")
	}
}

func TestImpossibleExperiments(t *testing.T) {
	for _, x := range []Experiment{
		{Nodes: 1},
		{Nodes: 1 << 30},
		{Nodes: 2, Size: -1},
		{Nodes: 2, Keys: -1},
		{Nodes: 2, Writes: 1},
		{Nodes: 2, Split: 2, Heal: 1},
		{Nodes: 2, Link: simnet.Link{Delay: simnet.Delay{Min: 2, Max: 1}}},
	} {
		if _, err := x.Run(context.Background()); err == nil {
			t.Errorf("%+v was run", x)
		}
	}
}
