package engine_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// A View waits for contents that are on their way. One that does not come, since it is too long,
// nobody has it, or there is no room, keeps no other key back: the View says of it what Get says.
func TestViewWaitsForWhatComesAlone(t *testing.T) {
	const size = 100_000
	virtualStreams(t, 4, func(i int, c *engine.Config) {
		switch i {
		case 1:
			c.Limits.LargeBytes = size / 2
		case 2:
			c.Limits.ContentBytes, c.Limits.LargeBytes = size+size/2, size+size/2
		case 3:
			c.Fetch.OnRead = true
		}
	}, func(t *testing.T, net *simnet.Network, c *enginetest.Cluster) {
		a := c.Engines[0]
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		check := func(e *engine.Engine, ctx context.Context, key string, want []byte, newer bool) {
			t.Helper()
			for _, keys := range [][]string{nil, {key, "small"}} {
				v, err := e.View(ctx, "node-0", keys...)
				if err != nil {
					t.Fatalf("%s, %s of %q: %v; %+v", e.Name(), key, keys, err, e.Large())
				}
				if b, _, ok := v.Get("small"); !ok || string(b) != "is here" {
					t.Errorf("%s, beside %s: %q, %v", e.Name(), key, b, ok)
				}
				b, meta, ok := v.Get(key)
				if !bytes.Equal(b, want) || ok != (want != nil) || meta.Newer.IsZero() == newer {
					t.Errorf("%s, %s: %d bytes, %v, %+v; want %d", e.Name(), key, len(b), ok, meta, len(want))
				}
				gb, gmeta, gok := e.Get("node-0", key)
				if !bytes.Equal(b, gb) || ok != gok || meta != gmeta {
					t.Errorf("%s, %s: a View says %+v, %v, and Get %+v, %v", e.Name(), key, meta, ok, gmeta, gok)
				}
				n := 0
				for k := range v.All() {
					n++
					if k == key && want == nil {
						t.Errorf("%s: %s is yielded without a value", e.Name(), key)
					}
				}
				if n != v.Len() {
					t.Errorf("%s yields %d of %d", e.Name(), n, v.Len())
				}
			}
		}
		set(t, a, "small", "is here")
		set(t, a, "k", "short")
		c.WaitConverged()
		if _, err := a.Set("k", value(size, 1)); err != nil {
			t.Fatal(err)
		}
		if _, err := a.Set("l", value(size, 2)); err != nil {
			t.Fatal(err)
		}
		pause(5 * time.Second)
		check(c.Engines[1], ended, "k", []byte("short"), true) // too long
		check(c.Engines[1], ended, "l", nil, true)
		if b, _, ok := c.Engines[2].Get("node-0", "l"); ok { // which of the two has room
			check(c.Engines[2], ended, "l", b, false)
			check(c.Engines[2], ended, "k", []byte("short"), true)
		} else {
			check(c.Engines[2], ended, "k", value(size, 1), false)
			check(c.Engines[2], ended, "l", nil, true)
		}
		within, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		check(c.Engines[3], within, "k", value(size, 1), false) // asked for since a View reads it
		check(c.Engines[3], within, "l", value(size, 2), false)

		if err := a.SetReference("nothing", 1000, sha256.Sum256([]byte("nobody has it"))); err != nil {
			t.Fatal(err)
		}
		pause(5 * time.Second)
		check(c.Engines[1], ended, "nothing", nil, true)
		check(c.Engines[3], within, "nothing", nil, true)
		for range 20 { // while it is asked for again, too
			pause(300 * time.Millisecond)
			check(c.Engines[1], ended, "nothing", nil, true)
		}

		net.SetStreamFaults(simnet.StreamFaults{Rate: 20_000})
		if _, err := a.Set("slow", value(size/2, 3)); err != nil {
			t.Fatal(err)
		}
		pause(time.Second)
		if _, err := c.Engines[1].View(ended, "node-0", "slow"); err == nil {
			t.Error("a content on its way is not waited for")
		}
		check(c.Engines[1], within, "slow", value(size/2, 3), false)
	})
}
