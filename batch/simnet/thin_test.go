package simnet

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestAThinLinkCarriesItsRate: what passes a thin link is its rate, whoever sends and whichever way,
// nothing waits for longer than its queue takes, and what goes elsewhere passes as before.
func TestAThinLinkCarriesItsRate(t *testing.T) {
	const rate, room, size = 125_000, 25_000, 1000
	var m Model
	m.Init(1, Link{Delay: Delay{Min: sched.Millisecond, Max: sched.Millisecond}})
	m.Thin(3, rate, room)
	var f Fate
	for _, way := range []struct{ from, to int }{{3, 0}, {0, 3}} {
		passed, span := 0, sched.Instant(10*sched.Second)
		start := sched.Instant(0)
		for now := start; now < start+span; now += sched.Millisecond { // eight times the rate
			from, to := way.from, way.to
			if from == 0 {
				from = int(now/sched.Millisecond) % 3
			}
			switch m.Send(now, from, to, size, &f); {
			case f.Cause == Overflowed && f.Copies == 0:
			case f.Copies != 1:
				t.Fatalf("%+v", f)
			default:
				passed += size
				if wait := f.At[0] - now; wait > sched.Millisecond+sched.Second*(room+size)/rate {
					t.Fatalf("it waits for %d ms", wait/sched.Millisecond)
				}
			}
			if m.Send(now, 0, 1, size, &f); f.At[0] != now+sched.Millisecond {
				t.Fatalf("others' traffic takes %d us", (f.At[0]-now)/sched.Microsecond)
			}
		}
		if want := rate*10 + room; passed < want-2*size || passed > want+2*size {
			t.Errorf("from %d to %d: %d bytes pass in 10 s, want %d", way.from, way.to, passed, want)
		}
	}
	if m.Thin(3, 0, 0); m.thin[3] != nil {
		t.Error("it stays thin")
	}
}
