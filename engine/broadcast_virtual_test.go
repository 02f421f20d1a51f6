package engine_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestBroadcastsOutliveARenewal: somebody lies about what a member wrote while that one broadcasts,
// so that it takes another life. Each member hears each broadcast, once, and who sent it.
func TestBroadcastsOutliveARenewal(t *testing.T) {
	const members, lies, all = 4, 3, 400
	virtual(t, members, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		author := c.Engines[0]
		set(t, author, "k", "v")
		c.WaitConverged()
		ctx, cancel := context.WithCancel(t.Context())
		var done sync.WaitGroup
		var mu sync.Mutex
		heard := make([][all]int, members)
		for i, e := range c.Engines {
			seq := e.Subscribe(ctx, "t")
			done.Go(func() {
				for b, err := range seq {
					mu.Lock()
					switch n := 0; {
					case err != nil && ctx.Err() == nil:
						t.Errorf("node %d: %v", i, err)
					case err != nil:
					case b.From != author.Name():
						t.Errorf("node %d: from %q", i, b.From)
					default:
						fmt.Sscan(string(b.Payload), &n)
						heard[i][n]++
					}
					mu.Unlock()
				}
			})
		}
		for n := range all {
			if n%(all/lies) == 10 {
				pause(4 * time.Second)
				c.Engines[1].Lie("node-2", "node-0", "k", "forged", 3)
			}
			if _, err := author.Broadcast("t", fmt.Append(nil, n)); err != nil {
				t.Fatal(err)
			}
			pause(time.Duration(n%7) * 500 * time.Microsecond)
		}
		pause(5 * time.Second)
		cancel()
		done.Wait()
		if n := author.Stats().Renewals; n < lies {
			t.Fatalf("%d renewals: the test shows nothing", n)
		}
		for i := range heard {
			lost, twice := 0, 0
			for _, times := range heard[i] {
				if times == 0 {
					lost++
				}
				if times > 1 {
					twice++
				}
			}
			if lost+twice > 0 {
				t.Errorf("node %d: %d of %d are lost, %d were told twice", i, lost, all, twice)
			}
		}
	})
}
