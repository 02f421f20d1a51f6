package engine_test

import (
	"context"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/engine/enginetest"
)

func TestSetAndGetDoNotAllocate(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{Config: func(i int, c *engine.Config) {
		c.Name = strings.Repeat("name", 30) + fmt.Sprint(i) // no small-buffer luck
	}})
	a, b := c.Engines[0], c.Engines[1]
	key, value := strings.Repeat("k", 200), make([]byte, 300)
	set(t, a, key, "known")
	c.WaitConverged()
	buf := make([]byte, 0, 512)
	f := func(what string, run func()) {
		t.Helper()
		if n := testing.AllocsPerRun(1000, run); n != 0 {
			t.Errorf("%s: %v allocations", what, n)
		}
	}
	f("Set of a known key", func() {
		if _, err := a.Set(key, value); err != nil && err != engine.ErrBackpressure {
			t.Error(err)
		}
	})
	c.WaitConverged()
	f("AppendGet of an own key", func() { a.AppendGet(buf, a.Name(), key) })
	f("AppendGet of another's key", func() {
		if _, _, ok := b.AppendGet(buf, a.Name(), key); !ok {
			t.Error("not there")
		}
	})
	f("AppendGet of what is not there", func() { b.AppendGet(buf, a.Name(), "nothing") })
	f("Members", func() {
		for range a.Members() {
		}
	})
}

// The whole path, over real sockets: staged, encoded, sent, received, applied,
// acknowledged, on four members.
func TestSteadyStateDoesNotAllocate(t *testing.T) {
	c := enginetest.NewCluster(t, 4, enginetest.Options{})
	keys := make([]string, 500)
	for i := range keys {
		keys[i] = fmt.Sprint("key-", i)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	value := make([]byte, 64)
	round := func(writes int) {
		for i := range writes {
			if _, err := c.Engines[i%4].Set(keys[i%500], value); err != nil {
				t.Fatal(err)
			}
		}
		for _, e := range c.Engines {
			if err := e.WaitConverged(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	news := func() (n uint64) {
		for _, e := range c.Engines {
			n += e.Stats().EntriesNew
		}
		return n
	}
	mallocs := func(rounds, writes int) uint64 {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for range rounds {
			round(writes)
		}
		runtime.ReadMemStats(&after)
		return after.Mallocs - before.Mallocs
	}
	mallocs(20, 500)
	waiting := mallocs(50, 0) // what WaitConverged itself takes
	began := news()
	all := mallocs(50, 500)
	entries := news() - began
	perEntry := (float64(all) - float64(waiting)) / float64(entries)
	t.Logf("%d allocations, %d of them for waiting, for %d entries received: %.4f each", all, waiting, entries, perEntry)
	if perEntry > 0.01 {
		t.Errorf("%.3f allocations for each entry", perEntry)
	}
}

func TestTTL(t *testing.T) {
	c := enginetest.NewCluster(t, 2, enginetest.Options{})
	a, b := c.Engines[0], c.Engines[1]
	began := time.Now()
	for k, ttl := range map[string]time.Duration{"short": 50 * time.Millisecond, "long": time.Hour, "renewed": 60 * time.Millisecond} {
		if _, err := a.SetTTL(k, []byte("v"), ttl); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := a.SetTTL("renewed", []byte("w"), time.Hour); err != nil {
		t.Fatal(err)
	}
	has := func(e *engine.Engine, key string) bool { _, _, ok := e.Get("node-0", key); return ok }
	c.WaitConverged()
	if _, m, ok := b.Get("node-0", "long"); !ok || m.TTL != time.Hour {
		t.Errorf("long: %v %v", m, ok)
	}
	eventually(t, "it ends everywhere", func() bool { return !has(a, "short") && !has(b, "short") })
	if d := time.Since(began); d < 50*time.Millisecond {
		t.Errorf("it ended after %v", d)
	}
	set(t, a, "fence", "")
	c.WaitConverged()
	if !has(b, "long") || !has(b, "renewed") {
		t.Error("an entry ended early")
	}
}

// Entries that are renewed all the time do not pile up.
func TestTTLRenewalsAreBounded(t *testing.T) {
	e := startOne(t, "a", nil)
	for i := range 50000 {
		if _, err := e.SetTTL("k", nil, time.Hour); err == engine.ErrBackpressure {
			e.Stats()
		} else if err != nil {
			t.Fatal(i, err)
		}
		if i%100 == 0 {
			e.Stats() // a turn
		}
	}
	if n := e.Endings(); n > 2048 {
		t.Errorf("%d endings kept for one key", n)
	}
}

func BenchmarkSet(b *testing.B) {
	e := benchEngine(b)
	value := make([]byte, 64)
	full := 0
	b.ReportAllocs()
	for b.Loop() {
		if _, err := e.Set("key", value); err != nil {
			full++
		}
	}
	b.ReportMetric(float64(full)/float64(b.N), "rejected/op")
}

func BenchmarkAppendGet(b *testing.B) {
	e := benchEngine(b)
	for i := range 1000 {
		set(&testing.T{}, e, fmt.Sprint("key-", i), strings.Repeat("v", 64))
	}
	e.Stats()
	buf := make([]byte, 0, 128)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := e.AppendGet(buf, "bench", "key-500"); !ok {
			b.Fatal("not there")
		}
	}
}

func benchEngine(b *testing.B) *engine.Engine {
	cfg := engine.Local()
	cfg.Name = "bench"
	e, err := engine.Start(context.Background(), cfg)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { e.Close() })
	return e
}
