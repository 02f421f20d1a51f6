package state

// A removed origin disappears at once, but its entries go a few at a time, with the writes that follow and with Tidy:
// a million of them at once would take the writer half a second.

// sweepCells is how many cells go with one write.
const sweepCells = 16

// Tidy does a bounded part of what is left to do of removals and of memory that waited for readers: at most so many
// cells. It tells whether there may be more. A loop calls it in idle turns; writes do a part each by themselves.
func (s *Store) Tidy(cells int) (more bool) {
	s.fade()
	s.sweep(cells)
	more = s.clearSome(cells)
	s.reclaim(cells)
	return more || s.dying != 0 || s.retired.head < s.retired.tail
}

// sweep forgets at most so many cells of removed origins.
func (s *Store) sweep(cells int) {
	for s.dying != 0 && cells > 0 {
		o := s.dying
		r := s.rec(o)
		if r.segments > 0 {
			cells = s.sweepSegment(r, cells)
			continue
		}
		s.dying = r.older
		s.retireCell(r.name, s.cells.class(r.name))
		s.retire(retiredOrigin, uint32(o))
	}
}

// sweepSegment forgets cells of the last segment and, when there are no more, the segment. Its words stay as they are
// for readers; how many are left is in its head.
func (s *Store) sweepSegment(r *origin, cells int) int {
	b := s.log.block(r.tail)
	left := segUsed(b)
	for ; left > 0 && cells > 0; cells-- {
		left--
		if cell := cellRef(b[segHead+left]); cell != 0 {
			s.forget(r, cell)
		}
	}
	b[1] = b[1]&^(0xffff<<16) | uint64(left)<<16
	if left > 0 {
		return cells
	}
	s.retire(retiredBlock, uint32(r.tail))
	r.segments--
	switch {
	case r.dir == 0:
		r.tail = 0
	case r.segments == 0:
		s.retire(retiredBlock, uint32(r.dir))
		r.dir, r.tail = 0, 0
	default:
		r.tail = s.segment(r, int(r.segments)-1)
	}
	return cells
}

// forget takes a cell out of the index.
func (s *Store) forget(r *origin, cell cellRef) {
	b := s.cells.at(cell)
	at, key, _ := cellSizes(b)
	s.keys.remove(s.hash(r.tag, b[at:at+key]), uint32(cell))
	s.held -= int(heldBy(b).cell)
	s.retireCell(cell, cellClass(b))
}
