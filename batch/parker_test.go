package batch

import (
	"sync"
	"sync/atomic"
	"testing"
)

func TestParking(t *testing.T) {
	var p Parker
	f := func(what string, got, want bool) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v", what, got)
		}
	}
	f("nothing is due", p.Take(), false)
	f("nobody sleeps", p.Notify(), false)
	f("it is due once", p.Take(), true)
	f("it is taken", p.Take(), false)
	p.Notify()
	f("park with a wake due", p.Park(), false)
	f("park", p.Park(), true)
	f("left alone", p.Parked(), true)
	f("the sleeper is rung", p.Notify(), true)
	f("once", p.Notify(), false)
	f("no longer left alone", p.Parked(), false)
	p.Unpark()
	f("news to one who is awake", p.NotifyParked(), false)
	f("leave no wake", p.Park(), true)
	f("news to a sleeper", p.NotifyParked(), true)
}

// No wake is lost: whatever was published before a Notify is seen by a sleeper
// that sleeps only while nobody rings.
func TestParkingLosesNoWake(t *testing.T) {
	var p Parker
	var work atomic.Int64
	bell := make(chan struct{}, 1)
	const each, producers = 20000, 3
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			for range each {
				work.Add(1)
				if p.Notify() {
					select {
					case bell <- struct{}{}:
					default:
					}
				}
			}
		})
	}
	for seen := int64(0); seen < each*producers; {
		if p.Park() {
			for p.Parked() && work.Load() == seen {
				<-bell // for ever, if a wake is lost
			}
			p.Unpark()
		}
		seen = work.Load()
	}
	wg.Wait()
}
