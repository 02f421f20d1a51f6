package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A ring against a scan of all its members, for random ranges, with its ends among them.
func TestRangesAgainstAScan(t *testing.T) {
	const seed = 5
	var rand sched.Rand
	rand.Seed(seed)
	place := func(few uint64) uint64 {
		switch v := rand.Uint64n(few); v {
		case 0:
			return 0
		case 1:
			return ^uint64(0)
		default:
			return v
		}
	}
	for round := range 20_000 {
		var ring Ring
		few := 3 + rand.Uint64n(30)
		at := map[uint64]uint32{}
		for range rand.Uint32n(12) {
			if p := place(few); at[p] == 0 {
				at[p] = uint32(len(at) + 1)
				ring.Add(Spot{Place: p, Peer: at[p]})
			}
		}
		ring.Sort()
		r, other := Range{place(few), place(few)}, Range{place(few), place(few)}
		in := ring.in(r)
		got := map[uint32]bool{}
		for i := range in.n {
			got[ring.spot(in, i).Peer] = true
		}
		has := func(r Range, p uint64) bool {
			if r.Lo <= r.Hi {
				return r.Lo <= p && p <= r.Hi
			}
			return p >= r.Lo || p <= r.Hi
		}
		if len(got) != in.n || in.n > ring.Len() {
			t.Fatalf("seed %d, round %d: %d members, %d of them different", seed, round, in.n, len(got))
		}
		for p, peer := range at {
			if has(r, p) != r.Has(p) || got[peer] != has(r, p) {
				t.Fatalf("seed %d, round %d: %x in %x: %v, listed %v", seed, round, p, r, r.Has(p), got[peer])
			}
			if r.Holds(other) && has(other, p) && !has(r, p) {
				t.Fatalf("seed %d, round %d: %x holds %x, but not %x of it", seed, round, r, other, p)
			}
		}
		if !r.Holds(r) || r.Holds(Range{r.Lo - 1, r.Hi}) && r.Hi+2 != r.Lo && r.Hi+1 != r.Lo {
			t.Fatalf("seed %d, round %d: %x", seed, round, r)
		}
	}
}
