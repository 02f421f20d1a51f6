package precise

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// sortedMax is how many keys of one origin are sorted at a time. Of an origin
// with more, the log is walked once for each so many keys.
const sortedMax = 1024

// held is what the replica holds of one key. The key is a view, good until the
// next write.
type held struct {
	key     []byte
	version uint64
	stamp   int64
}

// place is the first bytes of a key, by which most comparisons are decided, and
// where the rest is.
type place struct {
	prefix uint64
	at     uint32
}

// keys walks an origin's entries in the order of their keys: the log has them
// in the order of versions. It is the scratch of a whole engine.
type keys struct {
	store  *state.Store
	origin state.Origin
	top    uint64 // entries above it are not shown
	found  []held // in the order of the log
	spare  []held
	sorted []place
	next   int
	more   bool // there are keys behind the last sorted one
	cursor state.Cursor
	entry  codec.Entry
}

func (k *keys) init(s *state.Store) {
	k.store = s
	k.found, k.sorted = make([]held, 0, 2*sortedMax), make([]place, 0, 2*sortedMax)
	k.spare = make([]held, 0, 2*sortedMax)
}

// start goes before the first key of the origin that is above after. Versions
// above top are not shown.
func (k *keys) start(o state.Origin, top uint64, after []byte) {
	k.origin, k.top = o, top
	k.gather(after)
}

// peek gives the next key without taking it; false at the end.
func (k *keys) peek() (*held, bool) {
	if k.next == len(k.sorted) {
		if !k.more {
			return nil, false
		}
		k.gather(k.found[k.sorted[k.next-1].at].key)
		return k.peek()
	}
	return &k.found[k.sorted[k.next].at], true
}

func (k *keys) take() { k.next++ }

// gather sorts the first keys above after. An empty key is nowhere: no engine
// writes one.
func (k *keys) gather(after []byte) {
	k.found, k.sorted, k.next, k.more = k.found[:0], k.sorted[:0], 0, false
	var bound []byte
	k.store.After(k.origin, 0, &k.cursor)
	for k.cursor.Next(&k.entry) && k.entry.Version <= k.top {
		e := &k.entry
		if bytes.Compare(e.Key, after) <= 0 {
			continue
		}
		if k.more && bytes.Compare(e.Key, bound) >= 0 {
			continue
		}
		k.sorted = append(k.sorted, place{prefixOf(e.Key), uint32(len(k.found))})
		k.found = append(k.found, held{e.Key, e.Version, e.Stamp})
		if len(k.found) == cap(k.found) {
			k.sort()
			k.halve()
			bound, k.more = k.found[len(k.found)-1].key, true
		}
	}
	k.sort()
	if len(k.sorted) > sortedMax {
		k.halve()
		k.more = true
	}
}

// halve keeps the first half, in order.
func (k *keys) halve() {
	k.spare = k.spare[:0]
	for i := range k.sorted[:sortedMax] {
		p := &k.sorted[i]
		k.spare = append(k.spare, k.found[p.at])
		p.at = uint32(i)
	}
	k.found, k.spare, k.sorted = k.spare, k.found, k.sorted[:sortedMax]
}

func (k *keys) sort() {
	slices.SortFunc(k.sorted, func(a, b place) int {
		if a.prefix != b.prefix {
			return cmp.Compare(a.prefix, b.prefix)
		}
		return bytes.Compare(k.found[a.at].key, k.found[b.at].key)
	})
}

// prefixOf is the first 8 bytes of a key as a number of the same order.
func prefixOf(key []byte) uint64 {
	if len(key) >= 8 {
		return binary.BigEndian.Uint64(key)
	}
	var b [8]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}
