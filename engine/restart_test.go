package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// formerLife is longer than what a member wrote in a former life stays readable.
const formerLife = 12 * time.Second

// lookAt reads member 1's keys at a reader without a pause, until stop; it counts the looks that
// found a key missing, by Get and by Range, and those that went back to an older life.
func lookAt(e *engine.Engine, keys int, until time.Time) (looks, missing, back int) {
	last := map[string]engine.Version{}
	for ; time.Now().Before(until); looks++ {
		for k := range keys {
			_, m, ok := e.Get("node-1", fmt.Sprint("key/", k))
			if !ok {
				missing++
			}
			if key := fmt.Sprint(k); ok && m.Version.Compare(last[key]) < 0 {
				back++
			} else if ok {
				last[key] = m.Version
			}
		}
		n := 0
		for range e.Range("node-1") {
			n++
		}
		if n < keys {
			missing++
		}
		pause(time.Millisecond)
	}
	return looks, missing, back
}

// TestRestartLeavesNoHole: a member that was killed starts anew with nothing and writes its keys
// again, one after the other, in two lives or three. At no moment does a reader elsewhere miss a
// key, and none goes back to an older life.
func TestRestartLeavesNoHole(t *testing.T) {
	for _, lives := range []int{2, 3} {
		virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
			const keys = 20
			for k := range keys {
				set(t, c.Engines[1], fmt.Sprint("key/", k), "1")
			}
			c.WaitConverged()
			done := make(chan string, 2)
			for _, e := range []*engine.Engine{c.Engines[0], c.Engines[2]} {
				go func() {
					looks, missing, back := lookAt(e, keys, time.Now().Add(8*time.Second))
					done <- fmt.Sprintf("%d missing, %d back in looks: %v", missing, back, looks > 1000)
				}()
			}
			for life := 2; life <= lives; life++ {
				c.Kill(1)
				pause(200 * time.Millisecond)
				c.Restart(1)
				for k := range keys {
					if life == lives || k < keys/2 {
						set(t, c.Engines[1], fmt.Sprint("key/", k), fmt.Sprint(life))
						pause(20 * time.Millisecond)
					}
				}
			}
			for range 2 {
				if got := <-done; got != "0 missing, 0 back in looks: true" {
					t.Errorf("%d lives: %s", lives, got)
				}
			}
			for k := range keys {
				if v, _, _ := c.Engines[0].Get("node-1", fmt.Sprint("key/", k)); string(v) != fmt.Sprint(lives) {
					t.Errorf("key %d is of life %s", k, v)
				}
			}
		})
	}
}

// TestFormerLifeEnds: what the new life never says of goes after a while, and what it deletes goes
// at once, also what it does not have or wrote just before; a watcher hears of both, and of nothing
// before.
func TestFormerLifeEnds(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		for _, key := range []string{"kept", "deleted", "denied", "brief", "unsaid"} {
			set(t, c.Engines[1], key, "1")
		}
		c.WaitConverged()
		ctx, cancel := context.WithCancel(context.Background())
		var mu sync.Mutex
		gone := map[string]time.Duration{}
		began, ended := time.Now(), make(chan struct{}, 4)
		for _, key := range []string{"deleted", "denied", "brief", "unsaid"} {
			go func() {
				for u, err := range c.Engines[0].Watch(ctx, key) {
					if err == nil && u.Deleted {
						mu.Lock()
						gone[key] = time.Since(began)
						mu.Unlock()
					}
				}
				ended <- struct{}{}
			}()
		}
		c.Kill(1)
		pause(time.Second)
		c.Restart(1)
		set(t, c.Engines[1], "kept", "2")
		set(t, c.Engines[1], "deleted", "2")
		set(t, c.Engines[1], "brief", "2")
		c.Engines[1].Delete("brief")
		c.Engines[1].Delete("denied")
		pause(100 * time.Millisecond)
		c.Engines[1].Delete("deleted")
		pause(time.Second)
		e := c.Engines[0]
		for key, want := range map[string]bool{"kept": true, "deleted": false, "denied": false, "brief": false, "unsaid": true} {
			if _, _, ok := e.Get("node-1", key); ok != want {
				t.Errorf("a second after the restart %s is there: %v", key, ok)
			}
		}
		pause(20 * time.Second)
		n := 0
		for range e.Range("node-1") {
			n++
		}
		if _, _, ok := e.Get("node-1", "unsaid"); ok || n != 1 {
			t.Errorf("what the new life never wrote is there after 20 s, with %d keys", n)
		}
		cancel()
		for range 4 {
			<-ended
		}
		for _, key := range []string{"deleted", "denied", "brief"} {
			if d := gone[key]; d == 0 || d > 3*time.Second {
				t.Errorf("the watcher heard of the delete of %q after %v", key, d)
			}
		}
		if d := gone["unsaid"]; d < 8*time.Second || d > 15*time.Second {
			t.Errorf("the watcher heard of the end of the former life after %v", d)
		}
	})
}

// TestFormerLifeEndsWhereItIsMetLate: who was away while a member began a new life may show for a
// while what the former one wrote, also what the new life has deleted since, and then no more. That
// holds where the deletes were of a young life, whose tombstones went as soon as all others had
// them.
func TestFormerLifeEndsWhereItIsMetLate(t *testing.T) {
	for _, after := range []time.Duration{0, time.Minute} {
		virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
			keys := []string{"deleted", "denied", "unsaid"}
			for _, key := range keys {
				set(t, c.Engines[1], key, "1")
			}
			c.WaitConverged()
			c.Partition([]int{0, 1}, []int{2})
			c.Kill(1)
			c.Restart(1)
			pause(after)
			set(t, c.Engines[1], "deleted", "2")
			c.Engines[1].Delete("deleted")
			c.Engines[1].Delete("denied")
			set(t, c.Engines[1], "new", "2")
			pause(2*time.Minute - after)
			if n := c.Engines[1].Tombstones(); after == 0 && n != 0 {
				t.Errorf("%d tombstones are not collected: nothing is shown", n)
			}
			c.Heal()
			eventually(t, "the new life is met", func() bool { _, _, ok := c.Engines[2].Get("node-1", "new"); return ok })
			pause(formerLife)
			for range 60 {
				for _, e := range []*engine.Engine{c.Engines[0], c.Engines[2]} {
					for _, key := range keys {
						if v, _, ok := e.Get("node-1", key); ok {
							t.Fatalf("deletes %v after the start: %v after the new life was met, %q is %q at %s", after, formerLife, key, v, e.Name())
						}
					}
				}
				pause(time.Second)
			}
			c.WaitConverged()
		})
	}
}
