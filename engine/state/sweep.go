package state

// A removed origin disappears at once, but its entries go a few at a time, with the writes that
// follow and with Tidy: a million of them at once would take the writer half a second.

// sweepCells is how many cells go with one write.
const sweepCells = 16

// Tidy does a bounded part of what is left to do of removals and of memory that waited for readers:
// at most so many cells. It tells whether there may be more. A loop calls it now and then; writes
// do a part each by themselves. Cells that were retired since the last call it leaves to the writes
// that follow: they take them while they are in a near cache.
func (s *Store) Tidy(cells int) (more bool) {
	more = s.tidy(cells)
	q := &s.retired
	if q.head < q.tidied {
		s.reclaim(cells)
	}
	q.tidied = q.tail
	return more || q.head < q.tail
}

// tidy does a bounded part of what is left to do of removals.
func (s *Store) tidy(cells int) (more bool) {
	s.fade()
	s.sweep(cells)
	return s.clearSome(cells) || s.dying != 0
}

// scrape tidies and makes memory usable again, as far as readers have left: a write finds none.
func (s *Store) scrape() {
	s.tidy(retiredBatch)
	s.reclaim(retiredBatch)
}

// Untidy tells whether so much is left for Tidy that a loop should see to it soon, and not once in
// a while.
func (s *Store) Untidy() bool {
	return s.dying|s.clearing != 0 || s.retired.tail-s.retired.head > retiredMany || len(s.echoes.list) > 0
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
		s.retired.tidied = s.retired.tail // no write takes that
	}
}

// sweepSegment forgets cells of the last segment and, when there are no more, the segment. Its
// words stay as they are for readers; how many are left is in its head.
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
