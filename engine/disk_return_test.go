package engine_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestWhoLeavesHereReturnsThere: a member with a disk goes in one half of a cut (it leaves, it ends
// without a word under a generation that it may keep, or it dies while it leaves) and comes back in
// the other half, with its disk or without. The first half holds it gone until the halves meet:
// within seconds all have it alive, with what it wrote in both lives.
func TestWhoLeavesHereReturnsThere(t *testing.T) {
	for _, how := range []string{"leaves", "ends", "dies leaving"} {
		for _, lost := range []bool{false, true} {
			for _, apart := range []time.Duration{time.Second, 30 * time.Second, 3 * time.Minute} {
				t.Run(fmt.Sprintf("%s, disk lost %v, apart for %v", how, lost, apart), func(t *testing.T) {
					leaveAndReturn(t, how, lost, apart)
				})
			}
		}
	}
}

func leaveAndReturn(t *testing.T, how string, lost bool, apart time.Duration) {
	dirs := make([]string, 5)
	config := func(i int, c *engine.Config) {
		if dirs[i] == "" {
			dirs[i] = t.TempDir()
		}
		c.Disk.Path, c.Disk.Sync = dirs[i], engine.SyncEach
		if c.LeaveTimeout = time.Second; how == "ends" {
			c.LeaveTimeout = -1
		}
	}
	virtual(t, 5, enginetest.Options{Config: config}, func(t *testing.T, c *enginetest.Cluster) {
		gone := c.Engines[4]
		set(t, gone, "first", "life")
		c.WaitConverged()
		before := gone.ID()
		c.Partition([]int{0, 1, 4}, []int{2, 3})
		pause(apart)
		if how == "dies leaving" {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			gone.Leave(ctx)
			cancel()
			k := diskCluster{t: t, dirs: dirs, Cluster: c}
			k.kill(4)
		} else {
			c.Stop(4)
		}
		if lost {
			dirs[4] = t.TempDir()
		}
		pause(apart)
		c.Partition([]int{0, 1}, []int{2, 3, 4})
		c.Restart(4)
		set(t, c.Engines[4], "second", "life")
		if kept := c.Engines[4].ID() == before; kept != (how == "ends" && !lost) {
			t.Errorf("the generation is kept: %v", kept)
		}
		pause(apart)
		c.Heal()
		began := time.Now()
		eventually(t, "all have it again", func() bool {
			for _, e := range c.Engines {
				m, ok := e.Member("node-4")
				v, _, has := e.Get("node-4", "second")
				if !ok || m.State != engine.StateAlive || !has || string(v) != "life" {
					return false
				}
				if _, _, has := e.Get("node-4", "first"); !has && !lost {
					return false
				}
			}
			return true
		})
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("after %v", took)
		}
	})
}
