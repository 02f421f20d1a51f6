package engine_test

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// TestNoCallHoldsTheLoop: while a member refuses writes for want of room and many go on writing,
// calls that look at what is staged answer, and another member on the same loop goes on.
func TestNoCallHoldsTheLoop(t *testing.T) {
	a := startOne(t, "a", func(c *engine.Config) { c.Limits.Keys = 64 })
	other := startOne(t, "other", func(c *engine.Config) { c.Cluster = "another" })
	for k := 0; ; k++ {
		if _, err := a.Set(fmt.Sprint(k), []byte("v")); errors.Is(err, engine.ErrFull) {
			break
		}
	}
	var stop atomic.Bool
	var wg sync.WaitGroup
	for g := range 2 {
		wg.Go(func() {
			for k := 0; !stop.Load(); k++ {
				a.Delete(fmt.Sprint("absent ", g, k))
				a.Set(fmt.Sprint("more ", g, k), nil)
			}
		})
	}
	done := make(chan string, 2)
	ask := func(what string, f func()) {
		go func() {
			for range 15 {
				f()
			}
			done <- what
		}()
	}
	ask("another member on the loop", func() { other.Stats() })
	ask("the member", func() {
		a.Stats()
		a.Progress()
		for range a.Range("a") {
			break
		}
	})
	for range 2 {
		select {
		case <-done:
		case <-time.After(20 * time.Second):
			t.Fatal("a call holds the loop while others write")
		}
	}
	stop.Store(true)
	wg.Wait()
}
