package enginetest_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestMembersComeLater: a member that is added later has what was written before.
func TestMembersComeLater(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{})
		c := enginetest.NewCluster(t, 2, enginetest.Options{Transport: net.Poller()})
		c.Engines[1].Set("k", []byte("v"))
		i := c.Add()
		c.WaitConverged()
		if i != 2 || c.Engines[i].Name() != "node-2" || holds(c.Engines[i], "node-1", "k") != "v" {
			t.Errorf("member %d holds %q", i, holds(c.Engines[i], "node-1", "k"))
		}
	})
}

// TestCutsOfOneDirection: what a member writes does not reach another one while that direction is
// cut, and what that one writes does; after Heal both do.
func TestCutsOfOneDirection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{})
		c := enginetest.NewCluster(t, 2, enginetest.Options{Transport: net.Poller()})
		c.Cut(0, 1)
		c.Engines[0].Set("k", []byte("v"))
		c.Engines[1].Set("k", []byte("w"))
		time.Sleep(time.Second)
		if a, b := holds(c.Engines[1], "node-0", "k"), holds(c.Engines[0], "node-1", "k"); a != "" || b != "w" {
			t.Errorf("%q and %q", a, b)
		}
		c.Heal()
		c.WaitConverged()
		if a := holds(c.Engines[1], "node-0", "k"); a != "v" {
			t.Errorf("%q after it", a)
		}
	})
}
