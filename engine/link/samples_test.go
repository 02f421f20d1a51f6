package link

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestRoundTripsAreAskedForInTurns: however many paths there are, no more of them are asked for their
// round trip in a second than the budget takes, each is in its turn, and those at once of which nothing
// is known, or whose acknowledgement is late.
func TestRoundTripsAreAskedForInTurns(t *testing.T) {
	const seconds = 30
	f := func(n int, gap sched.Instant) {
		var s Paths
		s.Init(0, 40*ms, 0)
		s.Peers = n
		paths := make([]Path, n)
		asked := make([]sched.Instant, n)
		ask := func(i int, now sched.Instant) bool {
			p := &paths[i]
			if !s.Asks(p, now) {
				return false
			}
			s.Sends(p, now, false)
			p.Time(now, true)
			s.Acked(p, now+ms, p.Last(), 1)
			asked[i] = now
			return true
		}
		for i := range paths {
			if paths[i].Init(1); !ask(i, sched.Second) {
				t.Fatal("nothing is known of a path, and it is not asked for its round trip")
			}
		}
		total := 0
		for now := sched.Instant(1001 * ms); now < (1+seconds)*sched.Second; now += ms {
			i := int(now/ms*31) % n // a frame goes there
			before := asked[i]
			if ask(i, now) {
				total++
			}
			if wait := asked[i] - before; wait != 0 && (wait < gap || wait > gap+sched.Second) {
				t.Errorf("of %d paths one is asked after %v, want %v", n, wait, gap)
			}
		}
		if total > seconds*samplesMost || total < n {
			t.Errorf("%d questions of %d paths in %d s", total, n, seconds)
		}
		if paths[1].Late(); !ask(1, (1+seconds)*sched.Second) {
			t.Error("an acknowledgement is late, and nobody asks")
		}
	}
	f(8, sched.Second)
	f(32, sched.Second)
	f(200, 200*sched.Second/samplesMost)
	f(800, 800*sched.Second/samplesMost)
}

// TestAcknowledgementsMergeWhileTheLoopIsLate: they wait for half of the time after which they would be
// missed, and where the loop is on time, or nothing is known of the path, as long as ever.
func TestAcknowledgementsMergeWhileTheLoopIsLate(t *testing.T) {
	const delay = 40 * ms
	f := func(trip, lag sched.Instant, longer bool) {
		t.Helper()
		var s Paths
		var p Path
		s.Init(0, delay, 0)
		if s.Lag = lag; trip > 0 {
			s.wake(1, &p)
			for range 50 {
				p.RTT().Sample(trip)
			}
		}
		if got := s.AckAfter(&p); got < delay || got > max(delay, s.ResendAfter(&p, sched.Second, 0)/2) || (got > delay) != longer {
			t.Errorf("round trip %v, turns of %v: waits %v, missed after %v", trip, lag, got, s.ResendAfter(&p, sched.Second, 0))
		}
	}
	f(0, 50*ms, false)
	f(ms, 0, false)
	f(ms, 5*ms, false)
	f(200*ms, 0, false)
	f(200*ms, 20*ms, true)
	f(5*sched.Second, 100*ms, true)
}
