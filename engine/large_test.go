package engine_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/stream"
	"github.com/quidnunc/quidnunc/engine"
)

// largeCluster starts members with streams over loopback.
func largeCluster(t *testing.T, n int, edit func(i int, c *engine.Config)) (all []*engine.Engine) {
	t.Helper()
	key := engine.NewSecret(1)
	for i := range n {
		c := engine.Local()
		c.Name, c.Secrets = fmt.Sprintf("m%d", i), []engine.Secret{key}
		c.Streams = stream.New(stream.Options{PortsTried: 1024})
		if edit != nil {
			edit(i, &c)
		}
		e, err := engine.Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { e.Close() })
		if all = append(all, e); i > 0 {
			if _, err := e.Join(t.Context(), all[0].Addr().String()); err != nil {
				t.Fatal(err)
			}
		}
	}
	return all
}

func value(n int, seed byte) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i>>8) ^ byte(i)*seed
	}
	return b
}

// see waits until a member reads the value.
func see(t *testing.T, e *engine.Engine, member, key string, want []byte) (meta engine.Meta) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for u, err := range e.Watch(ctx, key) {
		if err != nil {
			got, meta, ok := e.Get(member, key)
			t.Fatalf("%v: has %d bytes, %+v, %v; %+v", err, len(got), meta, ok, e.Large())
		}
		if u.Member == member && !u.Deleted && bytes.Equal(u.Value, want) {
			return u.Meta
		}
	}
	return meta
}

func TestLargeValuesArriveWhole(t *testing.T) {
	all := largeCluster(t, 3, func(_ int, c *engine.Config) { c.Limits.LargeBytes = 16 << 20 })
	for i, n := range []int{engine.EntryBytesMax, engine.EntryBytesMax + 1, 2056, 64 << 10, 1<<20 + 7, 16 << 20} {
		key, want := fmt.Sprint("k", n), value(n, byte(i+3))
		v, err := all[0].Set(key, want)
		if err != nil {
			t.Fatal(n, err)
		}
		if got, meta, ok := all[0].Get("m0", key); !ok || !bytes.Equal(got, want) || meta.Version != v {
			t.Fatalf("%d bytes: the writer reads %d bytes, %+v", n, len(got), meta)
		}
		for _, e := range all[1:] {
			if meta := see(t, e, "m0", key, want); meta.Version != v || meta.Newer != (engine.Version{}) {
				t.Errorf("%d bytes: %+v, want version %v", n, meta, v)
			}
		}
	}
	seen := 0
	for key, entry := range all[2].Range("m0") {
		if strings.HasPrefix(string(key), "k") {
			var n int
			fmt.Sscanf(string(key), "k%d", &n)
			if len(entry.Value) != n {
				t.Errorf("Range: %s has %d bytes", key, len(entry.Value))
			}
			seen++
		}
	}
	if seen != 6 {
		t.Errorf("Range shows %d large values of 6", seen)
	}
}

// Overwrites, deletes and small values in their place hold as for small ones.
func TestLargeValuesAreReplaced(t *testing.T) {
	all := largeCluster(t, 2, nil)
	a, b := all[0], all[1]
	for i := range 20 {
		if _, err := a.Set("k", value(100_000+i, byte(i))); err != nil {
			t.Fatal(err)
		}
	}
	see(t, b, "m0", "k", value(100_019, 19))
	if _, err := a.Set("k", []byte("small")); err != nil {
		t.Fatal(err)
	}
	see(t, b, "m0", "k", []byte("small"))
	if _, err := a.Set("k", value(50_000, 1)); err != nil {
		t.Fatal(err)
	}
	see(t, b, "m0", "k", value(50_000, 1))
	v, err := a.Delete("k")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.WaitVersion(t.Context(), v); err != nil {
		t.Fatal(err)
	}
	if got, _, ok := b.Get("m0", "k"); ok {
		t.Errorf("deleted, and %d bytes are read", len(got))
	}
}

// A content is kept once, whoever has it as a value.
func TestEqualContentsAreKeptOnce(t *testing.T) {
	all := largeCluster(t, 2, nil)
	same := value(300_000, 9)
	for i, e := range all {
		for k := range 3 {
			if _, err := e.Set(fmt.Sprint("k", k), same); err != nil {
				t.Fatal(err)
			}
		}
		see(t, all[1-i], fmt.Sprint("m", i), "k2", same)
	}
	for _, e := range all {
		if s := e.Large(); s.Here != 1 || s.Bytes != len(same) {
			t.Errorf("%+v", s)
		}
	}
}

