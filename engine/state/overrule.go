package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// Stood is what stood under the version of an entry that its owner sent.
type Stood uint8

// What may stand there.
const (
	Nothing Stood = iota // or the same
	Former               // something that was overwritten since
	Alien                // another key, or another value: somebody else wrote it
)

// Overrule is ApplyAny for an entry that its owner itself sent, above the floor: whatever else
// stands under its version goes, and a version that something else took, and left, is free.
func (s *Store) Overrule(o Origin, e *codec.Entry) (st Status, was Stood) {
	r := s.at(o)
	switch {
	case r == nil:
		return NoOrigin, Nothing
	case e.Version > r.last:
		return s.ApplyAny(o, e), Nothing
	}
	if st = check(e); st != OK {
		return st, Nothing
	}
	s.putOff(sweepCells)
	var w write
	s.begin(&w, r.tag, e)
	if s.wordAt(r, e.Version) != 0 {
		was = Former
	}
	if there := s.cellAt(r, e.Version); there != 0 && !cellIs(s.cells.at(there), r.tag, e.Key) && s.indexed(r, there) {
		s.drop(o, r, there)
		atomic.AddUint64(&r.lost, 1)
		was = Alien
	}
	switch is := s.examine(&w, r, e); {
	case is == sound, is == foreign:
		st = Old
	case !s.treat(&w, o, r, e, is):
		st = Full
	case is == damaged:
		was = Alien
	default:
		s.brought(o, r, e.Version-1, e.Version)
	}
	s.show(r)
	if st == Old && was == Former {
		was = Nothing
	}
	return st, was
}
