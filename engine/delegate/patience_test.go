package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/sched"
)

// onePath is a node with one path.
type onePath struct {
	Node
	path link.Path
}

func (n *onePath) Path(uint32) *link.Path { return &n.path }

// TestDelegatesHaveTimeWhileTheLoopIsLate: nobody is replaced sooner than some turns of a loop that
// is late; a loop on time waits for the path, whatever the other.
func TestDelegatesHaveTimeWhileTheLoopIsLate(t *testing.T) {
	paths := &link.Paths{}
	r := Relay{parts: RelayParts{Node: &onePath{}, Paths: paths, AckDelay: 20 * sched.Millisecond}}
	for _, lazy := range []bool{false, true} {
		paths.Lag = 0
		usual := r.Patience(1, sched.Second, lazy)
		if usual <= 0 {
			t.Fatalf("lazy %v: no time at all", lazy)
		}
		for _, lag := range []sched.Instant{sched.Millisecond, 50 * sched.Millisecond, sched.Second} {
			if paths.Lag = lag; r.Patience(1, sched.Second, lazy)-usual < 4*lag {
				t.Errorf("lazy %v: turns of %d ms are worth %d ms", lazy, lag/sched.Millisecond, (r.Patience(1, sched.Second, lazy)-usual)/sched.Millisecond)
			}
		}
	}
}
