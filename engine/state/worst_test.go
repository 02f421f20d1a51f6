package state

import (
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
)

// worstCalls fills a store with so many keys in random order and overwrites as many at random, and
// keeps for each call the shortest time of several passes: the same calls do the same work, so what
// is left is not the machine's noise.
func worstCalls(keys, passes int) []time.Duration {
	best := make([]time.Duration, 3*keys)
	for pass := range passes {
		s := new(Store)
		s.Init(Limits{Origins: 4, Keys: keys, ValueBytes: keys*128 + 1<<20}, 1)
		o, _ := s.Add(7, 1, []byte("worst"))
		e := codec.Entry{Key: []byte("k/01234567"), Value: make([]byte, 32)}
		for i := range best {
			e.Version++
			k := uint64(i)
			if i >= keys {
				k = mix(e.Version) % uint64(keys)
			}
			binary.LittleEndian.PutUint64(e.Key[2:], k)
			start := time.Now()
			s.Apply(o, &e)
			took := time.Since(start)
			if pass == 0 || took < best[i] {
				best[i] = took
			}
		}
	}
	return best
}

// BenchmarkWorstApply reports the slowest calls among three million at a million keys.
func BenchmarkWorstApply(b *testing.B) {
	if testing.Short() {
		b.Skip("takes half a minute")
	}
	var times []time.Duration
	for range b.N {
		times = worstCalls(1000000, 4)
	}
	slices.Sort(times)
	n := len(times)
	b.ReportMetric(float64(times[n-1].Nanoseconds()), "worst-ns")
	b.ReportMetric(float64(times[n-10].Nanoseconds()), "tenth-worst-ns")
	b.ReportMetric(float64(times[n-n/10000].Nanoseconds()), "p99.99-ns")
	b.ReportMetric(float64(times[n/2].Nanoseconds()), "p50-ns")
}
