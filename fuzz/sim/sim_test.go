package sim

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

var lan = simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond}}

func TestMeet(t *testing.T) {
	for _, n := range []int{2, 16, 64} {
		w := New(Options{Nodes: n, Seed: 1, Link: lan, Check: true})
		for i := range n {
			w.Set(i, "k", fmt.Sprint(i))
			if i > 0 {
				w.Join(i, 0)
			}
		}
		took, ok := w.Converge(10*sched.Millisecond, 10*sched.Second)
		w.Verify()
		if w.Err() != nil || !ok {
			t.Fatal(w.Err(), w.Difference())
		}
		t.Log(n, clock(took), w.Stats.Frames, w.Hash())
	}
}
