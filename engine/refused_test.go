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
				for i, want := range map[int]error{0: nil, 2: x.want} {
					e := c.Engines[i]
					v := set(t, e, "k", "v")
					if err := e.WaitVersion(context.Background(), v); !errors.Is(err, want) {
						t.Errorf("engine %d: WaitVersion: %v", i, err)
					}
					if err := e.WaitConverged(context.Background()); !errors.Is(err, want) {
						t.Errorf("engine %d: WaitConverged: %v", i, err)
					}
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

// TestWhoIsAloneWaitsForNobody: who joined nobody, or only somebody who does not answer, has all that it
// waits for; who was refused has it as soon as somebody joins it, or it is taken in.
func TestWhoIsAloneWaitsForNobody(t *testing.T) {
	var taken atomic.Bool
	virtual(t, 4, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		c.Admit = func(member []byte, _ netip.AddrPort) bool {
			return taken.Load() || i != 0 || string(member) != "node-1"
		}
	}}, func(t *testing.T, c *enginetest.Cluster) {
		waits := func(what string, i int, want error) {
			t.Helper()
			e := c.Engines[i]
			v := set(t, e, "k", what)
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			if a, b := e.WaitVersion(ctx, v), e.WaitConverged(ctx); !errors.Is(a, want) || !errors.Is(b, want) {
				t.Errorf("%s: WaitVersion %v, WaitConverged %v", what, a, b)
			}
		}
		join := func(i, seed int) { c.Engines[i].Join(context.Background(), c.Engines[seed].Addr().String()) }
		waits("alone", 1, nil)
		if _, err := c.Engines[1].Join(context.Background(), "10.255.0.1:1"); !errors.Is(err, engine.ErrNoAnswer) {
			t.Fatal(err)
		}
		waits("no answer", 1, nil)
		join(1, 0)
		waits("refused", 1, engine.ErrRefused)
		join(2, 1)
		waits("joined by another", 1, nil)
		if err := c.Engines[2].Close(); err != nil {
			t.Fatal(err)
		}
		pause(10 * time.Second)
		waits("and left by it", 1, engine.ErrRefused)
		taken.Store(true)
		join(1, 0)
		waits("taken in", 1, nil)
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
