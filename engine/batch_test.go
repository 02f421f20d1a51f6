package engine_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

// TestBatchIsSeenWholeOrNotAtAll: whatever is lost or cut off, no view of any replica has a part of
// a batch, and in the end all have the last one. Between batches each key is written alone too.
func TestBatchIsSeenWholeOrNotAtAll(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	virtual(t, 4, enginetest.Options{}, func(t *testing.T, c *enginetest.Cluster) {
		c.Loss(0.2)
		keys := make([]string, 20)
		for i := range keys {
			keys[i] = fmt.Sprint("key-", i)
		}
		once, cancel := context.WithCancel(context.Background())
		cancel()
		seen, behind := 0, 0
		look := func(n int) {
			for i, e := range c.Engines {
				v, err := e.View(once, "node-0", keys...)
				switch {
				case errors.Is(err, engine.ErrBehind):
					if behind++; i == 0 {
						t.Errorf("round %d: the owner is behind itself: %v", n, err)
					}
					continue
				case err != nil:
					t.Fatal(err)
				}
				seen++
				oneState(t, v, keys)
			}
		}
		for n := range 400 {
			switch n {
			case 100:
				c.Partition([]int{0, 1}, []int{2, 3})
			case 200:
				c.Heal()
			}
			var b engine.Batch
			for _, k := range keys[:1+rnd.IntN(len(keys))] {
				b.Set(k, []byte(strconv.Itoa(n)))
			}
			if _, err := c.Engines[0].Write(&b); err != nil {
				t.Fatal(err)
			}
			if n%3 == 0 {
				set(t, c.Engines[0], "alone", strings.Repeat("x", rnd.IntN(700)))
			}
			pause(time.Duration(rnd.IntN(3000)) * time.Microsecond)
			look(n)
		}
		c.Loss(0)
		c.WaitConverged()
		behind = 0
		look(400)
		if seen < 800 || behind > 0 {
			t.Errorf("%d views, %d behind at the end", seen, behind)
		}
	})
}

// oneState fails if keys, of which each batch writes the first so many, do not show one state: no
// key is older than one behind it.
func oneState(t *testing.T, v *engine.View, keys []string) {
	t.Helper()
	last := 1 << 30
	for _, k := range keys {
		value, _, ok := v.Get(k)
		n := -1
		if ok {
			n, _ = strconv.Atoi(string(value))
		}
		if n > last {
			t.Fatalf("at %v %s is of batch %d, and one before it of %d", v.At, k, n, last)
		}
		last = n
	}
}

// TestBatchIsKeptOrRefusedWhole: what is too much for a frame, for the store or for the protocol
// writes nothing, and says what to do.
func TestBatchIsKeptOrRefusedWhole(t *testing.T) {
	virtual(t, 2, enginetest.Options{Config: func(_ int, c *engine.Config) { c.Limits.Keys = 20 }}, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		f := func(want error, text string, add func(b *engine.Batch)) {
			t.Helper()
			var b engine.Batch
			b.Set("first", []byte("v"))
			add(&b)
			v, err := e.Write(&b)
			if !errors.Is(err, want) || !strings.Contains(fmt.Sprint(err), text) {
				t.Errorf("%v, want %v %q", err, want, text)
			}
			if err != nil && !v.IsZero() {
				t.Errorf("%v with an error", v)
			}
			if _, _, ok := e.Get(e.Name(), "first"); ok != (err == nil) {
				t.Errorf("after %v its first key is there: %v", err, ok)
			}
			if _, err := e.Delete("first"); err != nil {
				t.Fatal(err)
			}
			pause(10 * time.Millisecond)
		}
		many := func(n, bytes int) func(b *engine.Batch) {
			return func(b *engine.Batch) {
				for i := range n {
					b.Set(fmt.Sprint("k", i), make([]byte, bytes))
				}
			}
		}
		f(engine.ErrTooLarge, "a batch of 33 writes", many(32, 0))
		f(engine.ErrTooLarge, "make several of it", many(10, 80))
		f(engine.ErrTooLarge, "key and value together", many(1, engine.EntryBytesMax))
		f(engine.ErrFull, "Limits.Keys 20", many(25, 1))
		f(engine.ErrKey, "", func(b *engine.Batch) { b.Set("\x00own", nil) })
		f(engine.ErrKey, "", func(b *engine.Batch) { b.Delete("") })
		f(engine.ErrTTL, `"k": engine: time to live -1s`, func(b *engine.Batch) { b.SetTTL("k", nil, -time.Second) })
		f(nil, "", func(b *engine.Batch) {
			b.SetTTL("k", []byte("v"), time.Hour)
			b.Delete("none")
			b.Set("k", []byte("w"))
		})
		if _, err := e.Write(new(engine.Batch)); err != nil {
			t.Errorf("an empty batch: %v", err)
		}
		c.WaitConverged()
		if v, m, ok := c.Engines[1].Get(e.Name(), "k"); !ok || string(v) != "w" || m.TTL != 0 {
			t.Errorf("%q %+v %v: the last write of a key counts", v, m, ok)
		}
	})
}