// Who has no streams says so, and names the setting; what is too long names its limit.
func TestLargeValuesWithoutStreams(t *testing.T) {
	f := func(size int, setting string, edit func(c *engine.Config)) {
		t.Helper()
		e := largeCluster(t, 1, func(_ int, c *engine.Config) { edit(c) })[0]
		_, err := e.Set("k", make([]byte, size))
		var large *engine.SizeError
		if !errors.As(err, &large) || !errors.Is(err, engine.ErrTooLarge) || large.Setting != setting || !strings.Contains(err.Error(), setting) {
			t.Errorf("%v, want a SizeError that names %s", err, setting)
		}
	}
	f(engine.EntryBytesMax, "Config.Streams", func(c *engine.Config) { c.Streams = nil })
	f(1<<20+1, "Config.Limits.LargeBytes", func(*engine.Config) {})
	f(engine.EntryBytesMax, "Config.Limits.LargeBytes", func(c *engine.Config) { c.Limits.LargeBytes = -1 })
}

// A member that takes less shows its entries as unavailable; others go on.
func TestLargeValuesAboveTheReadersLimit(t *testing.T) {
	all := largeCluster(t, 2, func(i int, c *engine.Config) {
		if i == 1 {
			c.Limits.LargeBytes = 10_000
		}
	})
	v, err := all[0].Set("big", value(20_000, 1))
	if err != nil {
		t.Fatal(err)
	}
	all[0].Set("fits", value(10_000, 1))
	see(t, all[1], "m0", "fits", value(10_000, 1))
	if _, meta, ok := all[1].Get("m0", "big"); ok || meta.Newer != v {
		t.Errorf("ok %v, %+v, want version %v as newer", ok, meta, v)
	}
	if s := all[1].Large(); s.Unavailable != 1 {
		t.Errorf("%+v", s)
	}
}

// With OnRead a value comes when it is read, and Watch tells.
func TestLargeValuesOnRead(t *testing.T) {
	all := largeCluster(t, 2, func(_ int, c *engine.Config) {
		c.Fetch = engine.Fetch{OnRead: true, Prefixes: []string{"hot/"}}
	})
	all[0].Set("cold", value(20_000, 1))
	all[0].Set("hot/x", value(30_000, 2))
	see(t, all[1], "m0", "hot/x", value(30_000, 2))
	if s := all[1].Large(); s.Fetched != 1 || s.Missing != 1 {
		t.Errorf("before the read: %+v", s)
	}
	see(t, all[1], "m0", "cold", value(20_000, 1))
}

// Rotation of keys does not lose a value.
func TestLargeValuesThroughRotation(t *testing.T) {
	all := largeCluster(t, 2, nil)
	next := engine.NewSecret(2)
	all[0].Set("a", value(20_000, 1))
	see(t, all[1], "m0", "a", value(20_000, 1))
	for _, e := range all {
		if err := e.AddSecret(next); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []func(e *engine.Engine) error{
		func(e *engine.Engine) error { return e.UseSecret(2) },
		func(e *engine.Engine) error { return e.RemoveSecret(1) },
	} {
		for _, e := range all {
			if err := step(e); err != nil {
				t.Fatal(err)
			}
		}
		all[0].Set("a", value(20_001, 1))
		see(t, all[1], "m0", "a", value(20_001, 1))
		all[0].Set("a", value(20_002, 1))
		see(t, all[1], "m0", "a", value(20_002, 1))
	}
}

// Nor does one that goes on while the longest values are on their way: streams under the old key
// end in their middle, and what was asked on them is asked again.
func TestRotationDuringFetches(t *testing.T) {
	const size = 16 << 20
	all := largeCluster(t, 2, func(_ int, c *engine.Config) { c.Limits.LargeBytes = size })
	for id := uint8(2); id < 6; id++ {
		want, next := value(size-int(id), id), engine.NewSecret(id)
		if _, err := all[0].Set("k", want); err != nil {
			t.Fatal(err)
		}
		for _, step := range []func(e *engine.Engine) error{
			func(e *engine.Engine) error { return e.AddSecret(next) },
			func(e *engine.Engine) error { return e.UseSecret(id) },
			func(e *engine.Engine) error { return e.RemoveSecret(id - 1) },
		} {
			for _, e := range all {
				if err := step(e); err != nil {
					t.Fatal(err)
				}
			}
			<-time.After(10 * time.Millisecond) // the fetch goes on meanwhile
		}
		see(t, all[1], "m0", "k", want)
	}
	if n := all[1].Large().Streams.Ended[batch.StreamRotated]; n == 0 {
		t.Log("no stream ended for its key")
	}
}

// Changes tells of a large value when it is whole, once, and of nothing before.
func TestChangesTellsOfLargeValues(t *testing.T) {
	all := largeCluster(t, 2, nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	all[0].Set("a", value(200_000, 1))
	all[0].Set("b", []byte("small"))
	seen := map[string]int{}
	for u, err := range all[1].Changes(ctx) {
		if err != nil {
			t.Fatalf("%v after %v", err, seen)
		}
		if u.Member != "m0" || u.Deleted {
			continue
		}
		if seen[u.Key]++; seen[u.Key] > 1 || u.Key == "a" && !bytes.Equal(u.Value, value(200_000, 1)) {
			t.Fatalf("%q: update %d with %d bytes", u.Key, seen[u.Key], len(u.Value))
		}
		if len(seen) == 2 {
			break
		}
	}
}
