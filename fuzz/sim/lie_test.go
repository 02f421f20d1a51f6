package sim

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestLiarsAreOutlived: whatever one member of six says wrongly in every second frame, the others
// keep all laws, and all are equal soon after its end.
func TestLiarsAreOutlived(t *testing.T) {
	f := func(l LiePlan) {
		t.Helper()
		l.Share = 1 << 31
		p := &Plan{
			Seed: 7, Nodes: 6, Until: 2 * sched.Second, Gap: 5 * sched.Millisecond, Keys: 20, Value: 40, Link: lan, Deletes: 1 << 30, Lies: l,
			Node: NodePlan{Frame: 1400, Interval: 50 * sched.Millisecond, RepairEvery: 200 * sched.Millisecond},
		}
		out := Try(p)
		if out.Violation != nil {
			t.Errorf("%v: %v", l, out.Violation)
		}
		if out.Stats.Lies == 0 && l.Type == 0 {
			t.Errorf("%v: not one", l)
		}
	}
	for _, k := range []LieKind{Brags, Condemns, Repeats} {
		f(LiePlan{Kinds: 1 << k})
	}
	for _, typ := range twisted {
		f(LiePlan{Kinds: 1 << Hides, Type: typ})
		f(LiePlan{Kinds: 1<<LieKinds - 1, Type: typ})
	}
}
