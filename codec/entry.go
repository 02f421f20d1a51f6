package codec

import (
	"encoding/binary"
	"math/bits"
)

// EntryFlags says which optional fields an entry has, and whether it is more than a key and its
// value.
type EntryFlags uint8

// The entry flags; 64 is reserved and must be 0.
const (
	EntryTombstone EntryFlags = 1   // the key is deleted: no value
	EntryTTL       EntryFlags = 2   // TTL and Age
	EntryStamp     EntryFlags = 4   // Stamp
	EntryKinded    EntryFlags = 8   // Kind: the value is something else than a user's bytes
	EntryLeased    EntryFlags = 16  // Lease; with EntryTTL beside it, a hint of what that lease has left
	EntryMore      EntryFlags = 32  // Rest: the batch goes on, and no run ends here
	EntryByRef     EntryFlags = 128 // Ref in place of the key

	entryFlagsKnown = EntryTombstone | EntryTTL | EntryStamp | EntryKinded | EntryLeased | EntryMore
	// entryFlagsStored are those that a store keeps today: ParseRun refuses entries with others.
	entryFlagsStored = entryFlagsKnown | EntryByRef
)

// ReservedPrefix is the first byte of the keys that the engine itself writes. No user may write
// such a key, and no reader is shown one.
const ReservedPrefix = 0

// Reserved tells whether a key is one of the engine's own. It takes any key, the empty one too.
func Reserved[T string | []byte](key T) bool { return len(key) > 0 && key[0] == ReservedPrefix }

// SharedPrefix begins the reserved keys that hold what users share: keys with many writers, one
// entry in each writer's log (engine/share). Users can't write them as their own, but limits and
// rates count them as users' keys.
const SharedPrefix = "\x00s/"

// Shared tells whether a key is one of those.
func Shared[T string | []byte](key T) bool {
	return len(key) > len(SharedPrefix) && string(key[:len(SharedPrefix)]) == SharedPrefix
}

// System tells whether a key is one with which a member says something of itself: reserved, and
// neither shared nor a lease's.
func System[T string | []byte](key T) bool { return Reserved(key) && !Shared(key) && !Leases(key) }

// Entry is one write of an origin: the newest version of a key.
type Entry struct {
	Version uint64
	Key     []byte // never empty, but with EntryByRef
	Value   []byte
	Stamp   int64  // with EntryStamp: when it was written, in nanoseconds of the writer's clock or as the layer above says
	TTL     uint32 // with EntryTTL: how long it lives, in milliseconds
	Age     uint32 // with EntryTTL: how long it has lived already; it only grows on the way
	Ref     uint32 // with EntryByRef: so many versions below stands an older entry of the key
	Lease   uint32 // with EntryLeased: number of the lease within its origin that it lives by
	Flags   EntryFlags
	Kind    Kind  // with EntryKinded
	Rest    uint8 // with EntryMore: how many versions of its batch follow, 1 to BatchMax - 1
}

// EntryBytes is the encoded size of e in a run after an entry with prevVersion (the first: the
// run's from) and prevKey. A stamp counts as long as it can be.
func EntryBytes(e *Entry, prevVersion uint64, prevKey []byte) int {
	n := entryBytes(e, e.Version-prevVersion-1, commonPrefix(prevKey, e.Key), 0)
	if e.Flags&EntryStamp != 0 {
		n += stampBytesMax - uvarintBytes(stampStep(e.Stamp, 0))
	}
	return n
}

// The bits of an entry's head, beside the gap between its version and the one before.
const (
	headFlags = 1 << 0 // flags follow
	headRef   = 1 << 1 // a number stands in place of the key

	headBits = 2
)

func (e *Entry) head(gap uint64) uint64 {
	h := gap << headBits
	if e.Flags&^EntryByRef != 0 {
		h |= headFlags
	}
	if e.Flags&EntryByRef != 0 {
		h |= headRef
	}
	return h
}

