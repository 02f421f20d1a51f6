package sim

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestFramesKeepBytes(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	var f frames
	held := map[frameRef][]byte{}
	for range 20000 {
		b := make([]byte, rnd.IntN(1473))
		for i := range b {
			b[i] = byte(rnd.Uint32())
		}
		r := f.put(b)
		if _, twice := held[r]; twice {
			t.Fatal("given out twice")
		}
		held[r] = b
		for r, b := range held {
			if !slices.Equal(f.bytes(r)[:len(b)], b) {
				t.Fatal("changed")
			}
			if rnd.IntN(3) != 0 {
				f.release(r)
				delete(held, r)
			}
			break
		}
	}
}
