package enginetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestFrozenMembers: one that is frozen is neither heard nor reached, and is suspected; what was
// sent to it arrives when it thaws, and all are alive and equal.
func TestFrozenMembers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{})
		c := enginetest.NewCluster(t, 3, enginetest.Options{Transport: net.Poller()})
		c.Freeze(2)
		c.Engines[0].Set("k", []byte("v"))
		c.Engines[2].Set("k", []byte("w"))
		time.Sleep(500 * time.Millisecond)
		if a, b := holds(c.Engines[2], "node-0", "k"), holds(c.Engines[0], "node-2", "k"); a != "" || b != "" {
			t.Errorf("%q and %q while it is frozen", a, b)
		}
		if m, _ := c.Engines[0].Member("node-2"); m.State == engine.StateAlive {
			t.Errorf("%s is %v", m.Name, m.State)
		}
		c.Thaw(2)
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if a := holds(c.Engines[2], "node-0", "k"); a != "v" {
			t.Errorf("%q at once: what was sent to it did not wait", a)
		}
		c.WaitConverged()
		if b := holds(c.Engines[0], "node-2", "k"); b != "w" {
			t.Errorf("%q after it", b)
		}
	})
}

// TestDelayIsKept: with a delay a write is at another member after it, and not before.
func TestDelayIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{})
		c := enginetest.NewCluster(t, 2, enginetest.Options{Transport: net.Poller()})
		const delay = 40 * time.Millisecond
		c.Delay(delay)
		c.Engines[0].Set("k", []byte("v"))
		time.Sleep(delay - time.Millisecond)
		synctest.Wait()
		if a := holds(c.Engines[1], "node-0", "k"); a != "" {
			t.Errorf("%q before the delay is over", a)
		}
		time.Sleep(20 * time.Millisecond)
		synctest.Wait()
		if a := holds(c.Engines[1], "node-0", "k"); a != "v" {
			t.Errorf("%q after it", a)
		}
		c.Delay(0)
		c.WaitConverged()
	})
}
