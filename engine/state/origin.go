package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// Origin is the handle of a (name, generation) pair within one store: small numbers from 1, 0 is
// none. The handle of an origin that was removed is given out again.
type Origin uint32

// origin is the record of one origin. The writer writes it; readers look at id, gen, floor, lost,
// name, tag and view, of which name and tag do not change while they can.
type origin struct {
	id       uint64 // codec.OriginID
	gen      uint64
	max      uint64 // every live key with a version up to here is here
	floor    uint64 // tombstones up to here may have been collected
	last     uint64 // version of the last word of the log
	view     uint64 // what readers see of the log
	ahead    uint64 // highest max of those whose runs were taken
	lost     uint64 // keys that went without a tombstone, since they should not have been here
	cleared  uint64 // no tombstone up to here is left; at most floor
	bytes    uint64
	name     cellRef
	tag      uint32  // handle and, in the high bits, how often it was used before
	tail     wordRef // last segment
	dir      wordRef // directory of segments when there are two or more
	segments uint32
	entries  uint32
	live     uint32
	older    Origin // the next lower generation of the same name; of a record not in use: the next such one
	held     uint32 // granules of 8 bytes of the cells of its entries
	toClear  Origin // the next origin with tombstones to collect
	clearing bool   // it is in that list
	here     bool
	shelved  bool // removed, and its entries stay until Discard
	dirty    bool
	system   uint8  // of live, those with a reserved key
	echoes   bool   // removed, and readers see it still: echo.go
	doubts   uint16 // how often it became dirty; words that readers load stay aligned on 32-bit systems
}

const (
	originChunkBits = 5 // records in a chunk, as a power of two
	originBytes     = 128
	storeBytes      = 1 << 13
	reuseShift      = 21
)

type originChunk [1 << originChunkBits]origin

// Handles is how many handles there may be: more than origins, because those of removed origins
// rest for a while.
func (l Limits) Handles() int { return l.Origins + l.Origins/8 + 64 }

// at returns the record of a handle, or nil if it is not one of an origin.
func (s *Store) at(o Origin) *origin {
	if o == 0 || uint32(o) > s.made {
		return nil
	}
	r := s.rec(o)
	if !r.here {
		return nil
	}
	return r
}

// rec returns the record of a handle that is known to be good.
func (s *Store) rec(o Origin) *origin {
	i := uint32(o - 1)
	return &s.origins[i>>originChunkBits][i&(1<<originChunkBits-1)]
}

// Add makes a new origin with nothing known of it: max 0, floor 0. The name is copied. Exists comes
// with its handle.
func (s *Store) Add(id codec.OriginID, gen uint64, name []byte) (Origin, Status) {
	if id == 0 || len(name) == 0 {
		return 0, Invalid
	}
	if len(name) > codec.NameBytesMax {
		return 0, TooLarge
	}
	if o := s.Find(id); o != 0 {
		return o, Exists
	}
	if s.order.len() >= s.limits.Origins {
		s.TurnAway(true)
		return 0, TooMany
	}
	o := s.take()
	if o == 0 {
		s.TurnAway(true)
		return 0, TooMany
	}
	cell := s.newCell(classOfName(len(name)))
	if cell == 0 {
		s.giveBack(uint64(retiredOrigin) | uint64(o))
		return 0, Full
	}
	b := s.cells.at(cell)
	b[0] = uint8(len(name))
	copy(b[1:], name)
	r := s.rec(o)
	*r = origin{
		id: uint64(id), gen: gen, name: cell, tag: r.tag + 1<<reuseShift, here: true,
		toClear: r.toClear, clearing: r.clearing, // it may still be in that list
	}
	s.addName(o, r, name)
	s.addID(o, r)
	s.fold(r, r.print())
	s.keyed.add(o, r.id)
	s.unsum(o)
	return o, OK
}

// addID makes the origin known by its identifier.
func (s *Store) addID(o Origin, r *origin) {
	frag := s.hashID(r.id)
	s.ids.reserve(frag)
	s.ids.insert(frag, uint32(o))
	s.order.add(codec.OriginID(r.id), o)
}

func (s *Store) removeID(o Origin, r *origin) {
	s.ids.remove(s.hashID(r.id), uint32(o))
	s.order.remove(codec.OriginID(r.id))
}

// take returns a handle that is not in use, or 0 if all that there may be are in use or rest.
func (s *Store) take() Origin {
	if o := s.freed; o != 0 {
		s.freed = s.rec(o).older
		return o
	}
	if int(s.made) == s.limits.Handles() {
		s.sweep(retiredBatch)
		s.reclaim(retiredBatch)
		return 0
	}
	if chunk := s.made >> originChunkBits; s.origins[chunk] == nil {
		s.origins[chunk] = new(originChunk)
	}
	s.made++
	s.rec(Origin(s.made)).tag = s.made
	return Origin(s.made)
}

// addName links the origin among those of its name, highest generation first.
func (s *Store) addName(o Origin, r *origin, name []byte) {
	frag := s.hash(0, name)
	s.names.reserve(frag)
	t, i, head := s.findName(frag, name)
	if head == 0 {
		s.names.insert(frag, uint32(o))
		return
	}
	if h := s.rec(head); h.gen < r.gen {
		r.older = head
		t.replace(i, frag, uint32(o))
		return
	}
	prev := s.rec(head)
	for prev.older != 0 && s.rec(prev.older).gen >= r.gen {
		prev = s.rec(prev.older)
	}
	r.older, prev.older = prev.older, o
}

// removeName unlinks the origin from those of its name.
func (s *Store) removeName(o Origin, r *origin) {
	frag := s.hash(0, s.Name(o))
	t, i, head := s.findName(frag, s.Name(o))
	if head != o {
		prev := s.rec(head)
		for prev.older != o {
			prev = s.rec(prev.older)
		}
		prev.older = r.older
		return
	}
	if r.older != 0 {
		t.replace(i, frag, uint32(r.older))
		return
	}
	s.names.remove(frag, uint32(o))
}

