package engine_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/sched"
)

// virtual runs f on a cluster whose network and clock are in memory: an hour
// there takes milliseconds here.
func virtual(t *testing.T, n int, o enginetest.Options, f func(t *testing.T, c *enginetest.Cluster)) {
	virtualOver(t, simnet.Link{Delay: simnet.Delay{Min: 100 * sched.Microsecond, Max: 300 * sched.Microsecond}}, n, o, f)
}

// virtualOver is virtual on links of the test's choice.
func virtualOver(t *testing.T, link simnet.Link, n int, o enginetest.Options, f func(t *testing.T, c *enginetest.Cluster)) {
	synctest.Test(t, func(t *testing.T) {
		seed := uint64(time.Now().UnixNano()) // the bubble's clock: always the same
		net := simnet.NewNetwork(seed, link)
		o.Transport = net.Poller()
		f(t, enginetest.NewCluster(t, n, o))
	})
}

func TestVirtualConvergence(t *testing.T) {
	virtual(t, 8, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		began := time.Now()
		c.WaitConverged()
		t.Logf("converged after %v", time.Since(began))
		if all := same(t, c); len(all) != 8 {
			t.Errorf("%d keys", len(all))
		}
	})
}

// A cut of a minute is longer than any detector's patience; both halves merge
// again by themselves.
func TestVirtualPartitionOfAMinute(t *testing.T) {
	virtual(t, 6, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		c.Partition([]int{0, 1, 2}, []int{3, 4, 5})
		pause(time.Minute)
		for i, e := range c.Engines {
			set(t, e, "k", fmt.Sprint("during the cut ", i))
			if s := e.Stats(); s.Alive != 3 {
				t.Errorf("%s: %d alive during the cut", e.Name(), s.Alive)
			}
		}
		c.Heal()
		began := time.Now()
		c.WaitConverged()
		t.Logf("healed after %v", time.Since(began))
		if all := same(t, c); len(all) != 6 {
			t.Errorf("%d keys", len(all))
		}
	})
}

func TestVirtualCrashIsNoticed(t *testing.T) {
	var mu sync.Mutex
	var at time.Time
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 0 {
			c.OnEvent = func(ev engine.Event) {
				mu.Lock()
				defer mu.Unlock()
				if ev.Kind == engine.EventDead && ev.Member.Name == "node-3" {
					at = time.Now()
				}
			}
		}
	}}
	virtual(t, 5, o, func(t *testing.T, c *enginetest.Cluster) {
		pause(5 * time.Second)
		began := time.Now()
		c.Kill(3)
		pause(20 * time.Second)
		mu.Lock()
		defer mu.Unlock()
		if at.IsZero() {
			t.Fatal("not dead after 20 s")
		}
		t.Logf("dead after %v", at.Sub(began))
		if s := stateOf(c.Engines[0], "node-3"); s != engine.StateDead {
			t.Errorf("it is %v", s)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		v := set(t, c.Engines[0], "k", "v")
		if err := c.Engines[0].WaitVersion(ctx, v); err != nil {
			t.Errorf("writers still wait for the dead: %v", err)
		}
	})
}

// Members that start when their clocks show the same begin with different generations, as lives of
// one do.
func TestVirtualStartsDiffer(t *testing.T) {
	virtual(t, 8, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		began, seen := uint64(time.Now().UnixNano()), map[uint64]bool{}
		for _, e := range c.Engines {
			g := generation(e)
			seen[g] = true
			if g > began+1<<16 {
				t.Errorf("%d is %d ahead", g, g-began)
			}
		}
		if len(seen) < 4 { // all 8, but once in 2,300
			t.Errorf("generations %v", seen)
		}
	})
}

