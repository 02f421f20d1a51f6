package engine_test

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestJoinSaysWhyItWasRefused: Join of somebody who is not taken in fails with a
// SeedError that has the reason, well before its deadline where the seed is sure, and
// both sides have an event with it.
func TestJoinSaysWhyItWasRefused(t *testing.T) {
	for _, x := range []struct {
		name      string
		seed, own func(c *engine.Config)
		want      error
		sure      bool
	}{
		{"full", func(c *engine.Config) { c.Limits.Origins = 2 }, func(*engine.Config) {}, engine.ErrFull, true},
		{"clock", func(*engine.Config) {}, func(c *engine.Config) { c.Generation = 1 << 62 }, engine.ErrClock, true},
		{"mode", func(*engine.Config) {}, func(c *engine.Config) { c.Tune.Order = tune.OrderPreciseNewest }, engine.ErrMode, true},
		{"banned", func(c *engine.Config) {
			c.Admit = func(member []byte, _ netip.AddrPort) bool { return string(member) != "node-2" }
		}, func(*engine.Config) {}, engine.ErrRefused, true},
		{"cluster", func(*engine.Config) {}, func(c *engine.Config) { c.Cluster = "other" }, engine.ErrCluster, false},
	} {
		t.Run(x.name, func(t *testing.T) {
			var mu sync.Mutex
			causes := map[int]error{}
			virtual(t, 3, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
				if i < 2 {
					x.seed(c)
				} else {
					x.own(c)
				}
				c.OnEvent = func(ev engine.Event) {
					mu.Lock()
					defer mu.Unlock()
					if ev.Kind == engine.EventJoinRefused || ev.Kind == engine.EventRefused {
						causes[i] = ev.Cause
					}
				}
			}}, func(t *testing.T, c *enginetest.Cluster) {
				seed := c.Engines[0].Addr().String()
				if n, err := c.Engines[1].Join(context.Background(), seed); n != 1 || err != nil {
					t.Fatal(n, err)
				}
				began := time.Now()
				n, err := c.Engines[2].Join(context.Background(), seed)
				var one *engine.SeedError
				if n != 0 || !errors.Is(err, x.want) || !errors.Is(err, engine.ErrRefused) || !errors.As(err, &one) || one.Seed != seed {
					t.Errorf("Join: %d, %v", n, err)
				}
				if took := time.Since(began); x.sure == (took > time.Second) {
					t.Errorf("after %v", took)
				}
				pause(time.Second)
				mu.Lock()
				defer mu.Unlock()
				for _, i := range []int{0, 2} {
					if !errors.Is(causes[i], x.want) {
						t.Errorf("engine %d was told %v", i, causes[i])
					}
				}
				for m := range c.Engines[2].Members() {
					if !m.Self {
						t.Errorf("the refused has %+v", m)
					}
				}
			})
		})
	}
}

// TestJoinAsksAnew: what a seed said before a Join is no answer to it. Who may come in now does.
func TestJoinAsksAnew(t *testing.T) {
	var taken atomic.Bool
	virtual(t, 2, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		c.Admit = func([]byte, netip.AddrPort) bool { return i != 0 || taken.Load() }
	}}, func(t *testing.T, c *enginetest.Cluster) {
		for range 2 {
			if n, err := c.Engines[1].Join(context.Background(), c.Engines[0].Addr().String()); n != 0 || !errors.Is(err, engine.ErrRefused) {
				t.Fatal(n, err)
			}
		}
		taken.Store(true)
		if n, err := c.Engines[1].Join(context.Background(), c.Engines[0].Addr().String()); n != 1 || err != nil {
			t.Error(n, err)
		}
	})
}

// TestJoinReturnsWithAPicture: right after Join the members and the keys of the seed
// are here.
func TestJoinReturnsWithAPicture(t *testing.T) {
	const n = 20
	virtual(t, n+1, enginetest.Options{Apart: true}, func(t *testing.T, c *enginetest.Cluster) {
		for i, e := range c.Engines[:n] {
			if i > 0 {
				c.Join(i, 0)
			}
			set(t, e, "k", fmt.Sprint(i))
		}
		pause(time.Second)
		late := c.Engines[n]
		if took, err := late.Join(context.Background(), c.Engines[3].Addr().String()); took != 1 || err != nil {
			t.Fatal(took, err)
		}
		members := 0
		for range late.Members() {
			members++
		}
		if members != n+1 {
			t.Errorf("%d members", members)
		}
		for i := range n {
			if v, _, ok := late.Get(fmt.Sprint("node-", i), "k"); !ok || string(v) != fmt.Sprint(i) {
				t.Errorf("node-%d: %q %v", i, v, ok)
			}
		}
	})
}
