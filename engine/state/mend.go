package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// A replica that slept below a floor is dirty: it may hold keys whose deletes were collected
// meanwhile. It compares what lives in intervals of versions with somebody who is whole, and drops
// what that one does not hold; readers go on seeing all keys that live. Package interval does the
// talking.
//
// Why what is missing there was deleted: who is level at m holds what the owner held when its
// newest version was m. A key that is here, at a version up to m, and not there, was written again
// or deleted by m; written again, its newer version would be here too, since this replica is level
// at m or beyond. So both must be level, and it not behind the other.

// DirtyOrigins is how many origins are dirty.
func (s *Store) DirtyOrigins() int { return s.dirty }

// Level tells whether what is here of an origin is what its owner held at a moment: no run that was
// taken came from somebody who was further ahead, and nothing was taken beyond a hole. Elsewhere a
// key that was written again may be missing for a while.
func (s *Store) Level(o Origin) bool { r := s.rec(o); return r.max >= max(r.ahead, r.last) }

// Ahead is how far the log of an origin is known to go: what is here ends at Max. For the owner,
// what it has promised (Promise).
func (s *Store) Ahead(o Origin) uint64 { r := s.rec(o); return max(r.max, r.last, r.ahead) }

// Promise says that the owner is about to write up to a version: until then it shows no state that
// it was in.
func (s *Store) Promise(o Origin, to uint64) { r := s.rec(o); r.ahead = max(r.ahead, to) }

// Doubts counts how often an origin became dirty, or dirty again: what was compared before does not
// count any more.
func (s *Store) Doubts(o Origin) uint16 { return s.rec(o).doubts }

// Collected is the version up to which there are no tombstones of an origin any more. Two replicas
// can be compared up to the lower one.
func (s *Store) Collected(o Origin) uint64 {
	r := s.rec(o)
	if end := min(r.floor, r.max); r.entries == r.live {
		return end
	}
	return r.cleared
}

// Budget is how much work comparisons may still do: words of logs to look at, entries to drop.
type Budget struct{ Words, Drops int }

// Interval sums up what lives in a part of an origin's log, up to its end, to so many entries as
// are asked for, or to the end of the budget: the interval ends there. At least one word is looked
// at.
func (s *Store) Interval(o Origin, part *codec.IntervalPull, b *Budget) codec.Interval {
	return s.sumUp(o, part, b, func(v uint64, _ cellRef) (uint64, int, bool) { return mix(v), 0, true })
}

// sumUp is Interval of the entries that `of` counts: it gives what one adds, and what that takes in
// words.
func (s *Store) sumUp(o Origin, part *codec.IntervalPull, b *Budget, of func(v uint64, ref cellRef) (print uint64, words int, counts bool)) codec.Interval {
	x := codec.Interval{From: part.From, To: part.To}
	words := max(1, b.Words)
	left := words
	s.eachWord(s.rec(o), part.From, func(v uint64, ref cellRef) bool {
		switch {
		case v > part.To:
			return false
		case left <= 0 || ref != 0 && x.Count == part.Step:
			x.To = v - 1
			return false
		}
		if left--; ref == 0 {
			return true
		}
		if print, words, counts := of(v, ref); counts {
			left -= words
			x.Count++
			x.Print += print
		}
		return true
	})
	b.Words -= words - left
	return x
}

// eachWord calls f for the words of a log above a version, cell 0 for dead ones, until it says no.
func (s *Store) eachWord(r *origin, above uint64, f func(v uint64, cell cellRef) bool) {
	if r.segments == 0 || above >= r.last {
		return
	}
	for i := s.segmentOf(r, above+1); i < int(r.segments); i++ {
		b := s.log.block(s.segment(r, i))
		for k := locate(b, above); k < segUsed(b); k++ {
			if !f(segVersion(b, k), cellRef(b[segHead+k])) {
				return
			}
		}
	}
}