func entryBytes(e *Entry, gap uint64, shared int, stamp int64) int {
	n := uvarintBytes(gap << headBits)
	if e.Flags != 0 {
		n += entryOptionalBytes(e, stamp)
	}
	if e.Flags&EntryByRef == 0 {
		own := len(e.Key) - shared
		n += 1 + own + nibbleExtra(shared) + nibbleExtra(own)
	}
	if e.Flags&EntryTombstone == 0 {
		n += uvarintBytes(uint64(len(e.Value))) + len(e.Value)
	}
	return n
}

func entryOptionalBytes(e *Entry, stamp int64) (n int) {
	if e.Flags&^EntryByRef != 0 {
		n++
	}
	if e.Flags&EntryKinded != 0 {
		n++
	}
	if e.Flags&EntryMore != 0 {
		n++
	}
	if e.Flags&EntryTTL != 0 {
		n += uvarintBytes(uint64(e.TTL)) + uvarintBytes(uint64(e.Age))
	}
	if e.Flags&EntryLeased != 0 {
		n += uvarintBytes(uint64(e.Lease))
	}
	if e.Flags&EntryStamp != 0 {
		n += uvarintBytes(stampStep(e.Stamp, stamp))
	}
	if e.Flags&EntryByRef != 0 {
		n += uvarintBytes(uint64(e.Ref))
	}
	return n
}

// stampStep is a stamp as it is written: the difference from the one before in its run, its sign in
// the lowest bit.
func stampStep(stamp, before int64) uint64 {
	d := stamp - before
	return uint64(d<<1) ^ uint64(d>>63)
}

// stampOf is the inverse of stampStep.
func stampOf(step uint64, before int64) int64 {
	return before + (int64(step>>1) ^ -int64(step&1))
}

// RefBytes is the size of a reference to so many versions below.
func RefBytes(below uint32) int { return uvarintBytes(uint64(below)) }

// nibbleMax in a half byte says that the length is this, plus what the next byte says.
const nibbleMax = 15

func nibbleExtra(n int) int {
	if n >= nibbleMax {
		return 1
	}
	return 0
}

// appendEntry appends e, which shares its first bytes with the key before it; stamp is the last one
// before it.
func appendEntry(dst []byte, e *Entry, gap uint64, shared int, stamp int64) []byte {
	dst = appendUvarint(dst, e.head(gap))
	if e.Flags != 0 {
		dst = appendOptional(dst, e, stamp)
	}
	if e.Flags&EntryByRef == 0 {
		dst = appendKey(dst, e.Key, shared)
	}
	if e.Flags&EntryTombstone == 0 {
		dst = append(appendUvarint(dst, uint64(len(e.Value))), e.Value...)
	}
	return dst
}

// appendKey appends a key that shares its first bytes with the one before it.
func appendKey(dst, key []byte, shared int) []byte {
	own := len(key) - shared
	dst = append(dst, byte(min(shared, nibbleMax)|min(own, nibbleMax)<<4))
	if shared >= nibbleMax {
		dst = append(dst, byte(shared-nibbleMax))
	}
	if own >= nibbleMax {
		dst = append(dst, byte(own-nibbleMax))
	}
	return append(dst, key[shared:]...)
}

func appendOptional(dst []byte, e *Entry, stamp int64) []byte {
	if f := e.Flags &^ EntryByRef; f != 0 {
		dst = append(dst, byte(f))
	}
	if e.Flags&EntryKinded != 0 {
		dst = append(dst, byte(e.Kind))
	}
	if e.Flags&EntryMore != 0 {
		dst = append(dst, e.Rest)
	}
	if e.Flags&EntryTTL != 0 {
		dst = appendUvarint(appendUvarint(dst, uint64(e.TTL)), uint64(e.Age))
	}
	if e.Flags&EntryLeased != 0 {
		dst = appendUvarint(dst, uint64(e.Lease))
	}
	if e.Flags&EntryStamp != 0 {
		dst = appendUvarint(dst, stampStep(e.Stamp, stamp))
	}
	if e.Flags&EntryByRef != 0 {
		dst = appendUvarint(dst, uint64(e.Ref))
	}
	return dst
}

// commonPrefix is the length of the longest common prefix.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	i := 0
	for ; i+8 <= n; i += 8 {
		x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:])
		if x != 0 {
			return i + bits.TrailingZeros64(x)>>3
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}
