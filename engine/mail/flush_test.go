package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// News leaves at once while datagrams are within the rate, and waits beyond; a loop
// that lags pays more for each.
func TestFlushWaitsForCompanyWhenItIsBusy(t *testing.T) {
	f := func(lag sched.Instant) (frames int) {
		var x Flush
		now := sched.Instant(sched.Second)
		for ; ; frames++ {
			due, ok := x.Arm(now, false)
			if !ok {
				t.Fatal("it is armed before it is flushed")
			}
			if due > now {
				break
			}
			x.Own()
			if !x.Begin() || x.Begin() {
				t.Fatal("own writes are not flushed once")
			}
			x.Sent(now, 1, lag)
			if frames > 1<<20 {
				t.Fatal("it never waits")
			}
		}
		return frames
	}
	if calm, busy := f(0), f(5*sched.Millisecond); calm < 300 || busy*5 > calm {
		t.Errorf("%d frames at once, %d of a loop that lags", calm, busy)
	}
}

// A flush that only ends a cycle of rumors is brought forward by news that may not
// wait for it, and by nothing else.
func TestFlushOfACycleIsBroughtForward(t *testing.T) {
	var x Flush
	if !x.End() || x.End() {
		t.Error("a cycle's end is not armed once")
	}
	if _, ok := x.Arm(0, false); ok {
		t.Error("it is brought forward though the news can wait")
	}
	if _, ok := x.Arm(0, true); !ok {
		t.Error("it is not brought forward")
	}
	if _, ok := x.Arm(0, true); ok {
		t.Error("a flush of news is armed twice")
	}
}
