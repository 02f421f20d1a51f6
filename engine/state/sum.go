package state

import "github.com/quidnunc/quidnunc/codec"

// An owner says from time to time what its log sums up to, contents too. Whoever holds as much of
// it, and all of it, must have the same sum. A sum costs one hash for each entry that is new since
// the last one, and one for each that was part of it and is not any more: nothing where nobody
// asks, and little where keys are written again and again.

// summed is what the entries of an origin up to a version sum up to, deletes left out, and how
// often one of them became another one or went while the log did not go on.
type summed struct{ to, sum, edits uint64 }

const summedBytes = 24

// Sum sums up an origin up to Max: a hash of version, key, value and all else but the age of each
// entry that is no delete. False: the budget is used up, and the next call goes on.
func (s *Store) Sum(o Origin, b *Budget) (sum uint64, done bool) {
	r, x := s.rec(o), &s.sums[o]
	top := x.to
	s.eachWord(r, x.to, func(v uint64, ref cellRef) bool {
		if v > r.max || b.Words <= 0 {
			return false
		}
		b.Words--
		if top = v; ref != 0 {
			b.Words -= s.hashed(ref)
			x.sum += s.livePrint(s.cells.at(ref))
		}
		return true
	})
	if done = b.Words > 0; done {
		top = r.max
	}
	x.to = top
	return x.sum, done
}

// Unsum forgets the sum of an origin: the next one begins anew. What was changed in memory behind
// the store's back is part of the old one.
func (s *Store) Unsum(o Origin) { s.sums[o] = summed{edits: s.sums[o].edits + 1} }

// unsum makes a place for the sum of a new origin.
func (s *Store) unsum(o Origin) {
	for int(o) >= len(s.sums) {
		s.sums = append(grow(s.sums), summed{})
	}
	for int(o) >= len(s.proven) {
		s.proven = append(grow(s.proven), proven{})
	}
	s.proven[o] = proven{}
	s.Unsum(o)
}

// grow makes room for one more of what is kept of each origin, and for few beyond that.
func grow[T any](list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	return append(make([]T, 0, len(list)+max(growLeast, len(list)/growPart)), list...)
}

const growLeast, growPart = 16, 16

// Edits counts what changed of that which was summed up, but by the log going on. If neither Max
// nor this is another number than it was, the entries that live are what they were when Sum was
// done.
func (s *Store) Edits(o Origin) uint64 { return s.sums[o].edits }

// livePrint is what an entry adds to a sum.
func (s *Store) livePrint(b []byte) uint64 {
	if cellFlags(b)&codec.EntryTombstone != 0 {
		return 0
	}
	return contentPrint(cellVersion(b), b)
}

// resum notes in a sum that the cell b takes the place of the old one of a write, if any.
func (s *Store) resum(x *summed, w *write, b []byte) {
	if w.old != 0 {
		if old := s.cells.at(w.old); cellVersion(old) <= x.to {
			x.sum -= s.livePrint(old)
		}
	}
	if w.version <= x.to {
		x.sum += s.livePrint(b)
		x.edits++
	}
}

// Ends says that the log of an origin ends at Max, as its owner says itself just now, whatever
// others said of it.
func (s *Store) Ends(o Origin) {
	if r := s.at(o); r != nil {
		r.ahead = r.max
	}
}
