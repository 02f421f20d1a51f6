package engine_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// contents is everything that e holds, by member and key.
func contents(e *engine.Engine) map[string]string {
	all := map[string]string{}
	for m := range e.Members() {
		for k, entry := range e.Range(m.Name) {
			all[m.Name+"/"+string(k)] = fmt.Sprint(entry.Meta.Version.Seq, "=", string(entry.Value))
		}
	}
	return all
}

// same compares replicas key by key, without trusting fingerprints.
func same(t *testing.T, c *enginetest.Cluster, down ...int) map[string]string {
	t.Helper()
	var first map[string]string
	for i, e := range c.Engines {
		if len(down) > 0 && down[0] == i {
			continue
		}
		got := contents(e)
		if first == nil {
			first = got
		} else if !maps.Equal(first, got) {
			t.Fatalf("%s holds %d keys, the first %d, or other values", e.Name(), len(got), len(first))
		}
	}
	return first
}

func TestClustersConverge(t *testing.T) {
	for _, n := range []int{2, 3, 16, 64} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			c := enginetest.NewCluster(t, n, enginetest.Options{})
			for i, e := range c.Engines {
				for k := range 20 {
					if _, err := e.Set(fmt.Sprint("key-", k%10), fmt.Append(nil, i, k)); err != nil {
						t.Fatal(err)
					}
				}
				if _, err := e.Delete("key-3"); err != nil {
					t.Fatal(err)
				}
			}
			c.WaitConverged()
			all := same(t, c)
			if len(all) != n*9 {
				t.Errorf("%d keys, want %d", len(all), n*9)
			}
			if got := all["node-1/key-7"]; got != fmt.Sprint(18, "=", 1, 17) {
				t.Errorf("node-1/key-7 is %q", got)
			}
		})
	}
}

func TestConvergesUnderLoss(t *testing.T) {
	c := enginetest.NewCluster(t, 8, enginetest.Options{})
	c.Loss(0.2)
	for k := range 200 {
		for i, e := range c.Engines {
			if _, err := e.Set(fmt.Sprint("key-", k), fmt.Append(nil, i, k)); err != nil {
				t.Fatal(err)
			}
		}
	}
	c.WaitConverged()
	if all := same(t, c); len(all) != 8*200 {
		t.Errorf("%d keys", len(all))
	}
}

func TestPartitionHeals(t *testing.T) {
	c := enginetest.NewCluster(t, 4, enginetest.Options{})
	c.Partition([]int{0, 1}, []int{2, 3})
	set(t, c.Engines[0], "side", "a")
	set(t, c.Engines[2], "side", "b")
	eventually(t, "the own side has it", func() bool {
		_, _, ok := c.Engines[1].Get("node-0", "side")
		return ok
	})
	if _, _, ok := c.Engines[2].Get("node-0", "side"); ok {
		t.Fatal("the cut leaks")
	}
	c.Heal()
	c.WaitConverged()
	if all := same(t, c); all["node-0/side"] != "1=a" || all["node-2/side"] != "1=b" {
		t.Errorf("after healing: %v", all)
	}
}

func TestRestart(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		for k := range 50 {
			set(t, c.Engines[1], fmt.Sprint("old-", k), "v")
		}
		c.WaitConverged()
		c.Kill(1)
		c.Restart(1)
		v := set(t, c.Engines[1], "new", "v")
		c.WaitConverged()
		pause(formerLife)
		for _, e := range c.Engines {
			if _, _, ok := e.Get("node-1", "old-7"); ok {
				t.Errorf("%s still has the old life's keys", e.Name())
			}
			if _, m, ok := e.Get("node-1", "new"); !ok || m.Version != v {
				t.Errorf("%s has %v, want %v", e.Name(), m.Version, v)
			}
		}
		same(t, c)
	})
}

func TestLeave(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	e := c.Engines[2]
	for range 2 { // a second one waits for the same
		if err := e.Leave(ctx); err != nil {
			t.Fatal(err)
		}
	}
	for _, other := range c.Engines[:2] {
		eventually(t, "the others see it go", func() bool { return stateOf(other, "node-2") == engine.StateLeft })
	}
	if _, err := e.Set("k", nil); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Set after Leave: %v", err)
	}
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if err := e.Leave(ctx); !errors.Is(err, engine.ErrClosed) {
		t.Errorf("Leave after Close: %v", err)
	}
}

