package codec

import (
	"encoding/binary"
	"math/bits"
)

// EntryFlags says which optional fields an entry has, and whether it is more than a key and its value.
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
	entryFlagsStored = EntryTombstone | EntryTTL | EntryStamp | EntryKinded | EntryLeased | EntryMore
)

// ReservedPrefix is the first byte of the keys that the engine itself writes. No user may write such a key, and no reader
// is shown one.
const ReservedPrefix = 0

// Reserved tells whether a key is one of the engine's own. It takes any key, the empty one too.
func Reserved[T string | []byte](key T) bool { return len(key) > 0 && key[0] == ReservedPrefix }

// SharedPrefix begins the reserved keys that hold what users share: keys with many writers, one entry in each writer's log
// (engine/share). Users can't write them as their own, but limits and rates count them as users' keys.
const SharedPrefix = "\x00s/"

// Shared tells whether a key is one of those.
func Shared[T string | []byte](key T) bool {
	return len(key) > len(SharedPrefix) && string(key[:len(SharedPrefix)]) == SharedPrefix
}

// System tells whether a key is one with which a member says something of itself: reserved, and neither shared nor a
// lease's.
func System[T string | []byte](key T) bool { return Reserved(key) && !Shared(key) && !Leases(key) }

// Entry is one write of an origin: the newest version of a key.
type Entry struct {
	Version uint64
	Key     []byte // never empty, but with EntryByRef
	Value   []byte
	Stamp   int64  // with EntryStamp: when it was written, in nanoseconds of the writer's clock or as the layer above says
	TTL     uint32 // with EntryTTL: how long it lives, in milliseconds
	Age     uint32 // with EntryTTL: how long it has lived already; it only grows on the way
	Ref     uint32 // with EntryByRef: number of the key within its origin
	Lease   uint32 // with EntryLeased: number of the lease within its origin that it lives by
	Flags   EntryFlags
	Kind    Kind  // with EntryKinded
	Rest    uint8 // with EntryMore: how many versions of its batch follow, 1 to BatchMax - 1
}

// EntryBytes is the encoded size of e in a run after an entry with prevVersion (the first: the run's from) and prevKey.
// A stamp counts as long as it can be.
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

// stampStep is a stamp as it is written: the difference from the one before in its run, its sign in the lowest bit.
func stampStep(stamp, before int64) uint64 {
	d := stamp - before
	return uint64(d<<1) ^ uint64(d>>63)
}

// stampOf is the inverse of stampStep.
func stampOf(step uint64, before int64) int64 {
	return before + (int64(step>>1) ^ -int64(step&1))
}

// nibbleMax in a half byte says that the length is this, plus what the next byte says.
const nibbleMax = 15

func nibbleExtra(n int) int {
	if n >= nibbleMax {
		return 1
	}
	return 0
}

// appendEntry appends e, which shares its first bytes with the key before it; stamp is the last one before it.
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

// stepWindow is what the quick way of step looks at without asking for its length.
const stepWindow = 2 + 16

const _ uint = KeyBytesMax - (nibbleMax - 1 + 16) // its copy of a key stays in the iterator

// step decodes the next entry into it.key and e, all of e but Key. Every length and every claim is checked here, once
// for parsing and once for walking: what passed the first time passes the second.
//
// Nearly every entry has no flags, and numbers of one byte each: a gap below 32, short parts of a key, a value below 128
// bytes. Those are decoded with two tests; its key is copied as 16 bytes whatever its length.
func (it *RunIter) step(e *Entry) error {
	b := it.rest
	if len(b) < stepWindow || b[0]&7 != 1 {
		return it.stepAny(e)
	}
	shared, own := int(b[1]&nibbleMax), int(b[1]>>4)
	value := b[2+own]
	end := 3 + own + int(value>>1)
	version := it.version + uint64(b[0]>>3) + 1
	if b[1] == 0 || shared == nibbleMax || own == nibbleMax || value&1 == 0 || end > len(b) || shared > it.keyBytes || version > it.to ||
		own > 0 && shared < it.keyBytes && it.key[shared] == b[2] {
		return it.stepAny(e) // which knows what is wrong, if anything is
	}
	e.Version, e.Value = version, b[3+own:end:end]
	e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Flags, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0, 0
	*(*[16]byte)(it.key[shared:]) = [16]byte(b[2:])
	it.version, it.rest, it.keyBytes = version, b[end:], shared+own
	return nil
}

