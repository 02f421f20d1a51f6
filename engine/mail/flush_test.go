package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// News leaves at once while datagrams are within the rate, and waits beyond; a loop
// that lags pays more for each.
func TestFlushWaitsForCompanyWhenItIsBusy(t *testing.T) {
	f := func(lag sched.Instant) (frames int) {
		var w sched.Wheel
		var x Flush
		w.Init(1, 0)
		x.Init(w.Timer(0), 10*sched.Millisecond)
		now := sched.Instant(sched.Second)
		for ; ; frames++ {
			if !x.Arm(now, false) {
				if due := w.Next(); due <= now || due > now+11*sched.Millisecond {
					t.Fatalf("it is due after %d", due-now)
				}
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
	var w sched.Wheel
	var x Flush
	w.Init(1, 0)
	x.Init(w.Timer(0), sched.Second)
	x.End(1)
	end := w.Next()
	if x.End(sched.Second); end == sched.Never || w.Next() != end {
		t.Error("a cycle's end is not armed once")
	}
	if x.Arm(1, false) || w.Next() != end {
		t.Error("it is brought forward though the news can wait")
	}
	if !x.Arm(1, true) || w.Next() == end {
		t.Error("it is not brought forward")
	}
	if x.Arm(1, true) {
		t.Error("a flush of news is armed twice")
	}
	if x.Begin(); w.Next() != sched.Never {
		t.Error("it is due after it began")
	}
	if x.Rest(1, 0, 0); w.Next() != sched.Never {
		t.Error("there is nothing to tell, and it is armed")
	}
	if x.Rest(1, 0, 3); x.Arm(2, false) || !x.Arm(2, true) {
		t.Error("a cycle has to end, and its end keeps news from its flush")
	}
}

// Where a loop shares its time, a flush waits for its turn, which is kept for as many peers as the
// last one went to.
func TestFlushHasItsTurn(t *testing.T) {
	var w sched.Wheel
	var x Flush
	var loop Credit
	w.Init(1, 0)
	x.Init(w.Timer(0), 10*sched.Millisecond)
	x.loop = &loop
	now := sched.Instant(sched.Second)
	for loop.Look(now); loop.price < 100*sched.Microsecond; loop.Look(now) {
		now += creditLook
	}
	if !x.Arm(now, false) {
		t.Fatal("it waits, and the loop has time")
	}
	x.Begin()
	x.Sent(now, 40, 0)
	given := loop.given
	if given <= now || x.Arm(now, false) {
		t.Fatal("it does not wait, and the loop has none")
	}
	if want := given + 40*loop.price; loop.given != want {
		t.Errorf("taken up to %d us from now, want %d", (loop.given-now)/1000, (want-now)/1000)
	}
	x.Begin()
	if x.Sent(now, 10, 0); loop.given != given+10*loop.price {
		t.Error("what was taken for more peers is not given back")
	}
}
