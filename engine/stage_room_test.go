package engine

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/engine/state"
)

// shelf is a slow store: what lies under each key, tombstones too.
type shelf struct {
	under map[string]held
	limit state.Room
}

func (s *shelf) taken() (c charge) {
	for _, h := range s.under {
		c.bytes, c.owned = c.bytes+h.bytes, c.owned+h.owned
		if h.live {
			c.keys++
		}
	}
	return c
}

func (s *shelf) room() room {
	c := s.taken()
	return room{Room: state.Room{Keys: s.limit.Keys - c.keys, Bytes: s.limit.Bytes - c.bytes, Owned: s.limit.Owned - c.owned}}
}

// apply does what the core does: a delete of what is not alive leaves nothing.
func (s *shelf) apply(r *record) {
	if r.op == opDelete && !s.under[string(r.key)].live {
		return
	}
	s.under[string(r.key)] = heldCell(len(r.key), len(r.value), r.ttl, r.op, r.batch)
}

// collect forgets some tombstones.
func (s *shelf) collect(rng *rand.Rand) {
	for key, h := range s.under {
		if !h.live && rng.IntN(2) == 0 {
			delete(s.under, key)
		}
	}
}

// TestWhatIsStagedFits: whatever is written, deleted and written again before the loop comes to it,
// in turns of any length and while tombstones go, what the stage took fits into what the store may
// take.
func TestWhatIsStagedFits(t *testing.T) {
	seed := rand.Uint64()
	for round := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, round))
		s := newStage(1 << 14)
		store := &shelf{map[string]held{}, state.Room{Keys: 5 + rng.IntN(20), Bytes: 1000 + rng.IntN(3000), Owned: 500 + rng.IntN(2000)}}
		s.known = func(key string) (held, bool) { h, ok := store.under[key]; return h, ok }
		s.grant(store.room())
		for range 400 {
			key := fmt.Sprint("key ", rng.IntN(30))
			switch rng.IntN(12) {
			case 0:
				store.collect(rng)
				s.grant(store.room())
			case 1:
				turn(t, s, store, rng.IntN(30))
			case 2, 3, 4:
				s.write(opDelete, 0, key, nil)
			default:
				s.write(opSet, uint32(rng.IntN(2)), key, make([]byte, rng.IntN(150)))
			}
			if c, l := store.taken(), store.limit; c.keys > l.Keys || c.bytes > l.Bytes || c.owned > l.Owned {
				t.Fatalf("seed %d, round %d: %+v are taken of %+v", seed, round, c, l)
			}
		}
	}
}

// turn lets the loop apply a few records.
func turn(t *testing.T, s *stage, store *shelf, records int) {
	t.Helper()
	if !s.begin() {
		return
	}
	var r record
	for n := 0; n < records && s.next(&r); n++ {
		store.apply(&r)
	}
	s.finish(store.room())
}
