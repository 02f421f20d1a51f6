package engine

import (
	"context"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestSamplesAreAsOldAsPromised: while the loop turns, a Sample is at most a second old where nobody read
// the one before, and at most 50 ms where somebody did; and the loop counts no more often than it has to.
func TestSamplesAreAsOldAsPromised(t *testing.T) {
	c := Local()
	c.Name, c.LeaveTimeout = "one", -1
	e, err := Start(context.Background(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	for _, read := range []bool{false, true} {
		most := sched.Instant(sched.Second)
		if read {
			most = 50 * sched.Millisecond
		}
		e.ask(func(now sched.Instant) {
			e.sampled.read.Store(true)
			e.sample(now.After(10 * sched.Second)) // whatever was before
			now = now.After(10 * sched.Second)
			began, at := now, e.sampled.at
			for end := began.After(10 * sched.Second); now < end; now += sched.Millisecond {
				e.sampled.read.Store(read)
				e.sample(now)
				if e.sampled.at == at {
					if age := now - began; age > most {
						t.Errorf("read %v: a sample is %d ms old", read, age/sched.Millisecond)
						break
					}
					continue
				}
				if age := now - began; age < most {
					t.Errorf("read %v: counted anew after %d ms", read, age/sched.Millisecond)
					break
				}
				began, at = now, e.sampled.at
			}
			e.sampled.at = 0
		})
	}
}