func TestCloseLeaves(t *testing.T) {
	c := enginetest.NewCluster(t, 3, enginetest.Options{})
	c.Stop(2)
	for _, other := range c.Engines[:2] {
		eventually(t, "the others see it go", func() bool { return stateOf(other, "node-2") == engine.StateLeft })
	}
}

// A member that nobody hears still closes in bounded time.
func TestLeaveWhilePartitioned(t *testing.T) {
	virtual(t, 3, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		c.Partition([]int{2})
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if err := c.Engines[2].Leave(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Leave: %v", err)
		}
		began := time.Now()
		c.Engines[2].Close()
		if d := time.Since(began); d > 2*time.Second {
			t.Errorf("Close took %v", d)
		}
	})
}

func TestWaitVersion(t *testing.T) {
	c := enginetest.NewCluster(t, 5, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i := range 20 {
		v := set(t, c.Engines[0], "k", fmt.Sprint(i))
		if err := c.Engines[0].WaitVersion(ctx, v); err != nil {
			t.Fatal(err)
		}
		for _, e := range c.Engines {
			if _, m, _ := e.Get("node-0", "k"); m.Version.Compare(v) < 0 {
				t.Fatalf("%s has %v, waited for %v", e.Name(), m.Version, v)
			}
		}
	}
	for _, v := range []engine.Version{{}, {Gen: 1 << 63, Seq: 1}, {Gen: 1, Seq: 1 << 40}} {
		if err := c.Engines[0].WaitVersion(ctx, v); !errors.Is(err, engine.ErrVersion) {
			t.Errorf("%v: %v", v, err)
		}
	}
	c.Partition([]int{0})
	v := set(t, c.Engines[0], "k", "alone")
	short, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	if err := c.Engines[0].WaitVersion(short, v); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("behind a cut: %v", err)
	}
}

func TestWaitConverged(t *testing.T) {
	c := enginetest.NewCluster(t, 5, enginetest.Options{})
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i := range 10 {
		for _, e := range c.Engines {
			set(t, e, "k", fmt.Sprint(i))
		}
		for _, e := range c.Engines {
			if err := e.WaitConverged(ctx); err != nil {
				t.Fatal(err)
			}
		}
		same(t, c)
	}
}

// A newcomer with the name of a live member is refused, writes of neither are lost, and
// it has the name as soon as that one is gone.
func TestNameConflict(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	e := startOne(t, "node-1", nil)
	seed := c.Engines[0].Addr().String()
	if n, err := e.Join(t.Context(), seed); n != 0 || !errors.Is(err, engine.ErrNameConflict) {
		t.Fatalf("Join of the newcomer: %d, %v", n, err)
	}
	if _, err := c.Engines[1].Set("k", []byte("mine")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.Set("k", []byte("again")); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the others read what the live one writes", func() bool {
		v, _, ok := c.Engines[0].Get("node-1", "k")
		return ok && string(v) == "mine"
	})
	c.Engines[1].Close()
	eventually(t, "the newcomer has the name", func() bool {
		n, err := e.Join(t.Context(), seed)
		return n == 1 && err == nil
	})
	eventually(t, "the others read what it writes", func() bool {
		v, _, ok := c.Engines[0].Get("node-1", "k")
		return ok && string(v) == "again"
	})
}

func TestIsolatedClusters(t *testing.T) {
	virtual(t, 2, enginetest.Options{Apart: true, Config: func(i int, c *engine.Config) {
		c.Cluster = fmt.Sprint("cluster-", i)
	}}, func(t *testing.T, c *enginetest.Cluster) {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		defer cancel()
		if n, err := c.Engines[0].Join(ctx, c.Engines[1].Addr().String()); n != 0 || !errors.Is(err, engine.ErrJoin) {
			t.Errorf("Join across clusters: %d, %v", n, err)
		}
		eventually(t, "the drop is counted", func() bool { return c.Engines[1].Stats().Drops["cluster"] > 0 })
	})
}

func set(t *testing.T, e *engine.Engine, key, value string) engine.Version {
	t.Helper()
	v, err := e.Set(key, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func stateOf(e *engine.Engine, name string) engine.MemberState {
	for m := range e.Members() {
		if m.Name == name {
			return m.State
		}
	}
	return 255
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for !f() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}