// A member that comes back with a clock, and so a generation, that is behind
// takes one above its former life's.
func TestVirtualRestartWithClockBehind(t *testing.T) {
	lives := 0
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			if lives++; lives == 1 {
				c.Generation = uint64(time.Now().Add(time.Hour).UnixNano())
			}
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		set(t, c.Engines[1], "old", "v")
		c.WaitConverged()
		c.Kill(1)
		pause(2 * time.Second)
		c.Restart(1)
		set(t, c.Engines[1], "new", "v")
		c.WaitConverged()
		v := set(t, c.Engines[1], "newer", "v")
		c.WaitConverged()
		pause(formerLife)
		for _, e := range c.Engines {
			if _, _, ok := e.Get("node-1", "old"); ok {
				t.Errorf("%s still has the old life", e.Name())
			}
			if _, m, ok := e.Get("node-1", "newer"); !ok || m.Version != v {
				t.Errorf("%s has %v, want %v", e.Name(), m.Version, v)
			}
		}
		if v.Gen <= uint64(time.Now().Add(50*time.Minute).UnixNano()) {
			t.Error("the generation did not rise above the former one")
		}
	})
}

func TestVirtualTTL(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		if _, err := c.Engines[0].SetTTL("k", []byte("v"), time.Hour); err != nil {
			t.Fatal(err)
		}
		there := func() (n int) {
			for _, e := range c.Engines {
				if _, _, ok := e.Get("node-0", "k"); ok {
					n++
				}
			}
			return n
		}
		pause(time.Hour - time.Second)
		if n := there(); n != 3 {
			t.Errorf("before its end %d of 3 have it", n)
		}
		pause(2 * time.Second)
		if n := there(); n != 0 {
			t.Errorf("after its end %d of 3 have it", n)
		}
	})
}

func TestVirtualJoinBounds(t *testing.T) {
	virtual(t, 2, enginetest.Options{Apart: true}, func(t *testing.T, c *enginetest.Cluster) {
		began := time.Now()
		n, err := c.Engines[0].Join(t.Context(), "127.0.0.1:1")
		if d := time.Since(began); n != 0 || !errors.Is(err, engine.ErrNoAnswer) || d != 5*time.Second {
			t.Errorf("nobody answers: %d, %v after %v", n, err, d)
		}
		began = time.Now()
		n, err = c.Engines[0].Join(t.Context(), "127.0.0.1:1", c.Engines[1].Addr().String())
		if d := time.Since(began); n != 1 || err != nil || d < time.Second || d > 1100*time.Millisecond {
			t.Errorf("one of two answers: %d, %v after %v", n, err, d)
		}
	})
}

// An idle cluster stays whole and quiet.
func TestVirtualIdle(t *testing.T) {
	if testing.Short() {
		t.Skip("ten virtual minutes of probes takes seconds")
	}
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		before := c.Engines[0].Stats()
		pause(10 * time.Minute)
		s := c.Engines[0].Stats()
		bytes := float64(s.BytesSent-before.BytesSent) / 600
		t.Logf("%.0f bytes/s sent by each of 3 idle members, drops %v", bytes, s.Drops)
		if s.Alive != 3 || s.Gaps != 0 || bytes > 15000 {
			t.Errorf("%d alive, %d gaps, %.0f bytes/s", s.Alive, s.Gaps, bytes)
		}
	})
}

// pause lets virtual time pass.
func pause(d time.Duration) { <-time.After(d) }

// Whoever waits in Join greets at least once a second: where three frames of ten are lost on
// either way, a seed takes it in within seconds.
func TestJoinGoesOnGreeting(t *testing.T) {
	link := simnet.Link{Loss: simnet.Probability(0.3), Delay: simnet.Delay{Min: sched.Millisecond, Max: 3 * sched.Millisecond}}
	joins := 300
	if testing.Short() {
		joins = 50
	}
	virtualOver(t, link, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		var most time.Duration
		for range joins {
			i := c.AddApart()
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			began := time.Now()
			if _, err := c.Engines[i].Join(ctx, c.Engines[0].Addr().String()); err != nil {
				t.Error(err)
			}
			cancel()
			if took := time.Since(began); took > most {
				most = took
			}
			c.Kill(i)
		}
		if t.Logf("%d joins: %v at most", joins, most); most > 10*time.Second {
			t.Error("too long")
		}
	})
}
