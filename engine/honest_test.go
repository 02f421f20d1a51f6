package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
	"github.com/quidnunc/quidnunc/engine/state"
)

// setAll writes a key and waits a little when the stage is full.
func setAll(t *testing.T, keys int, write func(key string) error) {
	t.Helper()
	for k := range keys {
		for {
			err := write(fmt.Sprintf("config/%d", k))
			if err == nil {
				break
			}
			if !errors.Is(err, engine.ErrBackpressure) {
				t.Fatal(err)
			}
			pause(time.Millisecond)
		}
	}
}

func oneWithLittleMemory(i int, c *engine.Config) {
	if i == 1 {
		c.Limits.ValueBytes = 1 << 20
	}
}

// TestFullReplicaComesBack: a replica whose memory was full once is equal again when everything was
// deleted, or made small.
func TestFullReplicaComesBack(t *testing.T) {
	for _, how := range []string{"deleted", "made small"} {
		t.Run(how, func(t *testing.T) {
			virtual(t, 3, enginetest.Options{Config: oneWithLittleMemory}, func(t *testing.T, c *enginetest.Cluster) {
				a, b := c.Engines[0], c.Engines[1]
				setAll(t, 3000, func(key string) error { _, err := a.Set(key, make([]byte, 700)); return err })
				pause(10 * time.Second)
				if n := b.Stats().Keys; n == 3000 {
					t.Fatal("there was room for everything")
				}
				if how == "deleted" {
					setAll(t, 3000, func(key string) error { _, err := a.Delete(key); return err })
				} else {
					setAll(t, 3000, func(key string) error { _, err := a.Set(key, []byte("x")); return err })
				}
				pause(30 * time.Second)
				if s, want := b.Stats(), c.Engines[2].Stats(); s.Fingerprint != want.Fingerprint || s.Keys != want.Keys {
					t.Errorf("the replica has %d keys, the others %d", s.Keys, want.Keys)
				}
				if _, err := a.Set("after", []byte("1")); err != nil {
					t.Fatal(err)
				}
				pause(time.Second)
				if _, _, ok := b.Get("node-0", "after"); !ok {
					t.Error("nor does it get any further write of that member")
				}
			})
		})
	}
}

// TestAcceptedWritesAreKept: others have filled this member's memory. What its own Set, Delete and
// time to live accepted comes true here and there, and WaitVersion says so.
func TestAcceptedWritesAreKept(t *testing.T) {
	virtual(t, 2, enginetest.Options{Config: oneWithLittleMemory}, func(t *testing.T, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		value := func(s string) []byte { return []byte(strings.Repeat(s, 100)) }
		b.Set("deleted", value("1"))
		b.Set("updated", value("1"))
		b.SetTTL("short", value("1"), 5*time.Second)
		c.WaitConverged()
		for size := 700; size > 4; size /= 2 {
			setAll(t, 3000, func(key string) error { _, err := a.Set(fmt.Sprint(size, key), make([]byte, size)); return err })
		}
		pause(10 * time.Second)
		_, err1 := b.Delete("deleted")
		_, err2 := b.Set("updated", value("2"))
		v, err3 := b.Set("new", value("2"))
		if err1 != nil || err2 != nil {
			t.Errorf("delete: %v, overwrite of the same size: %v", err1, err2)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err3 == nil {
			if err := b.WaitVersion(ctx, v); err != nil {
				t.Errorf("WaitVersion: %v", err)
			}
		}
		pause(10 * time.Second)
		for i, e := range c.Engines {
			if _, _, ok := e.Get("node-1", "deleted"); ok {
				t.Errorf("node %d: the deleted key is there", i)
			}
			if v, _, ok := e.Get("node-1", "updated"); !ok || v[0] != '2' {
				t.Errorf("node %d: the update is not there: %.4q", i, v)
			}
			if _, _, ok := e.Get("node-1", "new"); ok != (err3 == nil) {
				t.Errorf("node %d: Set said %v, and the key is there: %v", i, err3, ok)
			}
			if _, _, ok := e.Get("node-1", "short"); ok {
				t.Errorf("node %d: an entry with a life of 5 s is there after 20 s", i)
			}
		}
		if s := b.Stats(); s.WritesRefused > 0 {
			t.Errorf("%d writes were accepted and refused", s.WritesRefused)
		}
	})
}

// TestSetKeepsItsWordAtTheLimit: random sizes against limits of every size. What Set accepted is
// there, what it refused is not, and the error says which limit it was and who has most.
func TestSetKeepsItsWordAtTheLimit(t *testing.T) {
	seed := rand.Uint64()
	for _, l := range []engine.Limits{{ValueBytes: 16 << 10}, {ValueBytes: 64 << 10}, {ValueBytes: 256 << 10}, {Keys: 100}, {BytesPerOrigin: 20000}, {KeysPerOrigin: 50}} {
		rnd := rand.New(rand.NewPCG(seed, uint64(l.ValueBytes)))
		virtual(t, 1, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits = l }}, func(t *testing.T, c *enginetest.Cluster) {
			e := c.Engines[0]
			want, refused := map[string]int{}, 0
			for range 6000 {
				key, size := fmt.Sprint(rnd.IntN(3000)), rnd.IntN(700)
				if rnd.IntN(8) == 0 {
					if _, err := e.Delete(key); err == nil {
						delete(want, key)
					}
					continue
				}
				_, err := e.Set(key, make([]byte, size))
				var full *engine.FullError
				switch {
				case err == nil:
					want[key] = size
				case errors.As(err, &full) && errors.Is(err, engine.ErrFull):
					if refused++; full.Most != "node-0" || full.Value == 0 || !strings.Contains(err.Error(), full.Limit) {
						t.Fatalf("seed %d, %+v: %v", seed, l, err)
					}
				case errors.Is(err, engine.ErrBackpressure):
					pause(time.Millisecond)
				default:
					t.Fatalf("seed %d, %+v: %v", seed, l, err)
				}
			}
			pause(time.Second)
			n := 0
			for key, entry := range e.Range("node-0") {
				if size, ok := want[string(key)]; !ok || size != len(entry.Value) {
					t.Fatalf("seed %d, %+v: %q has %d bytes, want %d", seed, l, key, len(entry.Value), size)
				}
				n++
			}
			if n != len(want) || e.Stats().WritesRefused > 0 || refused == 0 {
				t.Errorf("seed %d, %+v: %d keys of %d, %d refused later, %d at once", seed, l, n, len(want), e.Stats().WritesRefused, refused)
			}
		})
	}
}

