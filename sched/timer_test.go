package sched

import "testing"

// Timers of two kinds share a wheel, and each sets its own.
func TestTimersOfKinds(t *testing.T) {
	var w Wheel
	w.Init(8, 0)
	one, a, b := w.Timer(1), w.Timers(2, 2), w.Timers(3, 2)
	one.Set(Millisecond)
	a.Of(1).Set(2 * Millisecond)
	b.Of(1).Set(3 * Millisecond)
	if !one.Armed() || !a.Of(1).Armed() || a.Of(0).Armed() || b.Of(0).Armed() {
		t.Error("another timer was set")
	}
	if a.Of(1).SetOnce(9*Millisecond) || !b.Of(0).SetOnce(4*Millisecond) {
		t.Error("a timer that runs was moved, or one that rests was not set")
	}
	b.Of(0).Cancel()
	var got []uint32
	for now := Instant(0); now < 10*Millisecond; now += Millisecond {
		for {
			id, ok := w.Expire(now)
			if !ok {
				break
			}
			got = append(got, id)
		}
	}
	if len(got) != 3 || got[0] != 1 || got[1] != 4 || got[2] != 5 {
		t.Errorf("fired %v, want [1 4 5]", got)
	}
}
