package engine_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestVirtualFormation: members that all join one of them at once are a cluster within
// some tens of round trips, however many they are, and no Join takes longer, though
// what the seed holds changes all the time meanwhile.
func TestVirtualFormation(t *testing.T) {
	const most = 50 * time.Millisecond
	for _, n := range []int{2, 32, 200} {
		if n > 100 && testing.Short() {
			continue
		}
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			virtual(t, n, enginetest.Options{Apart: true}, func(t *testing.T, c *enginetest.Cluster) {
				began := time.Now()
				var all sync.WaitGroup
				for i := range n - 1 {
					all.Go(func() { c.Join(i+1, 0) })
				}
				all.Wait()
				joined := time.Since(began)
				for time.Since(began) < most && slices.ContainsFunc(c.Engines, func(e *engine.Engine) bool { return alive(e) < n }) {
					pause(time.Millisecond)
				}
				formed := time.Since(began)
				t.Logf("all Joins returned after %v, all knew all after %v", joined, formed)
				if joined >= most || formed >= most {
					t.Errorf("want both within %v", most)
				}
			})
		})
	}
}

// alive is how many members one knows that answer.
func alive(e *engine.Engine) (n int) {
	for m := range e.Members() {
		if m.State == engine.StateAlive {
			n++
		}
	}
	return n
}
