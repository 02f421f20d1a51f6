package state

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/codec"
)

// A cell holds one entry whole and, once it is published, does not change but for the position of
// its log word, which only the writer reads:
//
//	 0  version 56 bits, flags 8 bits
//	 8  tag of the origin: handle and how often the handle was reused
//	12  position of its word in the version log
//	16  length of the value
//	18  length of the key
//	19  size class of the cell, which may be larger than it need be
//	20  with a TTL or a lease: duration, 4 bytes; when its age was 0, 8 bytes; of a lease as somebody
//	    hinted, so that who needs no hint takes as much room
//	    with a stamp: 8 bytes
//	    with a lease: its number, 4 bytes
//	    with a kind: 1 byte
//	    of a batch that goes on: how many versions of it follow, 1 byte
//	    key, value
const (
	cellHeadBytes        = 20
	cellOptionalBytesMax = 12 + 8 + 4 + 1 + 1
	versionBits          = 56
)

func optionalBytes(f codec.EntryFlags) (n int) {
	if f&(codec.EntryTTL|codec.EntryLeased) != 0 {
		n += 12
	}
	if f&codec.EntryStamp != 0 {
		n += 8
	}
	if f&codec.EntryLeased != 0 {
		n += 4
	}
	if f&codec.EntryKinded != 0 {
		n++
	}
	if f&codec.EntryMore != 0 {
		n++
	}
	return n
}

// writeCell writes all but the position and the class. now is when the entry has its age.
func writeCell(b []byte, tag uint32, e *codec.Entry, now int64) {
	le := binary.LittleEndian
	_ = b[cellHeadBytes-1]
	le.PutUint64(b, e.Version|uint64(e.Flags)<<versionBits)
	le.PutUint32(b[8:], tag)
	le.PutUint32(b[16:], uint32(len(e.Value))|uint32(len(e.Key))<<16|uint32(cellClass(b))<<24)
	at := cellHeadBytes
	if e.Flags != 0 {
		at = writeOptional(b, e, now)
	}
	at += copy(b[at:], e.Key)
	copy(b[at:], e.Value)
}

// fillCell writes the cell of an entry that is applied now.
func (s *Store) fillCell(b []byte, tag uint32, e *codec.Entry) {
	s.kinded = s.kinded || e.Flags&codec.EntryKinded != 0
	writeCell(b, tag, e, s.now-s.hop)
}

// Kinded reports whether an entry that is more than a key and its value ([codec.EntryKinded]) was
// ever applied.
func (s *Store) Kinded() bool { return s.kinded }

func writeOptional(b []byte, e *codec.Entry, now int64) int {
	le, at := binary.LittleEndian, cellHeadBytes
	if e.Flags&(codec.EntryTTL|codec.EntryLeased) != 0 {
		le.PutUint32(b[at:], e.TTL)
		le.PutUint64(b[at+4:], uint64(now-int64(e.Age)*millisecond))
		at += 12
	}
	if e.Flags&codec.EntryStamp != 0 {
		le.PutUint64(b[at:], uint64(e.Stamp))
		at += 8
	}
	if e.Flags&codec.EntryLeased != 0 {
		le.PutUint32(b[at:], e.Lease)
		at += 4
	}
	if e.Flags&codec.EntryKinded != 0 {
		b[at] = byte(e.Kind)
		at++
	}
	if e.Flags&codec.EntryMore != 0 {
		b[at] = e.Rest
		at++
	}
	return at
}

const millisecond = 1_000_000

// cellBorn is when the age of an entry with a TTL was 0.
func cellBorn(b []byte) int64 { return int64(binary.LittleEndian.Uint64(b[cellHeadBytes+4:])) }

// ageAt is how old, in milliseconds, is at now what was born at a time: begun ones count. It never
// says that something is younger than it was.
func ageAt(now, born int64) uint32 {
	return uint32(min(max((now-born+millisecond-1)/millisecond, 0), 1<<32-1))
}

func cellVersion(b []byte) uint64 { return binary.LittleEndian.Uint64(b) & codec.VersionMax }

func cellFlags(b []byte) codec.EntryFlags { return codec.EntryFlags(b[7]) }

func cellTag(b []byte) uint32 { return binary.LittleEndian.Uint32(b[8:]) }

func cellClass(b []byte) uint8 { return b[19] }

func setCellClass(b []byte, class uint8) { b[19] = class }

func cellPos(b []byte) wordRef { return wordRef(binary.LittleEndian.Uint32(b[12:])) }

func setCellPos(b []byte, pos wordRef) { binary.LittleEndian.PutUint32(b[12:], uint32(pos)) }

// cellSizes returns where the key begins and the lengths of key and value.
func cellSizes(b []byte) (at, key, value int) {
	n := binary.LittleEndian.Uint32(b[16:])
	at = cellHeadBytes
	if f := cellFlags(b); f&^codec.EntryTombstone != 0 {
		at += optionalBytes(f)
	}
	return at, int(n >> 16 & 0xff), int(n & 0xffff)
}

// cellKeyValue is the length of the key and, in the lower 16 bits, that of the value.
func cellKeyValue(b []byte) uint32 { return binary.LittleEndian.Uint32(b[16:]) & 0xff_ffff }

// cellIs tells whether the cell is the one for a key of an origin.
func cellIs(b []byte, tag uint32, key []byte) bool {
	if cellTag(b) != tag || int(b[18]) != len(key) {
		return false
	}
	at := cellHeadBytes
	if f := cellFlags(b); f&^codec.EntryTombstone != 0 {
		at += optionalBytes(f)
	}
	return string(b[at:][:len(key)]) == string(key)
}

// readCell makes e a view of the cell, with the age that it has now.
func readCell(b []byte, e *codec.Entry, now int64) {
	le := binary.LittleEndian
	_ = b[cellHeadBytes-1]
	word, sizes := le.Uint64(b), le.Uint32(b[16:])
	e.Version, e.Flags = word&codec.VersionMax, codec.EntryFlags(word>>versionBits)
	at := cellHeadBytes
	if e.Flags&^codec.EntryTombstone != 0 {
		at = readOptional(b, e, now)
	} else {
		e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0
	}
	mid := at + int(sizes>>16&0xff)
	end := mid + int(sizes&0xffff)
	e.Key, e.Value = b[at:mid:mid], b[mid:end:end]
}

func readOptional(b []byte, e *codec.Entry, now int64) int {
	le, at := binary.LittleEndian, cellHeadBytes
	e.Stamp, e.TTL, e.Age, e.Ref, e.Lease, e.Kind, e.Rest = 0, 0, 0, 0, 0, 0, 0
	if e.Flags&codec.EntryTTL != 0 {
		e.TTL, e.Age = le.Uint32(b[at:]), ageAt(now, int64(le.Uint64(b[at+4:])))
	}
	if e.Flags&(codec.EntryTTL|codec.EntryLeased) != 0 {
		at += 12
	}
	if e.Flags&codec.EntryStamp != 0 {
		e.Stamp = int64(le.Uint64(b[at:]))
		at += 8
	}
	if e.Flags&codec.EntryLeased != 0 {
		e.Lease = le.Uint32(b[at:])
		at += 4
	}
	if e.Flags&codec.EntryKinded != 0 {
		e.Kind = codec.Kind(b[at])
		at++
	}
	if e.Flags&codec.EntryMore != 0 {
		e.Rest = b[at]
		at++
	}
	return at
}
