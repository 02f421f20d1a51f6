package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"time"
)

// A file is a head and blocks. Every block has a checksum for its own head, so that a
// length is believed before it is followed, and one for its body. Both begin with the
// salt of the file: a block that another file left in the same place is none.
const (
	magic   = "quidnunc"
	version = 1

	fileHead  = 8 + 2 + 1 + 1 + 8 + 8 + 4 + 1 + 1 // and the names, and a checksum
	blockHead = 4 + 4 + 4 + 4 + 8                 // its checksum, the body's, the body's length, kind, wall time
	nameMax   = 255
	bodyMax   = 1 << 30 // a longer one is damage
)

// fileKind is what a file is.
type fileKind uint8

const (
	logFile      fileKind = 1
	snapshotFile fileKind = 2
	secretsFile  fileKind = 3
)

// syncedEach is a flag of a log: nothing was told to others before it was on disk.
const syncedEach = 1

// blockKind is what a block is. Unknown kinds are skipped.
type blockKind uint8

const (
	blockWrites   blockKind = 1 // records, one behind the other
	blockMembers  blockKind = 2 // all known members
	blockPosition blockKind = 3 // generation, newest version, floor
	blockClosed   blockKind = 4 // the same, and how it was closed: the last block
	blockEnd      blockKind = 5 // of a snapshot: nothing is missing before it
	blockSecrets  blockKind = 6 // what PutSecrets was given: all that a file of secrets has
)

var crcTable = crc32.MakeTable(crc32.Castagnoli)

// header is the head of a file.
type header struct {
	kind          fileKind
	flags         uint8
	number        uint64
	generation    uint64
	salt          uint32
	cluster, name string
}

func appendHeader(b []byte, h *header) []byte {
	at := len(b)
	b = append(b, magic...)
	b = binary.LittleEndian.AppendUint16(b, version)
	b = append(b, byte(h.kind), h.flags)
	b = binary.LittleEndian.AppendUint64(b, h.number)
	b = binary.LittleEndian.AppendUint64(b, h.generation)
	b = binary.LittleEndian.AppendUint32(b, h.salt)
	b = append(b, byte(len(h.cluster)), byte(len(h.name)))
	b = append(append(b, h.cluster...), h.name...)
	return binary.LittleEndian.AppendUint32(b, crc32.Checksum(b[at:], crcTable))
}

var errHead = errors.New("its head is damaged")

// versionError is a file of a later version of the format.
type versionError uint16

func (v versionError) Error() string {
	return fmt.Sprintf("it has format %d, and this program knows %d", uint16(v), version)
}

// parseHeader reads the head of a file, and how long it is.
func parseHeader(b []byte) (h header, n int, err error) {
	if len(b) < fileHead+4 || string(b[:8]) != magic {
		return h, 0, errHead
	}
	cluster, name := int(b[fileHead-2]), int(b[fileHead-1])
	n = fileHead + cluster + name
	if len(b) < n+4 || binary.LittleEndian.Uint32(b[n:]) != crc32.Checksum(b[:n], crcTable) {
		return h, 0, errHead
	}
	if v := binary.LittleEndian.Uint16(b[8:]); v != version { // heads stay as they are
		return h, 0, versionError(v)
	}
	return header{
		kind: fileKind(b[10]), flags: b[11],
		number: binary.LittleEndian.Uint64(b[12:]), generation: binary.LittleEndian.Uint64(b[20:]),
		salt:    binary.LittleEndian.Uint32(b[28:]),
		cluster: string(b[fileHead : fileHead+cluster]), name: string(b[fileHead+cluster : n]),
	}, n + 4, nil
}

// seal fills the head of a block, which is b from its head on.
func seal(b []byte, salt uint32, kind blockKind, wall time.Time) {
	h, body := b[:blockHead], b[blockHead:]
	binary.LittleEndian.PutUint32(h[4:], crc32.Update(salt, crcTable, body))
	binary.LittleEndian.PutUint32(h[8:], uint32(len(body)))
	binary.LittleEndian.PutUint32(h[12:], uint32(kind))
	binary.LittleEndian.PutUint64(h[16:], uint64(wall.UnixNano()))
	binary.LittleEndian.PutUint32(h, crc32.Update(salt, crcTable, h[4:]))
}

// appendBlock appends a block whose body append writes.
func appendBlock(b []byte, salt uint32, kind blockKind, wall time.Time, body func(b []byte) []byte) []byte {
	at := len(b)
	b = body(append(b, make([]byte, blockHead)...))
	seal(b[at:], salt, kind, wall)
	return b
}

// block is a block that was read.
type block struct {
	kind blockKind
	wall int64 // Unix nanoseconds
	body []byte
}

// blocks reads the blocks of a file that is b, after its head.
type blocks struct {
	b       []byte
	salt    uint32
	at      int
	damaged int // bytes that are no block, with blocks behind them
	torn    int // bytes that are no block, at the end
	first   int // where the first of them is; -1: none
}

func newBlocks(b []byte, salt uint32, at int) blocks {
	return blocks{b: b, salt: salt, at: at, first: -1}
}

// next finds the next block; false at the end. What is no block is passed over, and counted.
func (s *blocks) next(out *block) bool {
	from := s.at
	for s.at+blockHead <= len(s.b) {
		h := s.b[s.at : s.at+blockHead]
		if binary.LittleEndian.Uint32(h) != crc32.Update(s.salt, crcTable, h[4:]) {
			s.at++ // look for the next head
			continue
		}
		size := int(binary.LittleEndian.Uint32(h[8:]))
		end := s.at + blockHead + size
		if size > bodyMax || end > len(s.b) || binary.LittleEndian.Uint32(h[4:]) != crc32.Update(s.salt, crcTable, s.b[s.at+blockHead:end]) {
			s.at++ // not end: a damaged body may hide where the next one begins
			continue
		}
		if s.at > from {
			s.damaged += s.at - from
			s.note(from)
		}
		*out = block{blockKind(binary.LittleEndian.Uint32(h[12:])), int64(binary.LittleEndian.Uint64(h[16:])), s.b[s.at+blockHead : end : end]}
		s.at = end
		return true
	}
	if s.torn = len(s.b) - from; s.torn > 0 {
		s.note(from)
	}
	s.at = len(s.b)
	return false
}

func (s *blocks) note(at int) {
	if s.first < 0 {
		s.first = at
	}
}

// position is how far a member's log goes.
type position struct {
	generation, seq, floor uint64
	left                   bool // it says that it leaves, or said so
}

func appendPosition(b []byte, p *position) []byte {
	b = binary.LittleEndian.AppendUint64(b, p.generation)
	b = binary.LittleEndian.AppendUint64(b, p.seq)
	b = binary.LittleEndian.AppendUint64(b, p.floor)
	if p.left {
		return append(b, 1)
	}
	return append(b, 0)
}

func parsePosition(b []byte) (p position, ok bool) {
	if len(b) < 25 {
		return p, false
	}
	return position{
		binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:]), binary.LittleEndian.Uint64(b[16:]), b[24] != 0,
	}, true
}
