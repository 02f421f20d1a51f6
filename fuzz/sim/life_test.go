package sim

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

var lifeHours = flag.Float64("life.hours", 0.2, "virtual hours that the cluster of the long life lives")

// TestALongLifeEndsWhereItBegan: four members write keys of ever new names, overwrite and delete
// them, while one after the other sleeps, at times so long that it is buried and comes back as
// another life. Their limits are twice what lives; their ages are those of a product, divided by
// 365. Nobody is ever full, memory does not grow, and every few minutes all hold the same as the
// authors, so that nothing comes back that was deleted.
func TestALongLifeEndsWhereItBegan(t *testing.T) {
	const nodes, live = 4, 100
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	const second = sched.Second
	w := New(Options{Nodes: nodes, Seed: seed, Check: true, Config: func(_, _ int, c *core.Config) {
		c.Detector.DeadAge, c.Detector.LeftAge, c.Detector.GraveAge = 10*second, second/5, 240*second
		c.Limits.State = state.Limits{
			Origins: 3 * nodes, Keys: 2 * nodes * live, Tombstones: nodes * live,
			ValueBytes: 4 * nodes * live * state.CellBytes(24, 0),
		}
	}})
	for i := 1; i < nodes; i++ {
		w.Join(i, 0)
	}
	r := w.Rand()
	var first, next [nodes]int
	until := sched.Instant(*lifeHours * 3600 * float64(second))
	write := func(i int) {
		if st := w.Set(i, fmt.Sprint("session-", i, "-", next[i]), fmt.Sprint(next[i])); st != core.Written {
			t.Fatalf("at %v: write: %d, %+v", clock(w.Now()), st, w.Nodes[i].Core.Parts().Store.Stats())
		}
		if next[i]++; next[i]-first[i] > live {
			w.Delete(i, fmt.Sprint("session-", i, "-", first[i]))
			first[i]++
		}
		w.Set(i, fmt.Sprint("session-", i, "-", first[i]+int(r.Uint32n(uint32(next[i]-first[i])))), "again")
	}
	flat, asleep := 0, -1
	for step := 0; w.Now() < until; step++ {
		if step%60 == 59 { // every few minutes all are awake, and quiet
			if asleep >= 0 {
				w.Resume(asleep)
				asleep = -1
			}
			if took, ok := w.Converge(second, 300*second); !ok {
				t.Fatalf("at %v: not equal after %v: %s; %v", clock(w.Now()), clock(took), w.Difference(), w.Err())
			}
			w.Verify()
			if w.Err() != nil {
				t.Fatal(w.Err())
			}
			bytes := 0
			for _, n := range w.Nodes {
				bytes += n.Core.Parts().Store.Footprint()
			}
			if flat == 0 && w.Now() > until/4 {
				flat = bytes
			}
			if flat > 0 && bytes > flat+flat/4 {
				t.Fatalf("at %v: stores of %d bytes, %d at a quarter", clock(w.Now()), bytes, flat)
			}
		}
		switch {
		case asleep >= 0 && step%10 == 0:
			w.Resume(asleep)
			asleep = -1
		case asleep < 0 && step%10 == 3:
			asleep = int(r.Uint32n(nodes))
			w.Pause(asleep)
		}
		for i := range nodes {
			for k := 0; k < 5 && i != asleep; k++ {
				write(i)
			}
		}
		w.Run(3 * second)
	}
	floors, mended := w.floors(), uint64(0)
	var e codec.Entry
	for i, n := range w.Nodes {
		mended += n.Core.Counters().Mended
		for k := first[i]; k < next[i]; k++ {
			if !n.Core.Parts().Store.Get(n.Core.Parts().Own, fmt.Append(nil, "session-", i, "-", k), &e) {
				t.Errorf("node %d lost its key %d", i, k)
			}
		}
	}
	t.Logf("%v: %d keys came and went, floors sum up to %d, %d keys mended, stores of %d bytes",
		clock(w.Now()), first[0]+first[1]+first[2]+first[3], floors, mended, flat)
	if floors == 0 {
		t.Error("no floor rose")
	}
}
