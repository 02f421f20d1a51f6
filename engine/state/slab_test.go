package state

import (
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestLogMemoryServesAnySize: what logs of one size gave back serves logs of every other. A store
// that holds logs of many sizes one after the other takes each of them whole.
func TestLogMemoryServesAnySize(t *testing.T) {
	const keys, origins = 20000, 4000
	var s Store
	s.Init(Limits{Origins: origins, Keys: keys, ValueBytes: 64 << 20}, 1)
	id := codec.OriginID(1)
	for round := range 3 {
		for class := blockClassMin; class <= 9; class++ {
			per := 1<<(class-1) - 1
			var made []Origin
			for i := range min(keys/per, origins-1) {
				id++
				o, status := s.Add(id, 1, fmt.Appendf(nil, "node-%d", i))
				if status != OK {
					t.Fatalf("round %d, logs of %d entries: origin %d: %v", round, per, i, status)
				}
				made = append(made, o)
				for v := range per {
					e := codec.Entry{Version: uint64(v + 1), Key: fmt.Appendf(nil, "k%d", v), Value: []byte("v")}
					if status := s.Apply(o, &e); status != OK {
						t.Fatalf("round %d, logs of %d entries: entry %d of origin %d: %v %+v", round, per, v, i, status, s.Stats())
					}
				}
			}
			for _, o := range made {
				s.Remove(o)
			}
			for s.Tidy(1 << 20) {
			}
		}
	}
	if s.log.used != 0 {
		t.Errorf("%d words in use in an empty store", s.log.used)
	}
}

// TestSlabGivesBackAll: blocks of random sizes, freed in any order, leave whole pages, and none
// overlaps another.
func TestSlabGivesBackAll(t *testing.T) {
	seed := rand.Uint64()
	rnd := rand.New(rand.NewPCG(seed, 1))
	const pages = 16
	var w slab
	w.init(pages)
	type held struct {
		ref  wordRef
		mark uint64
	}
	var blocks []held
	free := func(i int) {
		b := w.block(blocks[i].ref)
		for _, word := range b {
			if word != blocks[i].mark {
				t.Fatalf("seed %d: a block was written by another", seed)
			}
		}
		w.release(blocks[i].ref)
		blocks[i] = blocks[len(blocks)-1]
		blocks = blocks[:len(blocks)-1]
	}
	for range 20 {
		for n := rnd.IntN(3000); n > 0; n-- {
			if len(blocks) > 0 && rnd.IntN(3) == 0 {
				free(rnd.IntN(len(blocks)))
				continue
			}
			ref := w.alloc(uint8(blockClassMin + min(rnd.IntN(10), rnd.IntN(10))))
			if ref == 0 {
				break
			}
			h := held{ref, rnd.Uint64()}
			for i, word := range w.block(ref) {
				if word != 0 {
					t.Fatalf("seed %d: a block is not empty", seed)
				}
				w.block(ref)[i] = h.mark
			}
			blocks = append(blocks, h)
		}
		for len(blocks) > 0 {
			free(rnd.IntN(len(blocks)))
		}
		for n := range pages {
			if ref := w.alloc(blockClassMax); ref == 0 {
				t.Fatalf("seed %d: %d of %d pages are whole again", seed, n, pages)
			} else {
				blocks = append(blocks, held{ref, 0})
			}
		}
		for len(blocks) > 0 {
			free(0)
		}
	}
}
