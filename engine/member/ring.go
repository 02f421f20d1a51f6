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
// successors of a node on independent permutations make an expander graph: no two members share all
// their observers but by chance.
//
// It depends on identifiers, not on handles or names, so that it is the same everywhere. One
// writer; tables that only read may share one.
type Ring struct {
	key [2]uint64
	ids []codec.OriginID // by handle, 0 = none
	// each ascending by hash of the identifier under the permutation's key (40 bits), then by
	// identifier; the handle is in the low 24 bits
	order [Observers][]uint64
}

// RingBytes is the memory of a ring for this many members.
func RingBytes(members int) int { return (members+1)*8 + Observers*members*8 }

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
		hash := r.hash(p, id)
		i := r.search(p, hash, id)
		o := r.order[p]
		o = o[:len(o)+1]
		copy(o[i+1:], o[i:])
		o[i] = hash<<hashShift | uint64(h)
		r.order[p] = o
	}
	r.ids[h] = id
	return true
}

// Remove takes a member out. It is false if there is none behind the handle.
func (r *Ring) Remove(h uint32) bool {
	id := r.ID(h)
	if id == 0 {
		return false
	}
	for p := range r.order {
		o := r.order[p]
		i := r.place(p, id)
		copy(o[i:], o[i+1:])
		r.order[p] = o[:len(o)-1]
	}
	r.ids[h] = 0
	return true
}

// Find gives the handle of an identifier, 0 for a stranger.
func (r *Ring) Find(id codec.OriginID) uint32 {
	i := r.place(0, id)
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

// place is the index on permutation p of an identifier, or where it would stand.
func (r *Ring) place(p int, id codec.OriginID) int { return r.search(p, r.hash(p, id), id) }

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

// at is the handle at index i of permutation p, counted around the ring in both directions.
func (r *Ring) at(p, i int) uint32 {
	o := r.order[p]
	if i >= len(o) {
		i -= len(o)
	} else if i < 0 {
		i += len(o)
	}
	return uint32(o[i] & handleMask)
}
