package link

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestUnderwayOfANewPath: what comes on a path that was never measured took as long as frames do
// elsewhere: an entry with a time to live that it carries is no younger for that.
func TestUnderwayOfANewPath(t *testing.T) {
	var s Paths
	var known, fresh Path
	s.Init(0, sched.Millisecond, 0)
	if d := s.Underway(&fresh); d != 0 {
		t.Errorf("%d before anything is known", d)
	}
	s.wake(0, &known)
	known.RTT().Sample(8 * sched.Millisecond)
	s.trip = 6 * sched.Millisecond
	f := func(p *Path, waited, want sched.Instant) {
		t.Helper()
		s.Waited = waited
		if d := s.Underway(p); d != want {
			t.Errorf("%d, want %d", d, want)
		}
	}
	f(&known, 0, 4*sched.Millisecond)
	f(&fresh, 0, 3*sched.Millisecond)
	f(&fresh, sched.Second, sched.Second+3*sched.Millisecond)
}
