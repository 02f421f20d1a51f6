package member

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/codec"
)

const (
	handleBits = 24
	handleMask = 1<<handleBits - 1
	hashShift  = handleBits
)

// MembersMax is the largest member handle.
const MembersMax = handleMask

// Ring knows the identifiers of all members and their order on Observers keyed permutations. Who
// watches whom follows from it alone, so that nodes with equal members agree without a word. The
// neighbours of a node on independent permutations make an expander graph: no two members share all
// their observers but by chance.
//
// It depends on identifiers and zones, not on handles or names, so that it is the same everywhere.
// One writer; tables that only read may share one.
//
// On the last Near permutations the members of a zone stand together: so about half of who watches a
// member is near it, and half is anywhere, since a zone that is cut off has to be seen from outside.
type Ring struct {
	key [2]uint64
	ids []codec.OriginID // by handle, 0 = none
	// each ascending by hash of the identifier under the permutation's key (40 bits), then by
	// identifier; the handle is in the low 24 bits. The zone comes before the hash on the last Near.
	order [Observers][]uint64
	zones []uint16 // by handle; nil: nobody is in any
}

// Near is how many permutations are in the order of zones.
const Near = Observers / 2

// RingBytes is the memory of a ring for this many members.
func RingBytes(members int) int { return (members+1)*(8+2) + Observers*members*8 }

// Init takes memory for handles 1..members. The key is the same in the whole cluster.
func (r *Ring) Init(members int, key [2]uint64) {
	if members < 1 || members > MembersMax {
		panic("member: ring size out of range")
	}
	*r = Ring{key: key, ids: make([]codec.OriginID, members+1)}
	all := make([]uint64, Observers*members)
	for p := range r.order {
		r.order[p] = all[p*members : p*members : (p+1)*members]
	}
}

// Len is the number of members.
func (r *Ring) Len() int { return len(r.order[0]) }

// ID is the identifier behind a handle, 0 for none.
func (r *Ring) ID(h uint32) codec.OriginID {
	if h < uint32(len(r.ids)) {
		return r.ids[h]
	}
	return 0
}

// Add enters a member: Observers binary searches and moves of up to 8 bytes a member. It is false
// when the handle is out of range or taken, or the identifier is 0 or already there.
func (r *Ring) Add(h uint32, id codec.OriginID) bool {
	if h == 0 || h >= uint32(len(r.ids)) || r.ids[h] != 0 || id == 0 || r.Find(id) != 0 {
		return false
	}
	for p := range r.order {
		r.enter(p, h, id)
	}
	r.ids[h] = id
	return true
}

// enter puts a member in its place on a permutation, leave takes it out.
func (r *Ring) enter(p int, h uint32, id codec.OriginID) {
	at := r.key40(p, h, id)
	i := r.search(p, at, id)
	o := r.order[p]
	o = o[:len(o)+1]
	copy(o[i+1:], o[i:])
	o[i] = at<<hashShift | uint64(h)
	r.order[p] = o
}

func (r *Ring) leave(p int, h uint32) {
	o, i := r.order[p], r.place(p, h)
	copy(o[i:], o[i+1:])
	r.order[p] = o[:len(o)-1]
}

// Zone is that of a member, 0 for none.
func (r *Ring) Zone(h uint32) uint16 {
	if h < uint32(len(r.zones)) {
		return r.zones[h]
	}
	return 0
}

// Move puts a member in a zone, whether it is there yet or comes later. It is false where that
// changes nothing. The first one takes memory.
func (r *Ring) Move(h uint32, zone uint16) (changes bool) {
	if h >= uint32(len(r.ids)) || r.Zone(h) == zone {
		return false
	}
	if r.zones == nil {
		r.zones = make([]uint16, len(r.ids))
	}
	id := r.ids[h]
	if id == 0 {
		r.zones[h] = zone
		return false
	}
	for p := Observers - Near; p < Observers; p++ {
		r.leave(p, h)
	}
	r.zones[h] = zone
	for p := Observers - Near; p < Observers; p++ {
		r.enter(p, h, id)
	}
	return true
}

// Remove takes a member out. It is false if there is none behind the handle.
func (r *Ring) Remove(h uint32) bool {
	id := r.ID(h)
	if id == 0 {
		return false
	}
	for p := range r.order {
		r.leave(p, h)
	}
	if r.ids[h] = 0; r.zones != nil {
		r.zones[h] = 0
	}
	return true
}

// Find gives the handle of an identifier, 0 for a stranger.
func (r *Ring) Find(id codec.OriginID) uint32 {
	i := r.search(0, r.hash(0, id), id)
	if o := r.order[0]; i < len(o) {
		if h := uint32(o[i] & handleMask); r.ids[h] == id {
			return h
		}
	}
	return 0
}

// hash is the place of an identifier on permutation p, in 40 bits.
func (r *Ring) hash(p int, id codec.OriginID) uint64 {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], uint64(id))
	return codec.SipHash([2]uint64{r.key[0] ^ uint64(p+1)*0x9e3779b97f4a7c15, r.key[1]}, b[:]) >> hashShift
}

// key40 is the place of a member on permutation p.
func (r *Ring) key40(p int, h uint32, id codec.OriginID) uint64 {
	hash := r.hash(p, id)
	if z := r.Zone(h); z != 0 && p >= Observers-Near {
		return uint64(z)<<hashShift | hash>>(64-hashShift-hashShift)
	}
	return hash
}

// place is the index on permutation p of a member.
func (r *Ring) place(p int, h uint32) int {
	id := r.ids[h]
	return r.search(p, r.key40(p, h, id), id)
}

func (r *Ring) search(p int, hash uint64, id codec.OriginID) int {
	o := r.order[p]
	lo, hi := 0, len(o)
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if e := o[mid]; e>>hashShift < hash || e>>hashShift == hash && r.ids[e&handleMask] < id {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo
}

// at is the handle at index i of permutation p.
func (r *Ring) at(p, i int) uint32 { return uint32(r.order[p][i] & handleMask) }

// around is the index that is meant by one that is next to the ends.
func (r *Ring) around(i int) int {
	switch n := r.Len(); {
	case i >= n:
		return i - n
	case i < 0:
		return i + n
	default:
		return i
	}
}
