package engine

import (
	"hash/maphash"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/engine/state"
)

// heldWrites is what readers need to know of own writes that wait for the rate of this member. What
// is written again while it waits keeps its place, so its newest value comes under a version that
// readers may have seen with an older one. Once the others are told of a version, it says the same
// for ever.
type heldWrites struct {
	to       atomic.Uint64 // the others are told of all up to this version
	replaced atomic.Uint64 // the version that the last write was given that is kept under a lower one
}

// waiting returns what tells of a member's entries whether they are own ones that the others are
// not told of.
func (e *Engine) waiting(name string) func(m *state.Meta) bool {
	if name != e.cfg.Name {
		return func(*state.Meta) bool { return false }
	}
	gen, to := e.stage.last().Gen, e.held.to.Load()
	return func(m *state.Meta) bool { return m.Gen == gen && m.Version > to }
}

var sumSeed = maphash.MakeSeed()

// sumOf is a sum over what an own write says; never 0.
func sumOf(value []byte, m *Meta) uint64 {
	return maphash.Bytes(sumSeed, value) ^ maphash.Comparable(sumSeed, [2]uint64{uint64(m.TTL), uint64(m.Lease)}) | 1
}
