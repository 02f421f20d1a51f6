package engine_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// BenchmarkMillionEnds: a million keys that end at the same time, at their owner: how many
// tombstones a second the loop writes, and how long the piece of it takes that a turn does.
func BenchmarkMillionEnds(b *testing.B) {
	const keys = 1_000_000
	for b.Loop() {
		b.StopTimer()
		e := startOne(b, "a", func(c *engine.Config) {
			c.Limits.Keys, c.Limits.ValueBytes = 2*keys, 256<<20
		})
		for i := range keys {
			insist(b, e, func() (engine.Version, error) {
				return e.SetTTL(fmt.Sprint("session-", i), []byte("v"), time.Hour)
			})
		}
		b.StartTimer()
		pieces, all := e.EndAll(2 * time.Hour)
		b.StopTimer()
		slices.Sort(pieces)
		b.ReportMetric(keys/all.Seconds(), "ends/s")
		b.ReportMetric(float64(pieces[len(pieces)/2].Nanoseconds())/1000, "turn-p50-µs")
		b.ReportMetric(float64(pieces[len(pieces)*99/100].Nanoseconds())/1000, "turn-p99-µs")
		e.Close()
		b.StartTimer()
	}
}