func (s *Store) findName(frag uint32, name []byte) (t *table, i int, o Origin) {
	t = s.names.table(frag)
	for i = t.home(frag); ; i++ {
		var ref uint32
		if i, ref = t.next(i, frag); ref == 0 || string(s.Name(Origin(ref))) == string(name) {
			return t, i, Origin(ref)
		}
	}
}

// Remove forgets an origin and all of its entries. Their memory is used again after a while: see
// Tidy. So is the handle. A Witness may keep the entries for a time.
func (s *Store) Remove(o Origin) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	s.setDirty(r, false)
	s.fold(r, -r.print())
	s.resound(o, r)
	s.keyed.remove(o, r.id)
	s.removeName(o, r)
	s.removeID(o, r)
	s.entries -= int(r.entries)
	s.live -= int(r.live)
	s.system -= int(r.system)
	s.bytes -= int(r.bytes)
	r.here, r.older = false, 0
	s.closeHole(o, r)
	s.Open()
	r.shelved = true
	if s.witness == nil || !s.witness.Removed(o) {
		if r.shelved = false; !r.echoes {
			s.dies(o, r)
		}
	}
	return OK
}

// dies puts a removed origin among those whose entries are swept.
func (s *Store) dies(o Origin, r *origin) {
	r.older, s.dying = s.dying, o
	s.sweep(sweepCells)
}

// Rename gives an origin another identifier and generation and keeps its entries, their versions
// and its handle: the owner goes on under a new generation. O(1), but for the place in the sorted
// order.
func (s *Store) Rename(o Origin, id codec.OriginID, gen uint64) Status {
	r := s.at(o)
	switch {
	case r == nil:
		return NoOrigin
	case id == 0:
		return Invalid
	case s.Find(id) != 0:
		return Exists
	}
	s.fold(r, -r.print())
	s.keyed.remove(o, r.id)
	s.removeID(o, r)
	stays := s.FindName(s.Name(o)) == o && (r.older == 0 || s.rec(r.older).gen < gen) // so readers never miss the name
	if !stays {
		s.removeName(o, r)
	}
	atomic.StoreUint64(&r.id, uint64(id))
	atomic.StoreUint64(&r.gen, gen)
	if !stays {
		r.older = 0
		s.addName(o, r, s.Name(o))
	}
	s.addID(o, r)
	s.fold(r, r.print())
	s.keyed.rename(o, r.id)
	return OK
}

// Find returns the origin of the identifier, or 0. Readers use it too.
func (s *Store) Find(id codec.OriginID) Origin {
	frag := s.hashID(uint64(id))
	t := s.ids.table(frag)
	for i := t.home(frag); ; i++ {
		var ref uint32
		if i, ref = t.next(i, frag); ref == 0 || atomic.LoadUint64(&s.rec(Origin(ref)).id) == uint64(id) {
			return Origin(ref)
		}
	}
}

// FindName returns the origin of the name with the highest generation, or 0. Readers use it too.
func (s *Store) FindName(name []byte) Origin {
	_, _, o := s.findName(s.hash(0, name), name)
	return o
}

// Tag is a number for an origin that no other one gets before its handle was used 2,048 times, and
// that Rename does not change.
func (s *Store) Tag(o Origin) uint32 { return s.rec(o).tag }

// originOf is the handle in a tag.
func originOf(tag uint32) Origin { return Origin(tag & (1<<reuseShift - 1)) }

// Tagged returns the origin with a tag, 0 if it was removed.
func (s *Store) Tagged(tag uint32) Origin {
	o := originOf(tag)
	if r := s.at(o); r == nil || r.tag != tag {
		return 0
	}
	return o
}

// Older returns the origin of the same name with the next lower generation, or 0.
func (s *Store) Older(o Origin) Origin { return s.rec(o).older }

// Len is the number of origins.
func (s *Store) Len() int { return s.order.len() }

// ID returns the identifier of an origin, 0 for a handle that was removed: how a holder of an old
// handle finds out. The questions below answer for nobody or panic then, so ask this first.
func (s *Store) ID(o Origin) codec.OriginID {
	if r := s.rec(o); r.here {
		return codec.OriginID(r.id)
	}
	return 0
}

// Gen returns the generation.
func (s *Store) Gen(o Origin) uint64 { return s.rec(o).gen }

// Name returns the name: a view, valid until the origin is removed.
func (s *Store) Name(o Origin) []byte {
	b := s.cells.at(s.rec(o).name)
	return b[1 : 1+b[0] : 1+b[0]]
}

// Max returns the version up to which every live key is here.
func (s *Store) Max(o Origin) uint64 { return s.rec(o).max }

// Last returns the highest version of any entry that is here; above Max only while a run is being
// applied, and in precise mode.
func (s *Store) Last(o Origin) uint64 { return s.rec(o).last }

// Floor returns the version up to which tombstones may have been collected.
func (s *Store) Floor(o Origin) uint64 { return s.rec(o).floor }

// Dirty tells whether keys may be here that were deleted and whose tombstones were collected before
// they came here.
func (s *Store) Dirty(o Origin) bool { return s.rec(o).dirty }

// Entries returns the number of live entries, tombstones included.
func (s *Store) Entries(o Origin) int { return int(s.rec(o).entries) }

// Keys returns the number of keys that are not deleted.
func (s *Store) Keys(o Origin) int { return int(s.rec(o).live) }

// Bytes returns the bytes of keys and values of the live entries.
func (s *Store) Bytes(o Origin) int { return int(s.rec(o).bytes) }
