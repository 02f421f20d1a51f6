package staleness

import (
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestLacking: a mapping is stale from the first update of it that the replica lacks, whatever
// order updates came in, and no matter how often somebody looked before.
func TestLacking(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	for range 500 {
		keys := 1 + rnd.IntN(5)
		a := author{newest: make([]sched.Instant, keys)}
		held, whole := make([]uint64, keys), uint64(0) // the replica
		for now := sched.Instant(1); now < 60; now++ {
			switch key := rnd.IntN(keys); {
			case rnd.IntN(2) == 0:
				a.log, a.newest[key] = append(a.log, update{key, now}), now
			case len(a.log) > 0: // any version that was the newest of its key comes, as precise orders have it
				v := uint64(1 + rnd.IntN(len(a.log)))
				held[a.log[v-1].key] = max(held[a.log[v-1].key], v)
			}
			if rnd.IntN(3) > 0 {
				continue
			}
			above := make([]uint64, keys)
			for k, v := range held {
				if v > whole {
					above[k] = v
				}
			}
			var got Lack
			whole = a.lacking(now, whole, above, &got)
			if want := a.lackingSlowly(now, held); got != want {
				t.Fatalf("%+v, want %+v, of %v at a replica with %v", got, want, a.log, held)
			}
		}
	}
}

// lackingSlowly looks at each key by itself.
func (a *author) lackingSlowly(now sched.Instant, held []uint64) (out Lack) {
	for key, have := range held {
		first, newest := sched.Instant(0), sched.Instant(0)
		for v := len(a.log); uint64(v) > have; v-- {
			if u := a.log[v-1]; u.key == key {
				first, newest = u.at, max(newest, u.at)
			}
		}
		if first > 0 {
			out.Mappings++
			out.Staleness, out.Age = max(out.Staleness, now-first), max(out.Age, now-newest)
		}
	}
	return out
}
