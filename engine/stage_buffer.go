package engine

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// stageBuffer is a log of records with an index by key. The index holds
// (epoch, offset + 1) words, so that emptying it is one increment.
type stageBuffer struct {
	log   []byte
	used  int
	count int
	last  uint64 // version of the newest record
	index []uint64
	epoch uint32

	charged charge        // what its records may take of the store
	whole   charge        // what those that were not read yet would take if they replaced nothing
	deletes int           // among its records
	since   sched.Instant // when the first record with a time to live was staged; 0: there is none
}

func (b *stageBuffer) init(bytes int) {
	b.log = make([]byte, bytes)
	n := 64
	for n < bytes/stageRecord {
		n <<= 1
	}
	b.index = make([]uint64, n)
	b.epoch = 1
}

func (b *stageBuffer) reset() {
	b.used, b.count, b.charged, b.whole, b.deletes, b.since = 0, 0, charge{}, charge{}, 0, 0
	b.epoch++
	if b.epoch == 0 { // wrapped: old words would look new
		clear(b.index)
		b.epoch = 1
	}
}

// keyText is a key, which callers have as a string and the loop as bytes: neither copies it.
type keyText interface{ string | []byte }

// find returns the place of key in the index and, if it is there, the offset
// of its newest record.
func find[K keyText](b *stageBuffer, hash uint64, key K) (slot, offset int, ok bool) {
	mask := len(b.index) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		w := b.index[i]
		if uint32(w>>32) != b.epoch {
			return i, 0, false
		}
		offset = int(uint32(w)) - 1
		if at := offset + recordHead; int(binary.LittleEndian.Uint16(b.log[offset+16:])) == len(key) && string(b.log[at:at+len(key)]) == string(key) {
			return i, offset, true
		}
	}
}

// fits reports whether so many more records have room, of so many bytes of keys and
// values. The index stays a quarter empty, so that find ends soon.
func (b *stageBuffer) fits(records, bytes int) bool {
	return b.used+records*recordHead+bytes <= len(b.log) && b.count+records <= len(b.index)*3/4
}

// appendRecord stages a write of a key. One of a batch is never left out for a later one of its
// key: whoever shows the rest of the batch shows it too.
func appendRecord[K keyText](b *stageBuffer, hash uint64, version uint64, w *stagedWrite, key K) {
	slot, old, ok := find(b, hash, key)
	class := w.class
	if ok && b.log[old+19]>>recordBatch == 0 {
		b.log[old+19] |= recordDead
		class = class.With(tune.Class(b.log[old+18] >> recordClass))
	}
	at := b.used
	h := b.log[at : at+recordHead]
	binary.LittleEndian.PutUint64(h, version)
	binary.LittleEndian.PutUint32(h[8:], w.ttl)
	binary.LittleEndian.PutUint32(h[12:], uint32(len(w.value)))
	binary.LittleEndian.PutUint16(h[16:], uint16(len(key)))
	h[18], h[19] = w.op|uint8(class)<<recordClass, w.batch<<recordBatch
	n := copy(b.log[at+recordHead:], key)
	copy(b.log[at+recordHead+n:], w.value)
	b.used = at + recordHead + len(key) + len(w.value)
	b.count++
	b.last = version
	b.index[slot] = uint64(b.epoch)<<32 | uint64(at+1)
}

// waited is how long its records have waited, at most, in milliseconds: begun ones do not
// count.
func (b *stageBuffer) waited(now sched.Instant) uint32 {
	if b.since == 0 {
		return 0
	}
	return uint32(min(max(now-b.since, 0)/sched.Millisecond, 1<<32-1))
}

// at reads the record at an offset and returns the offset of the next.
func (b *stageBuffer) at(offset int, r *record) (next int) {
	h := b.log[offset : offset+recordHead]
	r.version = binary.LittleEndian.Uint64(h)
	r.ttl = binary.LittleEndian.Uint32(h[8:])
	values := int(binary.LittleEndian.Uint32(h[12:]))
	keys := int(binary.LittleEndian.Uint16(h[16:]))
	r.op, r.class = h[18]&(1<<recordClass-1), tune.Class(h[18]>>recordClass)
	r.batch, r.dead = h[19]>>recordBatch, h[19]&recordDead != 0
	offset += recordHead
	r.key = b.log[offset : offset+keys : offset+keys]
	offset += keys
	r.value = b.log[offset : offset+values : offset+values]
	return offset + values
}
