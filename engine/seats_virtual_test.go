package engine_test

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestFewSeatsMakeNobodyFlap: a member that has no room for some of the others answers their probes
// all the same, so nobody suspects anybody, and those whom it refused leave it in peace.
func TestFewSeatsMakeNobodyFlap(t *testing.T) {
	o := enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		if i == 3 {
			c.Limits.Origins = 4
		}
	}}
	virtual(t, 8, o, func(t *testing.T, c *enginetest.Cluster) {
		for _, e := range c.Engines[1:] {
			e.Join(t.Context(), c.Engines[0].Addr().String())
		}
		pause(10 * time.Second)
		sum := func() (suspicions, frames uint64) {
			for _, e := range c.Engines {
				s := e.Stats()
				suspicions, frames = suspicions+s.Detector.Suspicions, frames+s.FramesSent
			}
			return suspicions, frames
		}
		before, sent := sum()
		pause(16 * time.Second)
		suspicions, frames := sum()
		t.Logf("%d suspicions, %d frames a second", suspicions-before, (frames-sent)/16)
		if suspicions != before || frames-sent > 16*1500 {
			t.Errorf("%d suspicions and %d frames in 16 s", suspicions-before, frames-sent)
		}
	})
}
