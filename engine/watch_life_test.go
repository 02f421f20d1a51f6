package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// A member starts anew while a watcher is busy, and writes its key once:
// a lower sequence of a higher generation is news.
func TestWatchSeesANewLife(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		for k := range 20 {
			c.Engines[1].Set("k", fmt.Append(nil, "old", k))
		}
		c.WaitConverged()
		got := ""
		for u, err := range c.Engines[0].Watch(ctx, "k") {
			if err != nil {
				break
			}
			if u.Member != "node-1" {
				continue
			}
			if !u.Deleted {
				got = string(u.Value)
			}
			if got == "new" {
				break
			}
			if got == "old19" {
				c.Kill(1)
				c.Restart(1)
				c.Engines[1].Set("k", []byte("new"))
				pause(2 * time.Second) // the watcher is slow: it sees only how things are now
				if v, _, _ := c.Engines[0].Get("node-1", "k"); string(v) != "new" {
					t.Errorf("node 0 reads %q", v)
				}
			}
		}
		if got != "new" {
			t.Errorf("Watch yielded last %q", got)
		}
	})
}
