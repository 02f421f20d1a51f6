package engine_test

import (
	"bytes"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// A member that takes no long values, or has no room for one, goes on showing the short one that was
// there before.
func TestAShortValueStaysWhereTheLongOneHasNoRoom(t *testing.T) {
	for name, edit := range map[string]func(c *engine.Config){
		"none are taken":   func(c *engine.Config) { c.Limits.LargeBytes = -1 },
		"short of the old": func(c *engine.Config) { c.Limits.LargeBytes, c.Limits.ContentBytes = 2, 2 },
		"full":             func(c *engine.Config) { c.Limits.LargeBytes, c.Limits.ContentBytes = 40_000, 40_000 },
	} {
		t.Run(name, func(t *testing.T) {
			virtualStreams(t, 2, func(i int, c *engine.Config) {
				if i == 1 {
					edit(c)
				}
			}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
				a, b := c.Engines[0], c.Engines[1]
				short := set(t, a, "k", "short")
				if _, err := a.Set("fills", value(40_000, 1)); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				long, err := a.Set("k", value(30_000, 2))
				if err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				if got, meta, ok := b.Get("node-0", "k"); !ok || string(got) != "short" || meta.Version != short || meta.Newer != long {
					t.Errorf("%q, %+v, %v; %+v", got, meta, ok, b.Large())
				}
			})
		})
	}
}

// What has ended is not shown again while its successor is fetched.
func TestAnEndedValueStaysEndedWhileAnotherIsFetched(t *testing.T) {
	virtualStreams(t, 2, nil, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		if _, err := a.SetTTL("k", value(20_000, 1), 500*time.Millisecond); err != nil {
			t.Fatal(err)
		}
		pause(200 * time.Millisecond)
		if !reads(b, "node-0", "k", value(20_000, 1)) {
			t.Fatal("it did not come")
		}
		pause(400 * time.Millisecond)
		if _, _, ok := b.Get("node-0", "k"); ok {
			t.Error("it is read after its end")
		}
		net.SetStreamFaults(simnet.StreamFaults{Reset: simnet.Always})
		if _, err := a.Set("k", value(30_000, 2)); err != nil {
			t.Fatal(err)
		}
		for range 100 {
			pause(10 * time.Millisecond)
			if got, meta, ok := b.Get("node-0", "k"); ok {
				t.Fatalf("%d bytes of what has ended are read: %+v", len(got), meta)
			}
		}
		net.SetStreamFaults(simnet.StreamFaults{})
		pause(5 * time.Second)
		if !reads(b, "node-0", "k", value(30_000, 2)) {
			t.Errorf("the next does not come: %+v", b.Large())
		}
	})
}

// What is fetched when its key is overwritten, deleted or ends: overwrites show the newest whole one,
// the others hide at once; nothing stays.
func TestWhatHappensDuringAFetch(t *testing.T) {
	virtualStreams(t, 3, func(_ int, c *engine.Config) { c.Limits.LargeBytes = 4 << 20 }, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		net.SetStreamFaults(simnet.StreamFaults{Rate: 1 << 20}) // a value takes a second and more
		for i := range 30 {
			if _, err := a.Set("over", value(1<<20+i, byte(i))); err != nil {
				t.Fatal(err)
			}
			pause(100 * time.Millisecond)
			if got, _, ok := b.Get("node-0", "over"); ok && !bytes.Equal(got, value(len(got), byte(len(got)-1<<20))) {
				t.Fatal("a value that was never written")
			}
		}
		if _, meta, ok := b.Get("node-0", "over"); !ok || meta.Newer.IsZero() {
			t.Errorf("a fast writer starves readers: %v %+v; %+v", ok, meta, b.Large())
		}
		a.SetTTL("ends", value(2<<20, 1), 500*time.Millisecond)
		a.Set("deleted", value(2<<20, 2))
		pause(700 * time.Millisecond)
		a.Delete("deleted")
		pause(100 * time.Millisecond)
		for range 60 {
			for _, key := range []string{"ends", "deleted"} {
				if _, _, ok := b.Get("node-0", key); ok {
					t.Errorf("%s is read", key)
				}
			}
			pause(100 * time.Millisecond)
		}
		pause(30 * time.Second) // behind what was asked for before
		if !reads(b, "node-0", "over", value(1<<20+29, 29)) {
			t.Errorf("the last does not come: %+v", b.Large())
		}
		a.Delete("over")
		pause(time.Minute)
		for _, e := range c.Engines {
			if s := e.Large(); s.Here+s.Refs+s.Missing+s.Bytes != 0 {
				t.Errorf("%s keeps %+v", e.Name(), s)
			}
		}
	})
}

// Whoever has a content gives it, when its author is gone.
func TestContentsOfTheDeadComeFromOthers(t *testing.T) {
	virtualStreams(t, 5, func(i int, c *engine.Config) { c.Fetch.OnRead = i > 1 }, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		if _, err := c.Engines[0].Set("k", value(200_000, 1)); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		c.Kill(0)
		pause(time.Second)
		for _, e := range c.Engines[2:] {
			if _, meta, ok := e.Get("node-0", "k"); ok || meta.Newer.IsZero() {
				t.Errorf("before: %v %+v", ok, meta)
			}
		}
		pause(4 * time.Second)
		for _, e := range c.Engines[2:] {
			if !reads(e, "node-0", "k", value(200_000, 1)) {
				t.Errorf("%s: %+v", e.Name(), e.Large())
			}
		}
	})
}

// A member without streams keeps what they refer to from nobody, and shows none of it.
func TestAMemberWithoutStreamsAmongOthers(t *testing.T) {
	virtualStreams(t, 3, func(i int, c *engine.Config) {
		if i == 1 {
			c.Streams = nil
		}
	}, func(t *testing.T, _ *simnet.Network, c *enginetest.Cluster) {
		large, err := c.Engines[0].Set("k", value(200_000, 1))
		if err != nil {
			t.Fatal(err)
		}
		small := set(t, c.Engines[0], "small", "s")
		pause(2 * time.Second)
		if !reads(c.Engines[2], "node-0", "k", value(200_000, 1)) {
			t.Errorf("%+v", c.Engines[2].Large())
		}
		if !reads(c.Engines[1], "node-0", "small", []byte("s")) {
			t.Error("a reference keeps others waiting")
		}
		if got, meta, ok := c.Engines[1].Get("node-0", "k"); ok || meta.Newer != large || !meta.Version.IsZero() {
			t.Errorf("without streams %q is read, %+v, want %v as newer", got, meta, large)
		}
		v, err := c.Engines[1].View(t.Context(), "node-0")
		if err != nil {
			t.Fatal(err)
		}
		if _, meta, ok := v.Get("k"); ok || meta.Newer != large || v.Len() != 1 {
			t.Errorf("in a view: %v, %+v; %d keys", ok, meta, v.Len())
		}
		if err := c.Engines[0].WaitVersion(t.Context(), small); err != nil {
			t.Error(err)
		}
	})
}
