package content

import (
	"math/rand/v2"
	"testing"
)

// TestIndexAgainstAMap: whatever is inserted and removed, in whatever order and however many share
// a place, the rest is found; and what is removed makes room, so that the index does not grow.
func TestIndexAgainstAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	hashOf := func(v uint32) uint64 { return uint64(v) * 0x9e3779b97f4a7c15 >> 61 * 5 } // eight places, near to each other
	for range 200 {
		var x index
		there := map[uint32]bool{}
		for range 200 {
			v := 1 + r.Uint32N(30)
			is := func(at uint32) bool { return at == v }
			switch {
			case there[v]:
				x.remove(hashOf(v), is, hashOf)
				delete(there, v)
			case len(there) < 11:
				x.insert(hashOf(v), v, hashOf)
				there[v] = true
			}
			for v := range uint32(31) {
				if got := x.find(hashOf(v), func(at uint32) bool { return at == v }); (got == v && v != 0) != there[v] {
					t.Fatalf("seed %d: %d is found as %d, and is there: %v", seed, v, got, there[v])
				}
			}
		}
		if len(x.slots) > 16 || x.used != len(there) {
			t.Fatalf("%d slots, %d used, for %d", len(x.slots), x.used, len(there))
		}
	}
}