// Mended is what a comparison of an interval came to.
type Mended struct {
	Removed int
	To      uint64 // all is compared up to here
	Held    int    // entries that are here of what is left to compare
	Extra   int    // of these, how many are not there; if 0 or less, nothing that was deleted explains the difference
}

const (
	mendPairs = 128 // entries among which two that were deleted are found by trying
	mendDrops = 128 // entries that one call drops
)

// Mend compares an interval of a dirty origin with what somebody holds there who is whole and not
// ahead. What was deleted is dropped if the sums tell what that is: one or two entries, or all but
// one at most.
func (s *Store) Mend(o Origin, theirs *codec.Interval, b *Budget) (m Mended) {
	r := s.rec(o)
	part := codec.IntervalPull{From: theirs.From, To: theirs.To, Step: codec.VersionMax}
	ours := s.Interval(o, &part, b)
	m.To, m.Held, m.Extra = theirs.From, int(ours.Count), int(ours.Count)-int(theirs.Count)
	diff := ours.Print - theirs.Print
	var gone dropList
	switch {
	case ours.To < theirs.To: // above the budget
		m.Extra = max(1, m.Extra)
		return m
	case diff == 0 && m.Extra == 0:
		m.To = theirs.To
		return m
	case theirs.Count <= 1:
		s.eachWord(r, theirs.From, func(v uint64, cell cellRef) bool {
			return v <= theirs.To && (cell == 0 || mix(v) == theirs.Print || gone.add(v, cell, b))
		})
	case m.Extra == 1:
		s.eachWord(r, theirs.From, func(v uint64, cell cellRef) bool {
			return v <= theirs.To && (cell == 0 || mix(v) != diff || gone.add(v, cell, b))
		})
	case m.Extra == 2 && ours.Count <= mendPairs:
		s.pair(r, theirs, diff, &gone, b)
	}
	if gone.n == 0 {
		return m
	}
	for _, cell := range gone.cells[:gone.n] {
		s.drop(o, r, cell)
	}
	atomic.AddUint64(&r.lost, uint64(gone.n))
	m.Removed, m.Held, m.Extra, m.To = gone.n, m.Held-gone.n, m.Extra-gone.n, theirs.To
	if gone.full {
		m.To = gone.last
	}
	return m
}

// dropList lists entries that go.
type dropList struct {
	cells [mendDrops]cellRef
	n     int
	last  uint64 // version of the last one
	full  bool   // there were more
}

// add takes an entry, and tells whether it found a place.
func (g *dropList) add(v uint64, cell cellRef, b *Budget) bool {
	if g.n == mendDrops || b.Drops <= 0 {
		g.full = true
		return false
	}
	b.Drops--
	g.cells[g.n], g.last = cell, v
	g.n++
	return true
}

// pair finds the two entries of an interval whose prints sum up to a difference.
func (s *Store) pair(r *origin, x *codec.Interval, diff uint64, gone *dropList, b *Budget) {
	var prints [mendPairs]uint64
	var cells [mendPairs]cellRef
	n := 0
	s.eachWord(r, x.From, func(v uint64, cell cellRef) bool {
		if v > x.To {
			return false
		}
		if cell != 0 {
			prints[n], cells[n] = mix(v), cell
			n++
		}
		return true
	})
	b.Words -= n * n / 8
	for i, a := range prints[:n] {
		for j := i + 1; j < n; j++ {
			if a+prints[j] == diff && b.Drops >= 2 {
				gone.add(x.To, cells[i], b)
				gone.add(x.To, cells[j], b)
				return
			}
		}
	}
}

// setDirty makes an origin dirty or clean.
func (s *Store) setDirty(r *origin, dirty bool) {
	if dirty {
		r.doubts++
	}
	if r.dirty == dirty {
		return
	}
	s.fold(r, -r.print())
	r.dirty = dirty
	s.fold(r, r.print())
	if dirty {
		s.dirty++
	} else {
		s.dirty--
	}
}
