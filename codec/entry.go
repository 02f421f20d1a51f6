package codec

import (
	"encoding/binary"
	"math/bits"
)

// EntryFlags says what kind an entry is and which optional fields it has.
type EntryFlags uint8

// The entry flags; the rest are reserved and must be 0.
const (
	EntryTombstone EntryFlags = 1  // the key is deleted: no value
	EntryTTL       EntryFlags = 2  // TTL and Age
	EntryStamp     EntryFlags = 4  // Stamp
	EntryByRef     EntryFlags = 8  // Ref in place of the key; not in use yet
	EntryAnnounce  EntryFlags = 16 // declares Ref for the key: no value; not in use yet

	entryFlagsKnown = EntryTombstone | EntryTTL | EntryStamp | EntryByRef | EntryAnnounce
	entryFlagsRefs  = EntryByRef | EntryAnnounce
	entryFlagsBare  = EntryTombstone | EntryAnnounce
)

// ReservedPrefix is the first byte of the keys that the engine itself writes. No user may write such a key, and no reader
// is shown one.
const ReservedPrefix = 0

// Reserved tells whether a key is one of the engine's own. It takes any key, the empty one too.
func Reserved[T string | []byte](key T) bool { return len(key) > 0 && key[0] == ReservedPrefix }

// Entry is one write of an origin: the newest version of a key.
type Entry struct {
	Version uint64
	Key     []byte // never empty, but with EntryByRef
	Value   []byte
	Stamp   int64  // with EntryStamp: when it was written, in nanoseconds of the writer's clock or as the layer above says
	TTL     uint32 // with EntryTTL: how long it lives, in milliseconds
	Age     uint32 // with EntryTTL: how long it has lived already; it only grows on the way
	Ref     uint32 // with EntryByRef or EntryAnnounce: number of the key within its origin
	Flags   EntryFlags
}

// EntryBytes is the encoded size of e in a run after an entry with prevVersion (the first: the run's from) and prevKey.
func EntryBytes(e *Entry, prevVersion uint64, prevKey []byte) int {
	return entryBytes(e, e.Version-prevVersion-1, commonPrefix(prevKey, e.Key))
}

func entryBytes(e *Entry, gap uint64, shared int) int {
	n := uvarintBytes(gap << 1)
	if e.Flags != 0 {
		n += entryOptionalBytes(e)
	}
	if e.Flags&EntryByRef == 0 {
		own := len(e.Key) - shared
		n += 1 + own + nibbleExtra(shared) + nibbleExtra(own)
	}
	if e.Flags&entryFlagsBare == 0 {
		n += uvarintBytes(uint64(len(e.Value))) + len(e.Value)
	}
	return n
}

func entryOptionalBytes(e *Entry) int {
	n := 1
	if e.Flags&EntryTTL != 0 {
		n += uvarintBytes(uint64(e.TTL)) + uvarintBytes(uint64(e.Age))
	}
	if e.Flags&EntryStamp != 0 {
		n += 8
	}
	if e.Flags&entryFlagsRefs != 0 {
		n += uvarintBytes(uint64(e.Ref))
	}
	return n
}

// nibbleMax in a half byte says that the length is this, plus what the next byte says.
const nibbleMax = 15

func nibbleExtra(n int) int {
	if n >= nibbleMax {
		return 1
	}
	return 0
}

// appendEntry appends e, which shares its first bytes with the key before it.
func appendEntry(dst []byte, e *Entry, gap uint64, shared int) []byte {
	if e.Flags == 0 {
		dst = appendUvarint(dst, gap<<1)
	} else {
		dst = append(appendUvarint(dst, gap<<1|1), byte(e.Flags))
		dst = appendOptional(dst, e)
	}
	if e.Flags&EntryByRef == 0 {
		dst = appendKey(dst, e.Key, shared)
	}
	if e.Flags&entryFlagsBare == 0 {
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

func appendOptional(dst []byte, e *Entry) []byte {
	if e.Flags&EntryTTL != 0 {
		dst = appendUvarint(appendUvarint(dst, uint64(e.TTL)), uint64(e.Age))
	}
	if e.Flags&EntryStamp != 0 {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(e.Stamp))
	}
	if e.Flags&entryFlagsRefs != 0 {
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
	if len(b) < stepWindow || b[0]&3 != 1 {
		return it.stepAny(e)
	}
	shared, own := int(b[1]&nibbleMax), int(b[1]>>4)
	value := b[2+own]
	end := 3 + own + int(value>>1)
	version := it.version + uint64(b[0]>>2) + 1
	if b[1] == 0 || shared == nibbleMax || own == nibbleMax || value&1 == 0 || end > len(b) || shared > it.keyBytes || version > it.to ||
		own > 0 && shared < it.keyBytes && it.key[shared] == b[2] {
		return it.stepAny(e) // which knows what is wrong, if anything is
	}
	e.Version, e.Flags, e.TTL, e.Age, e.Stamp, e.Ref, e.Value = version, 0, 0, 0, 0, 0, b[3+own:end:end]
	*(*[16]byte)(it.key[shared:]) = [16]byte(b[2:])
	it.version, it.rest, it.keyBytes = version, b[end:], shared+own
	return nil
}

// stepAny is step for any entry.
func (it *RunIter) stepAny(e *Entry) error {
	gap, n := uvarint(it.rest)
	if n == 0 {
		return ErrVarint
	}
	b := it.rest[n:]
	e.Version = it.version + gap>>1 + 1
	if gap>>1 >= VersionMax || e.Version > it.to {
		return ErrOrder
	}
	e.Flags, e.TTL, e.Age, e.Stamp, e.Ref, e.Value = 0, 0, 0, 0, 0, nil
	if gap&1 != 0 {
		var err error
		if b, err = parseOptional(b, e); err != nil {
			return err
		}
	}
	keyBytes := 0
	if e.Flags&EntryByRef == 0 {
		var err error
		if b, err = it.stepKey(b); err != nil {
			return err
		}
		keyBytes = it.keyBytes
	}
	if e.Flags&entryFlagsBare == 0 {
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

// parseOptional reads the flags of an entry and the fields that they name.
func parseOptional(b []byte, e *Entry) ([]byte, error) {
	if len(b) == 0 {
		return nil, ErrBody
	}
	e.Flags = EntryFlags(b[0])
	if e.Flags == 0 || e.Flags&^entryFlagsKnown != 0 || e.Flags&entryFlagsRefs == entryFlagsRefs {
		return nil, ErrFlags
	}
	b = b[1:]
	ok := true
	if e.Flags&EntryTTL != 0 {
		if b, ok = parseUint32(b, &e.TTL); !ok {
			return nil, ErrVarint
		}
		if b, ok = parseUint32(b, &e.Age); !ok {
			return nil, ErrVarint
		}
	}
	if e.Flags&EntryStamp != 0 {
		if len(b) < 8 {
			return nil, ErrBody
		}
		e.Stamp, b = int64(binary.LittleEndian.Uint64(b)), b[8:]
	}
	if e.Flags&entryFlagsRefs != 0 {
		if b, ok = parseUint32(b, &e.Ref); !ok {
			return nil, ErrVarint
		}
	}
	return b, nil
}

func parseUint32(b []byte, v *uint32) ([]byte, bool) {
	x, n := uvarint(b)
	*v = uint32(x)
	return b[n:], n != 0 && x>>32 == 0
}
