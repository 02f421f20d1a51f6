package engine_test

import (
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine"
)

// turnStreamsMost is ten times what a turn of the loop is to spend on streams where the machine has
// nothing else to do, 50 us: the test holds it where much else runs, too. To copy 16 MiB, or to
// hash them, takes longer.
const turnStreamsMost = 500 * time.Microsecond

// Values of 16 MiB cost the loops of those who send and receive them a few microseconds of the
// processor in a turn. Bytes are hashed, sealed and copied elsewhere.
func TestATurnsShareOfLargeValues(t *testing.T) {
	const size, values = 16 << 20, 6
	all := largeCluster(t, 2, func(_ int, c *engine.Config) { c.Limits.LargeBytes = size })
	var took [2][]time.Duration
	var turns sync.WaitGroup
	var over atomic.Bool
	for i, e := range all {
		turns.Go(func() {
			for !over.Load() {
				took[i] = append(took[i], e.LargeTurn())
			}
		})
	}
	for i := range values {
		key, want := fmt.Sprint("k", i%2), value(size, byte(i))
		v, err := all[0].Set(key, want)
		if err != nil {
			t.Fatal(err)
		}
		if err := all[0].WaitVersion(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		if !reads(all[1], "m0", key, want) {
			t.Fatalf("value %d is not there; %+v", i, all[1].Large())
		}
	}
	over.Store(true)
	turns.Wait()
	for i, list := range took {
		slices.Sort(list)
		few := list[max(0, len(list)-5):] // most turns have nothing to do
		t.Logf("%s: %d turns, the longest %v", all[i].Name(), len(list), few)
		if d := few[0]; d > turnStreamsMost && !racing { // the collector of garbage may have its share of some
			t.Errorf("%s: turns spend %v on streams", all[i].Name(), d)
		}
	}
}

// A turn's share of sweeps, asks and answers does not grow with how many large values there are.
func TestATurnsShareOfManyLargeValues(t *testing.T) {
	const values = 5000
	all := largeCluster(t, 2, nil)
	for i := range values {
		insist(t, all[0], func() (engine.Version, error) { return all[0].Set(fmt.Sprintf("key-%06d", i), uniqueValue(1000, i)) })
	}
	var took []time.Duration
	for began := time.Now(); time.Since(began) < 3*time.Second || all[1].Large().Here < values && time.Since(began) < time.Minute; {
		took = append(took, all[1].LargeTurn())
	}
	if s := all[1].Large(); s.Here != values {
		t.Errorf("%+v", s)
	}
	slices.Sort(took)
	t.Logf("%d turns, the longest %v; half of all %v", len(took), took[max(0, len(took)-8):], took[len(took)/2])
	if d := took[max(0, len(took)-6)]; d > turnStreamsMost && !racing {
		t.Errorf("turns spend %v on streams", d)
	}
}
