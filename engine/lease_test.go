package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestLeaseEndsWithoutItsOwner: what has a time to live ends for every reader when its time is
// over, whatever became of its owner: Get, Range and Watch; and members that join later are never
// shown it.
func TestLeaseEndsWithoutItsOwner(t *testing.T) {
	for _, how := range []string{"killed", "left", "cut off"} {
		t.Run(how, func(t *testing.T) {
			virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
				const life = 5 * time.Second
				if _, err := c.Engines[3].SetTTL("lease", []byte("mine"), life); err != nil {
					t.Fatal(err)
				}
				born := time.Now()
				c.WaitConverged()
				watch, cancel := context.WithCancel(context.Background())
				defer cancel()
				deleted := make(chan time.Duration, 1)
				go func() {
					for u, err := range c.Engines[1].Watch(watch, "lease") {
						if err != nil {
							return
						}
						if u.Deleted {
							deleted <- time.Since(born)
							return
						}
					}
				}()
				switch how {
				case "killed":
					c.Kill(3)
				case "left":
					c.Engines[3].Close()
				default:
					c.Partition([]int{0, 1, 2}, []int{3})
				}
				pause(time.Until(born.Add(life - 100*time.Millisecond)))
				v, meta, ok := c.Engines[0].Get("node-3", "lease")
				if !ok || string(v) != "mine" || meta.TTL != life || meta.Age < life-200*time.Millisecond || meta.Age > life {
					t.Errorf("shortly before its end: %q, %+v, %v", v, meta, ok)
				}
				pause(time.Until(born.Add(life + 10*time.Millisecond)))
				for i, e := range c.Engines[:3] {
					if v, _, ok := e.Get("node-3", "lease"); ok {
						t.Errorf("node %d: %q is there after its time", i, v)
					}
					for key := range e.Range("node-3") {
						t.Errorf("node %d: Range shows %q after its time", i, key)
					}
				}
				pause(time.Second)
				select {
				case took := <-deleted:
					if took < life-10*time.Millisecond || took > life+20*time.Millisecond {
						t.Errorf("Watch said so after %v", took)
					}
				default:
					t.Error("Watch says nothing")
				}
			})
		})
	}
}

// TestManyLeasesEndAtOnce: what ends at the same moment is hidden from every reader then, however
// long its tombstones take, and those leave nothing behind.
func TestManyLeasesEndAtOnce(t *testing.T) {
	const keys = 20_000
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		owner := c.Engines[0]
		due := time.Now().Add(20 * time.Second)
		for i := range keys {
			for {
				_, err := owner.SetTTL(fmt.Sprint("session-", i), []byte("v"), time.Until(due))
				if err == nil {
					break
				}
				if !errors.Is(err, engine.ErrBackpressure) {
					t.Fatal(err)
				}
				pause(time.Millisecond)
			}
		}
		set(t, owner, "stays", "v")
		c.WaitConverged()
		shown := func(e *engine.Engine) (n int) {
			for range e.Range(owner.Name()) {
				n++
			}
			return n
		}
		pause(time.Until(due.Add(-100 * time.Millisecond)))
		for _, e := range c.Engines {
			if n := shown(e); n != keys+1 {
				t.Errorf("%s shows %d keys before they end", e.Name(), n)
			}
		}
		pause(time.Until(due.Add(10 * time.Millisecond)))
		for _, e := range c.Engines {
			if n := shown(e); n != 1 {
				t.Errorf("%s shows %d keys after they ended", e.Name(), n)
			}
		}
		pause(time.Minute)
		c.WaitConverged()
		for _, e := range c.Engines {
			if n := e.Stats().Keys; n > 3*10 {
				t.Errorf("%s holds %d keys", e.Name(), n)
			}
		}
	})
}
