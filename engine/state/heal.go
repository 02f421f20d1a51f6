package state

import (
	"sync/atomic"

	"github.com/dgryski/go-farm"

	"github.com/quidnunc/quidnunc/codec"
)

// Two replicas that hold the same prefix of an origin, both level, hold the same entries, byte by
// byte, but for deletes up to the floor, which each clears in its own time. Where they do not,
// memory was damaged or somebody has a bug. Contents sums up a part of a log so that such a
// difference shows, and Heal mends it towards the owner.

// Contents sums up a part of an origin's log as Interval does, contents too: all entries but
// deletes up to the floor.
func (s *Store) Contents(o Origin, part *codec.IntervalPull, b *Budget) codec.Interval {
	floor := s.rec(o).floor
	return s.sumUp(o, part, b, func(v uint64, ref cellRef) (uint64, int, bool) {
		if s.bygone(ref, floor) {
			return 0, 0, false
		}
		return contentPrint(v, s.cells.at(ref)), s.hashed(ref), true
	})
}

// bygone tells whether a cell is a delete up to the floor.
func (s *Store) bygone(ref cellRef, floor uint64) bool {
	b := s.cells.at(ref)
	return cellFlags(b)&codec.EntryTombstone != 0 && cellVersion(b) <= floor
}

// hashed is what hashing a cell takes, in words of a log.
func (s *Store) hashed(ref cellRef) int {
	n := cellKeyValue(s.cells.at(ref))
	return 4 + int(n>>16+n&0xffff)>>5
}

// contentPrint is a hash of all that replicas hold alike of the entry of a version.
func contentPrint(v uint64, b []byte) uint64 {
	at, key, value := cellSizes(b)
	flags, more := cellFlags(b), uint64(0)
	if flags != 0 {
		flags, more = optionalPrint(b)
	}
	return mix(farm.Fingerprint64(b[at:at+key+value])^mix(v<<8|uint64(flags))^mix(uint64(key))) + more
}

// optionalPrint is for contentPrint: what few entries have beside key and value.
func optionalPrint(b []byte) (flags codec.EntryFlags, print uint64) {
	var e codec.Entry
	readCell(b, &e, 0)
	Bare(&e)
	return e.Flags, mix(uint64(e.TTL)<<8|uint64(e.Kind)) + mix(uint64(e.Stamp)) + mix(uint64(e.Lease)<<8|uint64(e.Rest))
}

// Healed is what became of a part of a log that was held against the owner's entries.
type Healed struct {
	To      uint64 // all is compared up to here
	Missing int    // entries that were not here, or an older one of their key
	Damaged int    // entries that had other contents
	Removed int    // entries up to the floor that the owner has no more
	Foreign int    // entries that the owner does not have, beyond what may have been deleted
	Refused int    // entries that there was no room for
	First   uint64 // the lowest version with something of this; 0: none
	Alien   uint64 // the lowest version of something that stood here, and not so at the owner; 0: none
	evicts  bool   // the foreign ones go, too
}

// Mended is how many keys changed.
func (h *Healed) Mended() int {
	if h.evicts {
		return h.Missing + h.Damaged + h.Removed + h.Foreign
	}
	return h.Missing + h.Damaged + h.Removed
}

// found notes a version with a difference, alien one that was not so at the owner.
func (h *Healed) found(v uint64) { h.First = lower(h.First, v) }

func (h *Healed) alien(v uint64) { h.Alien = lower(h.Alien, v) }

func lower(first, v uint64) uint64 {
	if first == 0 {
		return v
	}
	return min(first, v)
}

// healMost bounds the entries of one part: a frame has not more.
const healMost = 512

