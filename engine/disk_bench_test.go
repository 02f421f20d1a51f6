package engine_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// BenchmarkRestart is a start with 100,000 keys of 16 bytes, with values of 64, on disk.
func BenchmarkRestart(b *testing.B) {
	dir := b.TempDir()
	start := func() *engine.Engine {
		c := engine.Local()
		c.Name, c.Disk.Path, c.LeaveTimeout = "a", dir, -1
		e, err := engine.Start(b.Context(), c)
		if err != nil {
			b.Fatal(err)
		}
		return e
	}
	e := start()
	value := make([]byte, 64)
	for n := range 100_000 {
		put(b, e, fmt.Sprintf("key-%012d", n), value)
	}
	e.Close()
	for b.Loop() {
		e := start()
		b.StopTimer()
		if n := len(slices.Collect(keysOf(e))); n != 100_000 {
			b.Fatalf("%d keys", n)
		}
		e.Close()
		b.StartTimer()
	}
}

func keysOf(e *engine.Engine) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range e.Range(e.Name()) {
			if !yield(string(k)) {
				return
			}
		}
	}
}

// put is Set that waits where writes come too fast.
func put(b *testing.B, e *engine.Engine, key string, value []byte) engine.Version {
	return insist(b, e, func() (engine.Version, error) { return e.Set(key, value) })
}

// BenchmarkWriteWithDisk writes to two members in turns, one with a disk and one without,
// and reports how long a write takes with, as a part of how long it takes without: from
// Set until the loop has applied it.
func BenchmarkWriteWithDisk(b *testing.B) {
	for _, sync := range []engine.Sync{engine.SyncInterval, engine.SyncNever} {
		b.Run(sync.String(), func(b *testing.B) {
			var members [2]*engine.Engine
			for i := range members {
				c := engine.Local()
				c.Name, c.LeaveTimeout = "a", -1
				if i == 1 {
					c.Disk = engine.Disk{Path: b.TempDir(), Sync: sync}
				}
				e, err := engine.Start(context.Background(), c)
				if err != nil {
					b.Fatal(err)
				}
				defer e.Close()
				members[i] = e
			}
			keys := make([]string, 1000)
			for i := range keys {
				keys[i] = fmt.Sprint("key-", i)
			}
			value := make([]byte, 64)
			round := func(e *engine.Engine) time.Duration {
				began := time.Now()
				for n := range 20 * len(keys) {
					put(b, e, keys[n%len(keys)], value)
				}
				e.Progress() // applies what is staged
				return time.Since(began)
			}
			var ratios []float64 // of pairs
			for n := 0; b.Loop(); n++ {
				var times [2]time.Duration
				for i := range members {
					k := (i + n) % 2
					times[k] = round(members[k])
				}
				ratios = append(ratios, float64(times[1])/float64(times[0]))
			}
			slices.Sort(ratios)
			b.ReportMetric(ratios[len(ratios)/2], "with/without")
		})
	}
}
