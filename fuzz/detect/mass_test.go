package detect

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Whatever part of a cluster dies at once, the survivors know within seconds.
func TestMostDieAtOnce(t *testing.T) {
	f := func(n, survivors int, seeds uint64) {
		t.Helper()
		for seed := uint64(1); seed <= seeds; seed++ {
			r := must[Mass](t)(MassDeath(Config{Nodes: n, Seed: seed}, n-survivors, 60*sched.Second))
			t.Logf("%d of %d die, seed %d: %d ms", n-survivors, n, seed, r.Took/ms)
			if !r.Done || r.Took > 5*sched.Second || r.FalseDead > 0 {
				t.Errorf("%d of %d, seed %d: %+v", n-survivors, n, seed, r)
			}
		}
	}
	f(20, 1, 3)
	f(20, 5, 3)
	f(50, 2, 3)
	f(205, 5, 2)
	f(300, 120, 2)
	f(505, 5, 1)
	if *long {
		f(1005, 5, 3)
		f(1000, 30, 3)
	}
}
