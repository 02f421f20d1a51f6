package enginetest_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

func holds(e *engine.Engine, member, key string) string {
	value, _, _ := e.Get(member, key)
	return string(value)
}

func exercise(t *testing.T, o enginetest.Options) {
	c := enginetest.NewCluster(t, 5, o)
	write := func(i int, value string) {
		t.Helper()
		if _, err := c.Engines[i].Set("k", []byte(value)); err != nil {
			t.Fatal(err)
		}
	}
	everywhere := func(member int, want string) {
		t.Helper()
		for i := range c.Engines {
			if got := holds(c.Engines[i], fmt.Sprint("node-", member), "k"); got != want {
				t.Errorf("member %d: %q, want %q", i, got, want)
			}
		}
	}
	write(0, "first")
	c.WaitConverged()
	everywhere(0, "first")

	c.Partition([]int{0, 1}) // the others form the second side
	write(0, "cut")
	write(4, "cut")
	c.Heal()
	c.WaitConverged()
	everywhere(0, "cut")
	everywhere(4, "cut")

	c.Loss(0.3)
	for i := range 50 {
		write(2, fmt.Sprint(i))
	}
	c.WaitConverged()
	c.Loss(0)
	everywhere(2, "49")

	c.Kill(3)
	c.Stop(1)
	c.Restart(3)
	c.Restart(1)
	write(3, "again")
	c.WaitConverged()
	everywhere(3, "again")
}

func TestClusterOnSockets(t *testing.T) { exercise(t, enginetest.Options{}) }

func TestClusterInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		net := simnet.NewNetwork(1, simnet.Link{Delay: simnet.Delay{Min: 50 * sched.Microsecond, Max: sched.Millisecond}})
		exercise(t, enginetest.Options{Transport: net.Poller()})
	})
}

// A restart at the address of the former life, as after kill -9.
func TestRestartAtTheSameAddress(t *testing.T) {
	var c *enginetest.Cluster
	c = enginetest.NewCluster(t, 3, enginetest.Options{Config: func(i int, cfg *engine.Config) {
		if c != nil && c.Engines[i] != nil {
			cfg.Bind = c.Engines[i].Addr().String()
		}
	}})
	c.Engines[1].Set("old", []byte("v"))
	c.WaitConverged()
	for life := range 5 {
		was := c.Engines[1].Addr()
		c.Kill(1)
		c.Restart(1)
		if c.Engines[1].Addr() != was {
			t.Fatal("another address")
		}
		c.Engines[1].Set("new", fmt.Append(nil, life))
		began := time.Now()
		c.WaitConverged()
		t.Logf("life %d: the same everywhere after %v", life, time.Since(began))
		for _, e := range c.Engines {
			if holds(e, "node-1", "new") != fmt.Sprint(life) {
				t.Errorf("%s has another life", e.Name())
			}
		}
	}
}