// stepAny is step for any entry.
func (it *RunIter) stepAny(e *Entry) error {
	head, n := uvarint(it.rest)
	if n == 0 {
		return ErrVarint
	}
	b := it.rest[n:]
	gap := head >> headBits
	e.Version = it.version + gap + 1
	if gap >= VersionMax || e.Version > it.to {
		return ErrOrder
	}
	e.Value = nil
	e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Flags, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0, 0
	var err error
	if head&(headFlags|headRef) != 0 {
		if b, err = it.stepOptional(b, e, head); err != nil {
			return err
		}
	}
	keyBytes := 0
	if head&headRef == 0 {
		if b, err = it.stepKey(b); err != nil {
			return err
		}
		keyBytes = it.keyBytes
	}
	if e.Flags&EntryTombstone == 0 {
		v, n := uvarint(b)
		if n == 0 || v > uint64(EntryBytesMax-keyBytes) {
			return ErrEntry
		}
		end := n + int(v)
		if len(b) < end {
			return ErrBody
		}
		e.Value, b = b[n:end:end], b[end:]
	}
	if e.Flags&EntryKinded != 0 && !e.kindValid(it.key[:keyBytes]) {
		return ErrEntry
	}
	if e.Flags&EntryStamp != 0 {
		it.stamp = e.Stamp
	}
	it.version, it.rest = e.Version, b
	return nil
}

// stepKey decodes a front-coded key into it.key. It insists on the longest shared prefix, the only valid form, and on a
// key that is not empty: whoever reads keys may look at the first byte.
func (it *RunIter) stepKey(b []byte) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrBody
	}
	shared, own := int(b[0]&nibbleMax), int(b[0]>>4)
	b = b[1:]
	if shared == nibbleMax {
		if len(b) == 0 {
			return nil, ErrBody
		}
		shared, b = shared+int(b[0]), b[1:]
	}
	if own == nibbleMax {
		if len(b) == 0 {
			return nil, ErrBody
		}
		own, b = own+int(b[0]), b[1:]
	}
	if shared > it.keyBytes || shared+own > KeyBytesMax || shared+own == 0 {
		return nil, ErrEntry
	}
	if len(b) < own {
		return nil, ErrBody
	}
	if own > 0 && shared < it.keyBytes && it.key[shared] == b[0] {
		return nil, ErrEntry
	}
	it.keyBytes = shared + copy(it.key[shared:], b[:own])
	return b[own:], nil
}

// stepOptional reads the flags of an entry, if its head names any, and the fields that they name.
func (it *RunIter) stepOptional(b []byte, e *Entry, head uint64) (rest []byte, err error) {
	if head&headFlags != 0 {
		if b, err = parseFlags(b, e); err != nil {
			return nil, err
		}
	}
	ok := true
	if e.Flags&EntryTTL != 0 {
		if b, ok = parseUint32(b, &e.TTL); !ok {
			return nil, ErrVarint
		}
		if b, ok = parseUint32(b, &e.Age); !ok {
			return nil, ErrVarint
		}
	}
	if e.Flags&EntryLeased != 0 {
		if b, ok = parseUint32(b, &e.Lease); !ok {
			return nil, ErrVarint
		}
	}
	if e.Flags&EntryStamp != 0 {
		step, n := uvarint(b)
		if n == 0 {
			return nil, ErrVarint
		}
		e.Stamp, b = stampOf(step, it.stamp), b[n:]
	}
	if head&headRef != 0 {
		e.Flags |= EntryByRef
		if b, ok = parseUint32(b, &e.Ref); !ok {
			return nil, ErrVarint
		}
	}
	return b, nil
}

// parseFlags reads the flags, and the bytes that they name: the kind, how far a batch goes on.
func parseFlags(b []byte, e *Entry) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrBody
	}
	e.Flags, b = EntryFlags(b[0]), b[1:]
	if e.Flags == 0 || e.Flags&^entryFlagsKnown != 0 || e.Flags&(EntryKinded|EntryTombstone) == EntryKinded|EntryTombstone {
		return nil, ErrFlags
	}
	if e.Flags&EntryKinded != 0 {
		if len(b) == 0 {
			return nil, ErrBody
		}
		if e.Kind, b = Kind(b[0]), b[1:]; e.Kind == 0 { // a user's value has no kind
			return nil, ErrFlags
		}
	}
	if e.Flags&EntryMore != 0 {
		if len(b) == 0 {
			return nil, ErrBody
		}
		if e.Rest, b = b[0], b[1:]; !e.restValid() {
			return nil, ErrFlags
		}
	}
	return b, nil
}

// restValid tells whether Rest is what EntryMore says of it.
func (e *Entry) restValid() bool {
	return e.Flags&EntryMore == 0 && e.Rest == 0 || e.Flags&EntryMore != 0 && e.Rest > 0 && e.Rest < BatchMax
}

func parseUint32(b []byte, v *uint32) ([]byte, bool) {
	x, n := uvarint(b)
	*v = uint32(x)
	return b[n:], n != 0 && x>>32 == 0
}