// TestLargestBatchTravels: any batch that Write takes reaches members that take the smallest
// frames, sealed.
func TestLargestBatchTravels(t *testing.T) {
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		c.Name = fmt.Sprintf("node-%d-%s", i, strings.Repeat("x", 120))
		c.FrameBytes = 1200
		c.Secrets = []engine.Secret{{ID: 1, Bytes: make([]byte, 32)}}
	}}
	virtual(t, 2, o, func(t *testing.T, c *enginetest.Cluster) {
		e := c.Engines[0]
		for _, size := range []int{0, 1, 10, 15, 50, 100, 200} {
			for writes := 2; writes <= engine.BatchMax; writes++ {
				last := engine.Version{}
				for value := 1; ; value += 1 + size/10 {
					var b engine.Batch
					for i := range writes {
						b.Set(strings.Repeat("k", size)+string(rune('a'+i)), make([]byte, value))
					}
					v, err := e.Write(&b)
					if errors.Is(err, engine.ErrBackpressure) {
						pause(time.Millisecond)
						continue
					}
					if err != nil {
						break
					}
					last = v
				}
				if !last.IsZero() {
					if err := e.WaitVersion(t.Context(), last); err != nil {
						t.Fatal(err)
					}
				}
			}
		}
		v, err := c.Engines[1].View(t.Context(), e.Name())
		if w, _ := e.View(t.Context(), e.Name()); err != nil || v.Len() != w.Len() || v.At != w.At {
			t.Errorf("%v", err)
		}
	})
}

// TestBatchAtAFullReplica: one that has no room for all of a batch shows none of it, and all once
// there is room.
func TestBatchAtAFullReplica(t *testing.T) {
	o := enginetest.Options{Config: func(i int, c *engine.Config) {
		if i == 1 {
			c.Limits.Keys = 40
		}
	}}
	virtual(t, 2, o, func(t *testing.T, c *enginetest.Cluster) {
		e, small := c.Engines[0], c.Engines[1]
		keys := func(n int) (list []string) {
			for i := range 7 {
				list = append(list, fmt.Sprintf("%03d-%d", n, i))
			}
			return list
		}
		for n := range 20 {
			var b engine.Batch
			for _, k := range keys(n) {
				b.Set(k, []byte("v"))
			}
			b.Set("last", []byte(strconv.Itoa(n)))
			if _, err := e.Write(&b); err != nil {
				t.Fatal(err)
			}
			pause(5 * time.Millisecond)
		}
		pause(5 * time.Second)
		held := 0
		for n := range 20 {
			here := 0
			for _, k := range keys(n) {
				if _, _, ok := small.Get(e.Name(), k); ok {
					here++
				}
			}
			if here != 0 && here != 7 {
				t.Errorf("%d of 7 keys of batch %d are here", here, n)
			}
			held += here
		}
		if held < 7 || held > 7*19 {
			t.Fatalf("%d keys are here", held)
		}
		if v, _, _ := small.Get(e.Name(), "last"); string(v) != strconv.Itoa(held/7-1) {
			t.Errorf("last is of batch %s, and %d batches are here", v, held/7)
		}
		if err := small.SetLimits(engine.Limits{Keys: 160}); err != nil {
			t.Fatal(err)
		}
		c.WaitConverged()
	})
}

// TestTheLastWriteOfAKeyCounts: whatever a batch was given for a key before, what it does and whether it can be written
// is as if it had been given the last one alone; and a key that is set again and again takes no more memory.
func TestTheLastWriteOfAKeyCounts(t *testing.T) {
	e := startOne(t, "a", nil)
	ended, err := e.Grant(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	ended.Revoke()
	lives, err := e.Grant(time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	adds := []struct {
		name string
		add  func(b *engine.Batch)
		want error
	}{
		{"set", func(b *engine.Batch) { b.Set("k", []byte("1")) }, nil},
		{"delete", func(b *engine.Batch) { b.Delete("k") }, nil},
		{"a time to live", func(b *engine.Batch) { b.SetTTL("k", []byte("2"), time.Hour) }, nil},
		{"no time to live", func(b *engine.Batch) { b.SetTTL("k", nil, -1) }, engine.ErrTTL},
		{"a lease", func(b *engine.Batch) { b.SetLease(lives, "k", []byte("3")) }, nil},
		{"a lease that ended", func(b *engine.Batch) { b.SetLease(ended, "k", nil) }, engine.ErrLease},
		{"no lease", func(b *engine.Batch) { b.SetLease(nil, "k", nil) }, engine.ErrLease},
	}
	for _, first := range adds {
		for _, last := range adds {
			var b engine.Batch
			first.add(&b)
			b.Set("other", nil)
			last.add(&b)
			if _, err := e.Write(&b); !errors.Is(err, last.want) || b.Len() != 2 {
				t.Errorf("%s, then %s: %v, want %v; %d writes", first.name, last.name, err, last.want, b.Len())
			}
		}
	}
	var b engine.Batch
	value := make([]byte, 500)
	b.Set("other", []byte("o"))
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	for i := range 100_000 { // 50 MB of values
		value[0] = byte(i)
		b.Set("k", value)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 8<<20 {
		t.Errorf("a batch of two keys keeps %d bytes", grown)
	}
	if _, err := e.Write(&b); err != nil {
		t.Fatal(err)
	}
	if got, _, _ := e.Get("a", "k"); len(got) != 500 || got[0] != byte(99_999&255) {
		t.Error("another value was written than the last one")
	}
	if got, _, _ := e.Get("a", "other"); string(got) != "o" {
		t.Errorf("%q was written", got)
	}
}
