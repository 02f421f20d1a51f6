package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// TestEndingsAreBounded: what a watcher notes of ends is bounded by the keys that it watches,
// however often they are written again, for longer, for shorter or for ever; and each key that ends
// is looked at when it does.
func TestEndingsAreBounded(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	now := sched.Instant(time.Hour)
	x := endings{clock: func() sched.Instant { return now }}
	const keys = 10
	ends := map[place]sched.Instant{} // of those that live and end
	tell := func(p place, end sched.Instant) {
		u := Update{Member: p.member, Key: p.key}
		if end != 0 {
			u.Meta = Meta{TTL: 2 * time.Hour, Age: 2*time.Hour - time.Duration(end-now)}
		}
		x.note(&u)
	}
	for range 50_000 {
		p := place{"m", fmt.Sprint("k", r.IntN(keys))}
		switch r.IntN(20) {
		case 0:
			x.note(&Update{Member: p.member, Key: p.key, Deleted: true})
			delete(ends, p)
		case 1:
			tell(p, 0)
			delete(ends, p)
		default:
			ends[p] = now + 1 + sched.Instant(r.Int64N(int64(time.Hour)))
			tell(p, ends[p])
		}
		if n, most := len(x.list), endingsSlack+2*keys; n > most {
			t.Fatalf("%d ends are noted of %d keys, want at most %d", n, keys, most)
		}
		now += sched.Instant(r.Int64N(int64(time.Minute)))
		for _, p := range x.over(nil) {
			switch end, ok := ends[p]; {
			case !ok:
			case end <= now:
				delete(ends, p)
			default: // the watch finds that it lives on
				tell(p, end)
			}
		}
		for p, end := range ends {
			if end <= now {
				t.Fatalf("%v ended %v ago, and nobody looks", p, time.Duration(now-end))
			}
		}
	}
}
