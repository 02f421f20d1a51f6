package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// Amend writes the newest form of a key that has an entry above Max, which nobody was told of yet,
// in the place of that entry: under its version, which e is given. So a key that is written again
// while it waits keeps its place. It is Old if there is no such entry, and changes nothing then;
// otherwise it is like Apply.
func (s *Store) Amend(o Origin, e *codec.Entry) Status {
	r := s.at(o)
	if r == nil {
		return NoOrigin
	}
	s.putOff(sweepCells)
	if status := check(e); status != OK {
		return status
	}
	var w write
	s.begin(&w, r.tag, e)
	w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	if w.old == 0 || cellVersion(s.cells.at(w.old)) <= r.max {
		return Old
	}
	if was := s.cells.at(w.old); cellFlags(was)&codec.EntryMore != 0 { // its place is one of a batch
		var old codec.Entry
		readCell(was, &old, s.now)
		e.Flags, e.Rest = e.Flags|codec.EntryMore, old.Rest
		t, at, ref := w.t, w.at, w.old
		s.begin(&w, r.tag, e)
		w.t, w.at, w.old = t, at, ref
	}
	w.version, w.was = cellVersion(s.cells.at(w.old)), heldBy(s.cells.at(w.old))
	if status := s.admit(&w, o, r); status != OK {
		return status
	}
	if w.cell = s.newCell(w.class); w.cell == 0 {
		return Full
	}
	if !s.keys.holds(&w) { // to find room it was moved
		w.t, w.at, w.old = s.findKey(r.tag, w.frag, e.Key)
	}
	e.Version = w.version
	s.swap(&w, o, r, e)
	return OK
}

// swap makes the new cell of a write visible under the version and in the log word of the old one.
func (s *Store) swap(w *write, o Origin, r *origin, e *codec.Entry) {
	b, old := s.cells.at(w.cell), s.cells.at(w.old)
	s.fillCell(b, r.tag, e)
	pos := cellPos(old)
	setCellPos(b, pos)
	if s.keyed.on {
		s.printKey(w, o, r, b)
	}
	s.resum(&s.sums[o], w, b)
	word := s.log.word(pos)
	atomic.StoreUint64(word, *word&^(1<<32-1)|uint64(w.cell))
	s.reveal(w, o, b)
	s.count(r, w.is, w.was, w.system)
	s.retireCell(w.old, cellClass(old))
	s.witnessed(o, e.Key)
}
