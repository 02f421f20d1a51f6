package sim

import (
	"fmt"
	"iter"
	"maps"
	"slices"

	"github.com/dgryski/go-farm"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// history is everything that one author ever wrote under one origin. A renewed
// origin carries on the history of the one before.
type history struct {
	author int
	hash   []uint64        // of each version's entry; 0: not written. Version 0 is nobody's.
	key    []uint32        // and which key it is of
	after  []uint32        // the next version that is live, with shortcuts; see live
	dead   []bool          // and whether it is a delete
	newest []uint32        // by key: its newest version
	gone   []bool          // by key: that is a delete
	told   []uint32        // by key: the version that was published last
	waits  []wait          // by key
	at     []sched.Instant // by version: when it was written
	end    []uint32        // by version: the last of the batch that it is of, or itself
	leases map[uint32]*lease
	keys   map[string]uint32
	twins  []*history // others that were written under the same origin: after amnesia nothing tells them apart
}

func newHistory(author int) *history {
	return &history{
		author: author, keys: map[string]uint32{}, leases: map[uint32]*lease{},
		hash: make([]uint64, 1), key: make([]uint32, 1), after: make([]uint32, 1), dead: make([]bool, 1), at: make([]sched.Instant, 1), end: make([]uint32, 1),
	}
}

// max is the highest version written.
func (h *history) max() uint64 { return uint64(len(h.hash) - 1) }

// skip records versions up to v that say nothing, such as the delete of what is not there.
func (h *history) skip(v uint64) {
	for h.max() < v {
		next := uint32(len(h.hash)) + 1
		h.hash, h.key, h.after, h.dead = append(h.hash, 0), append(h.key, 0), append(h.after, next), append(h.dead, false)
		h.at, h.end = append(h.at, 0), append(h.end, uint32(len(h.end)))
	}
}

// lives tells whether a key was written and not deleted since.
func (h *history) lives(key []byte) bool {
	k, ok := h.keys[string(key)]
	return ok && !h.gone[k]
}

// sorted yields the keys in their order, each with its number.
func (h *history) sorted() iter.Seq2[string, uint32] {
	return func(yield func(string, uint32) bool) {
		for _, key := range slices.Sorted(maps.Keys(h.keys)) {
			if !yield(key, h.keys[key]) {
				return
			}
		}
	}
}

// write records an entry.
func (h *history) write(e *codec.Entry) {
	h.skip(e.Version)
	k, ok := h.keys[string(e.Key)]
	if !ok {
		k = uint32(len(h.newest))
		h.keys[string(e.Key)], h.newest, h.gone, h.told = k, append(h.newest, 0), append(h.gone, false), append(h.told, 0)
	}
	dead := e.Flags&codec.EntryTombstone != 0
	h.gone[k] = dead
	v := uint32(e.Version)
	h.hash[v], h.key[v], h.after[v], h.dead[v] = entryHash(e), k, v, dead
	if old := h.newest[k]; old != 0 && old != v {
		h.after[old] = old + 1
	}
	h.newest[k] = v
}

// live is the first version from v on that nothing has replaced; above max if
// there is none.
func (h *history) live(v uint64) uint64 {
	at := uint32(v)
	for int(at) < len(h.after) && h.after[at] != at {
		if next := h.after[at]; int(next) < len(h.after) {
			h.after[at] = h.after[next] // halve the path
		}
		at = h.after[at]
	}
	return uint64(at)
}

// needed is the first version from v on that nothing has replaced and that a
// replica has to hold: deletes up to the floor may have been collected.
func (h *history) needed(v, floor uint64) uint64 {
	for v = h.live(v); v <= min(floor, h.max()) && h.dead[v]; {
		v = h.live(v + 1)
	}
	return v
}

// entryHash sums up what an author said. What it is of a lease is not: each sender tells how old
// that is as it sees it.
func entryHash(e *codec.Entry) uint64 {
	flags, ttl := e.Flags, e.TTL
	if e.Flags&codec.EntryLeased != 0 {
		flags, ttl = flags&^codec.EntryTTL, 0
	}
	h := farm.Fingerprint64(e.Key)
	h = h*0x9e3779b97f4a7c15 + farm.Fingerprint64(e.Value)
	h ^= uint64(flags)<<48 ^ uint64(ttl) ^ uint64(e.Stamp)*0xbf58476d1ce4e5b9
	h ^= (uint64(e.Lease)<<16 | uint64(e.Kind)<<8 | uint64(e.Rest)) * 0x94d049bb133111eb
	return max(1, h)
}

// Violation is a law that was broken.
type Violation struct {
	At   sched.Instant // virtual time since the start
	Law  string        // short name: what a shrunk run must break too
	Text string
}

// Error says when and what.
func (v *Violation) Error() string {
	return fmt.Sprintf("%s: %s (at %v)", v.Law, v.Text, clock(v.At))
}
