package sketch

import (
	"encoding/binary"
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
)

const (
	// CellsMax is the number of cells that a node keeps: a multiple of each of codec.SketchSizes.
	CellsMax = 240
	// copies is the number of cells of an origin.
	copies = 4
	// idBits of an OriginID name an origin in a sketch.
	idBits = 40
	// SpanMax bounds the difference in versions that a cell can show.
	SpanMax = 1<<23 - 1
)

// A product of a span and an identifier keeps its sign.
const _ uint = 63 - (23 + idBits)

// cell is the sum over origins of version, version*check and version*id.
type cell struct {
	span  int32
	check uint32
	ids   int64
}

// Item is an origin in a sketch: what Bump needs, to be computed once. 24 bytes.
type Item struct {
	id    int64
	check uint32
	cells [copies]uint8
}

// ShortID returns the bits of an OriginID that a sketch knows. The origin is found
// again as the first at or after Find of them.
func ShortID(id codec.OriginID) uint64 { return uint64(id) >> (64 - idBits) }

// Find returns the smallest OriginID with that ShortID.
func Find(short uint64) codec.OriginID { return codec.OriginID(short << (64 - idBits)) }

// ItemOf computes the item of id under key. Identifiers with a ShortID of 0 can't
// be told from nothing: Bump ignores them.
func ItemOf(key [2]uint64, id codec.OriginID) Item { return itemOf(key, ShortID(id)) }

func itemOf(key [2]uint64, short uint64) Item {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], short)
	h := codec.SipHash(key, b[:])
	it := Item{id: int64(short), check: uint32(h)}
	for range 256 { // about three in five fit; 256 never fail
		h = mix(h)
		if it.place(h) {
			break
		}
	}
	return it
}

// mix is the output function of SplitMix64: it spreads a keyed hash that is
// secret already.
func mix(z uint64) uint64 {
	z += 0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// place takes four cells from 64 bits of hash and tells whether they are distinct
// in every size. 24, 40 and 60 divide the others.
func (it *Item) place(h uint64) bool {
	for i := range it.cells {
		hi, _ := bits.Mul64(h<<(16*i)&(0xffff<<48), CellsMax)
		it.cells[i] = uint8(hi)
	}
	for i, a := range it.cells {
		for _, b := range it.cells[:i] {
			if a%24 == b%24 || a%40 == b%40 || a%60 == b%60 {
				return false
			}
		}
	}
	return true
}

// Sketch is the linear image of a version vector. The zero Sketch is that of the
// empty vector. 3,840 bytes; one writer.
type Sketch struct{ cells [CellsMax]cell }

// Bump adds delta to the version of an origin: its version when it is added,
// the step when it grows, minus its version when it is removed.
func (s *Sketch) Bump(it *Item, delta int64) {
	if it.id == 0 {
		return
	}
	span, check, ids := int32(delta), uint32(delta)*it.check, delta*it.id
	for _, i := range it.cells {
		c := &s.cells[i]
		c.span += span
		c.check += check
		c.ids += ids
	}
}

// Equal tells whether two sketches are the same. Equal vectors have equal sketches.
func (s *Sketch) Equal(o *Sketch) bool { return s.cells == o.cells }

// zero tells whether nothing is left in c.
func (c *cell) zero() bool { return c.span == 0 && c.check == 0 && c.ids == 0 }

// alone returns the identifier of the only origin in c, if there is just one and
// its difference is at most SpanMax.
func (c *cell) alone() (id int64, ok bool) {
	if c.span == 0 || c.span > SpanMax || c.span < -SpanMax {
		return 0, false
	}
	id = c.ids / int64(c.span)
	return id, id > 0 && id < 1<<idBits && id*int64(c.span) == c.ids
}
