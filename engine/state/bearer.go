package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// bearersMax is how many advances a store remembers who brought: one a run, so that the newest
// version of a key that was written in the last of them is found.
const bearersMax = 1 << 10

// bearers is a ring of what came from whom. The writer fills it; readers take no lock: a slot is
// good if it was not used again while they read it.
type bearers struct {
	from codec.OriginID // who brings what is applied now; 0: nobody, it is written here
	made atomic.Uint64  // slots that were filled so far
	ring []advance      // nil: nothing is remembered
}

// advance is versions (after, to] of an origin that came in one run, each word on its own.
type advance struct{ tag, by, after, to atomic.Uint64 }

// KeepBearers makes the store remember, from now on, which member brought a version here: Bearer.
// It is called before there are readers.
func (s *Store) KeepBearers() { s.bearers.ring = make([]advance, bearersMax) }

// brought notes that a run came.
func (x *bearers) brought(tag uint32, after, to uint64) {
	if x.from == 0 || len(x.ring) == 0 || to <= after {
		return
	}
	n := x.made.Load()
	slot := &x.ring[n%bearersMax]
	slot.tag.Store(uint64(tag))
	slot.by.Store(uint64(x.from))
	slot.after.Store(after)
	slot.to.Store(to)
	x.made.Store(n + 1)
}

// Bearer is the name of the member whose frame brought a version of an origin here, by the origin's
// tag; "" for what was written here, and where that is not remembered: of the last 1,024 runs it
// is. It is for readers.
func (s *Store) Bearer(tag uint32, version uint64) (name string) {
	x := &s.bearers
	pin := s.epochs.pin(uint32(version))
	defer pin.Add(-1)
	made := x.made.Load()
	for n := made; n > 0 && n+bearersMax > made+1; n-- { // the oldest may be written just now
		slot := &x.ring[(n-1)%bearersMax]
		if slot.tag.Load() != uint64(tag) || slot.after.Load() >= version || slot.to.Load() < version {
			continue
		}
		id := codec.OriginID(slot.by.Load())
		if x.made.Load() >= n+bearersMax-1 {
			return "" // overwritten while it was read
		}
		if o := s.Find(id); o != 0 {
			name = string(s.Name(o))
		}
		return name
	}
	return ""
}