// Heal makes a part of an origin's log what its owner holds there: r has all of it, and is as old
// as what is here. Keys that the owner does not have go if they are below the floor, where their
// deletes may have been collected; others only if they are not the owner's for sure, because its
// checkpoint leaves them out (evict).
func (s *Store) Heal(o Origin, r *codec.Run, it *codec.RunIter, evict bool) (h Healed) {
	rec := s.at(o)
	h.evicts = evict
	if h.To = r.From; rec == nil {
		return h
	}
	var theirs [healMost]uint64
	var e codec.Entry
	n := 0
	h.To = r.To
	for it.Reset(r); it.Next(&e); n++ {
		if n == healMost {
			h.To = theirs[n-1]
			break
		}
		theirs[n] = e.Version
		if e.Flags&codec.EntryTombstone == 0 || e.Version > rec.floor {
			s.heal(o, rec, &e, &h)
		}
	}
	s.dropOthers(o, rec, r.From, theirs[:n], &h)
	s.show(rec)
	return h
}

// ailment is what is wrong with an entry.
type ailment uint8

const (
	sound ailment = iota
	missing
	damaged
	foreign
)

// heal makes one entry what it is at the owner.
func (s *Store) heal(o Origin, r *origin, e *codec.Entry, h *Healed) {
	if check(e) != OK {
		h.Refused++
		return
	}
	var w write
	s.begin(&w, r.tag, e)
	was := s.examine(&w, r, e)
	if was == foreign && h.evicts {
		h.Foreign += s.evict(&w, o, r, e, h)
		was = s.examine(&w, r, e)
	}
	if was != sound {
		h.found(e.Version)
	}
	switch {
	case was == sound:
	case was == foreign:
		h.Foreign++
	case !s.treat(&w, o, r, e, was):
		h.Refused++ // it is compared again
	case was == damaged:
		h.alien(e.Version)
		h.Damaged++
	default:
		h.Missing++
	}
}

// examine finds out what is wrong with an entry, and what is here in its place.
func (s *Store) examine(w *write, r *origin, e *codec.Entry) ailment {
	w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	w.was = held{}
	there := s.cellAt(r, e.Version)
	if w.old == 0 && there != 0 { // if its key was damaged, the index has it where it was
		if w.t, w.at = s.keys.find(w.frag, uint32(there)); w.t == nil {
			return foreign
		}
		w.old = there
	}
	if w.old == 0 {
		return missing
	}
	b := s.cells.at(w.old)
	w.was = heldBy(b)
	switch {
	case w.old == there && holdsAll(b, e):
		return sound
	case w.old == there:
		return damaged
	case there != 0 || cellVersion(b) >= e.Version:
		return foreign
	}
	return missing
}

// evict drops what stands in the way of an entry of the owner's: another key under its version, and
// a form of its key that is newer than the owner's newest.
func (s *Store) evict(w *write, o Origin, r *origin, e *codec.Entry, h *Healed) (gone int) {
	if there := s.cellAt(r, e.Version); there != 0 && there != w.old && s.indexed(r, there) {
		s.drop(o, r, there)
		h.alien(e.Version)
		gone++
	}
	if _, _, old := s.findKey(r.tag, w.frag, e.Key); old != 0 && cellVersion(s.cells.at(old)) > e.Version {
		h.alien(cellVersion(s.cells.at(old)))
		s.drop(o, r, old)
		gone++
	}
	atomic.AddUint64(&r.lost, uint64(gone))
	return gone
}

// indexed tells whether the index has a cell where its key says: one whose key was damaged is
// elsewhere.
func (s *Store) indexed(r *origin, cell cellRef) bool {
	b := s.cells.at(cell)
	at, n, _ := cellSizes(b)
	t, _ := s.keys.find(s.hash(r.tag, b[at:at+n]), uint32(cell))
	return t != nil
}

