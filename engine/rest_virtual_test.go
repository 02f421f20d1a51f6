package engine_test

import (
	"flag"
	"runtime"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/enginetest"
)

var restMembers = flag.Int("rest.members", 16, "members that have nothing to do")

// TestIdleTimeDoesNotAllocate: members that have nothing to say allocate nothing by time
// either: not for rounds, comparisons, audits or what is kept for metrics. Those come in each
// minute; a runtime that shares its processors allocates for itself in some.
func TestIdleTimeDoesNotAllocate(t *testing.T) {
	virtual(t, *restMembers, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		for _, e := range c.Engines {
			set(t, e, "k", "v")
		}
		c.WaitConverged()
		pause(90 * time.Second)              // tables grow to what they need
		least, most := 1<<30, *restMembers/2 // of the test, of the network in memory and of the runtime
		for minutes := 0; least > most && minutes < 5; minutes++ {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			pause(time.Minute)
			runtime.ReadMemStats(&after)
			n := int(after.Mallocs - before.Mallocs)
			t.Logf("%d allocations in a minute of %d members", n, *restMembers)
			least = min(least, n)
		}
		if least > most {
			t.Errorf("%d allocations in each minute of %d members, at least", least, *restMembers)
		}
	})
}
