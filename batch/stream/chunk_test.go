package stream

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"testing"
	"time"
)

// A chunk of a content that goes to many is compressed once, and whatever is remembered of others,
// each arrives as it is.
func TestChunksOfManyArePackedOnce(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	rnd := rand.New(rand.NewPCG(seed, 1))
	var contents [][]byte
	for i := range 4 {
		contents = append(contents, body(3*chunkBytes-i, seed+uint64(i)))
	}
	for i := range contents[3] { // it does not shrink
		contents[3][i] = byte(rnd.Uint32())
	}
	for _, how := range []Compression{Off, S2, Zstd} {
		p, u, dst := packer{how: how}, unpacker{}, make([]byte, chunkBytes)
		for range 500 {
			b := contents[rnd.IntN(len(contents))]
			at := rnd.IntN(3) * chunkBytes
			chunk := b[at:min(at+chunkBytes, len(b))]
			w := &order{check: rnd.IntN(4) > 0, sum: sha256.Sum256(b)}
			for range 2 {
				payload, kind := p.packOf(chunk, at, w)
				if kind != recRaw {
					if err := u.unpack(dst[:len(chunk)], kind, payload); err != nil {
						t.Fatal(err)
					}
					payload = dst[:len(chunk)]
				}
				if !bytes.Equal(payload, chunk) {
					t.Fatalf("a chunk at %d differs", at)
				}
			}
		}
		u.close()
	}
	p, w := packer{how: S2}, &order{check: true, sum: sha256.Sum256(contents[0])}
	one, _ := p.packOf(contents[0][:chunkBytes], 0, w)
	two, _ := p.packOf(contents[0][:chunkBytes], 0, w)
	if &one[0] != &two[0] {
		t.Error("it was packed twice")
	}
	if p.forget(); p.last[0].payload != nil {
		t.Error("it is remembered for ever")
	}
}
