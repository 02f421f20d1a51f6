package paper

import (
	"math/rand/v2"
	"strconv"
	"testing"
)

// TestTicksCanBeRead: an axis of any span has some names, within it, apart by one step, and no two of
// them are the same.
func TestTicksCanBeRead(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	for range 2000 {
		low := (r.Float64() - 0.5) * 1000
		high := low + []float64{0.003, 0.1, 1, 7, 93, 4000}[r.IntN(6)]*(0.1+r.Float64())
		all := ticks{}.Ticks(low, high)
		if len(all) < 4 || len(all) > ticksMost+1 {
			t.Fatalf("seed %d: %d ticks from %v to %v", seed, len(all), low, high)
		}
		seen := map[string]bool{}
		for i, x := range all {
			v, err := strconv.ParseFloat(x.Label, 64)
			slack := (high - low) / 1e6
			if err != nil || seen[x.Label] || x.Value < low-slack || x.Value > high+slack || v-x.Value > slack || x.Value-v > slack {
				t.Fatalf("seed %d: tick %d of %v to %v is %q at %v", seed, i, low, high, x.Label, x.Value)
			}
			seen[x.Label] = true
		}
	}
	if all := (ticks{}).Ticks(3, 3); len(all) != 1 || all[0].Label != "3" {
		t.Errorf("an axis without a span has %v", all)
	}
	if all := (ticks{}).Ticks(-1, 1); all[len(all)/2].Label != "0.0" {
		t.Errorf("the middle of -1 to 1 is %q", all[len(all)/2].Label)
	}
}