// treat writes an entry in the place of what is here. False: there is no room.
func (s *Store) treat(w *write, o Origin, r *origin, e *codec.Entry, was ailment) bool {
	if s.admit(w, o, r) != OK {
		return false
	}
	if w.cell = s.newCell(w.class); w.cell == 0 {
		return false
	}
	if w.old != 0 && !s.keys.holds(w) { // to find room it was moved
		again := *w
		if s.examine(&again, r, e) != was {
			s.cells.release(w.cell)
			return false
		}
		w.t, w.at, w.old = again.t, again.at, again.old
	}
	s.relayed(o, r, e.Version-1, e.Version)
	if was == damaged {
		s.swap(w, o, r, e)
		return true
	}
	return s.put(w, o, r, e)
}

// put makes an entry visible in the middle of a log, also where its word died.
func (s *Store) put(w *write, o Origin, r *origin, e *codec.Entry) bool {
	b := s.cells.at(w.cell)
	s.fillCell(b, r.tag, e)
	pos := s.wordAt(r, e.Version)
	if pos == 0 {
		if s.finish(w, o, r, b) == OK {
			return true
		}
		s.cells.release(w.cell)
		return false
	}
	setCellPos(b, pos)
	seg, _ := s.log.around(pos)
	seg[1]++
	word := s.log.word(pos)
	atomic.StoreUint64(word, *word&^(1<<32-1)|uint64(w.cell))
	if s.keyed.on {
		s.printKey(w, o, r, b)
	}
	s.resum(&s.sums[o], w, b)
	s.count(r, w.is, w.was, w.system)
	if w.old == 0 {
		s.create(w, o, r, b)
	} else {
		s.replace(w, o, r, b)
	}
	s.witnessed(o, b[w.keyAt:][:w.key])
	return true
}

// wordAt is the place of the word of a version, live or dead; 0 if there is none.
func (s *Store) wordAt(r *origin, v uint64) wordRef {
	if r.segments == 0 {
		return 0
	}
	ref := s.segment(r, s.segmentOf(r, v))
	b := s.log.block(ref)
	i := locate(b, v)
	if i == 0 || segVersion(b, i-1) != v {
		return 0
	}
	return ref + wordRef(segHead+i-1)
}

// cellAt is the entry of a version; 0 if none is here.
func (s *Store) cellAt(r *origin, v uint64) cellRef {
	pos := s.wordAt(r, v)
	if pos == 0 {
		return 0
	}
	return cellRef(*s.log.word(pos))
}

// holdsAll tells whether a cell holds all of an entry but its age.
func holdsAll(b []byte, e *codec.Entry) bool {
	var is codec.Entry
	readCell(b, &is, 0)
	want := *e
	Bare(&is)
	Bare(&want)
	return is.Version == want.Version && is.Flags == want.Flags && is.TTL == want.TTL && is.Kind == want.Kind && is.Stamp == want.Stamp &&
		is.Lease == want.Lease && is.Rest == want.Rest && string(is.Key) == string(want.Key) && string(is.Value) == string(want.Value)
}

// dropOthers drops what the owner does not have, as far as it may have been deleted.
func (s *Store) dropOthers(o Origin, r *origin, from uint64, theirs []uint64, h *Healed) {
	var gone dropList
	b := Budget{Drops: mendDrops}
	i := 0
	s.eachWord(r, from, func(v uint64, cell cellRef) bool {
		if v > h.To {
			return false
		}
		for i < len(theirs) && theirs[i] < v {
			i++
		}
		switch {
		case cell == 0, i < len(theirs) && theirs[i] == v, s.bygone(cell, r.floor):
		case v > r.floor && !h.evicts:
			h.Foreign++
			h.found(v)
			h.alien(v)
		default:
			if !gone.add(v, cell, &b) {
				return false
			}
			h.found(v)
			h.alien(v)
			if v > r.floor {
				h.Foreign++
			} else {
				h.Removed++
			}
		}
		return true
	})
	for _, cell := range gone.cells[:gone.n] {
		s.drop(o, r, cell)
	}
	if gone.full {
		h.To = gone.last
	}
	atomic.AddUint64(&r.lost, uint64(gone.n))
}