// TestKeysOneByOneUpToTheLimit: Limits.Keys is how many live keys there may be, to the key.
func TestKeysOneByOneUpToTheLimit(t *testing.T) {
	virtual(t, 1, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Keys = 100 }}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		for k := range 100 {
			if _, err := e.Set(fmt.Sprint(k), nil); err != nil {
				t.Fatalf("key %d: %v", k, err)
			}
		}
		if _, err := e.Set("one more", nil); !errors.Is(err, engine.ErrFull) {
			t.Errorf("key 101: %v", err)
		}
		e.Delete("7")
		pause(time.Second)
		if _, err := e.Set("one more", nil); err != nil {
			t.Errorf("after a delete: %v", err)
		}
	})
}

// TestShortLivesInBurstsEnd: entries whose time comes while their burst is still on its way into
// the store.
func TestShortLivesInBurstsEnd(t *testing.T) {
	virtual(t, 1, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		for round := range 20 {
			for k := range 4000 {
				e.SetTTL(fmt.Sprintf("session/%d/%d", round, k), []byte("x"), time.Millisecond)
			}
			pause(5 * time.Millisecond)
		}
		pause(time.Second)
		left := 0
		for range e.Range(e.Name()) {
			left++
		}
		if left > 0 {
			t.Errorf("%d entries with a life of 1 ms are there a second later", left)
		}
	})
}

// TestDeletingNothingLeavesNothing: a delete of a key that is not there takes a version and no
// memory, but for a member that has just started, until it is level with the others; a former life
// may have had the key.
func TestDeletingNothingLeavesNothing(t *testing.T) {
	virtual(t, 2, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		before := e.Stats()
		for _, age := range []string{"young", "old"} {
			var last engine.Version
			for k := range 1000 {
				v, err := e.Delete(fmt.Sprint("absent/", k))
				if err != nil {
					t.Fatal(err)
				}
				last = v
			}
			ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			if err := e.WaitVersion(ctx, last); err != nil {
				t.Fatal(err)
			}
			cancel()
			if age == "young" {
				pause(state.YoungFor + 5*time.Second)
			}
			for i, e := range c.Engines {
				if s := e.Stats(); s.ValueBytes != before.ValueBytes {
					t.Errorf("%s, node %d: %d bytes, before %d", age, i, s.ValueBytes, before.ValueBytes)
				}
			}
		}
	})
}

// TestRaisedLimitsCount: a member with too little memory becomes equal within a second of raising
// its limit, and one whose writes were refused goes on. What can't be raised is told by its field.
func TestRaisedLimitsCount(t *testing.T) {
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if c.Limits.Keys = 2000; i == 1 {
			c.Limits.Keys = 500
		}
	}}
	virtual(t, 3, o, func(t *testing.T, c *enginetest.Cluster) {
		a, b := c.Engines[0], c.Engines[1]
		setAll(t, 1500, func(key string) error { _, err := a.Set(key, make([]byte, 30)); return err })
		pause(5 * time.Second)
		if n := b.Stats().Keys; n >= 1500 {
			t.Fatalf("node 1 holds %d keys", n)
		}
		if err := b.SetLimits(engine.Limits{Keys: 2001}); !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "Limits.Keys") {
			t.Errorf("five times: %v", err)
		}
		if err := b.SetLimits(engine.Limits{Origins: 7}); !errors.Is(err, engine.ErrConfig) || !strings.Contains(err.Error(), "Limits.Origins") {
			t.Errorf("origins: %v", err)
		}
		if err := b.SetLimits(engine.Limits{Keys: 2000}); err != nil {
			t.Fatal(err)
		}
		pause(1100 * time.Millisecond)
		if s, want := b.Stats(), a.Stats(); s.Fingerprint != want.Fingerprint {
			t.Errorf("1.1 s later it has %d keys of %d", s.Keys, want.Keys)
		}
	})
	virtual(t, 1, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Keys = 10 }}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		setAll(t, 10, func(key string) error { _, err := e.Set(key, nil); return err })
		if _, err := e.Set("more", nil); !errors.Is(err, engine.ErrFull) {
			t.Errorf("key 11: %v", err)
		}
		if err := e.SetLimits(engine.Limits{Keys: 11}); err != nil {
			t.Fatal(err)
		}
		if _, err := e.Set("more", nil); err != nil {
			t.Errorf("key 11 of 11: %v", err)
		}
	})
}
