package state

import "sync/atomic"

// A page serves one class of cells, so a store whose values change their size could run out of
// pages while most of its cells are free. When pages become few, those that are half empty are
// emptied: their cells move to other pages of their class, a few with each write, and the page
// serves any class again.
//
// So what is admitted by its size fits. All cells packed take one page of each class more than
// their bytes, and a page wastes at most a twentieth at its end; limits.go gives the pages for
// that.
type squeeze struct {
	short bool   // pages are few
	page  uint32 // being emptied; 0: none
	next  int    // its next cell
	laps  int    // how often all its cells were looked at
	hand  uint32 // where the search for the next one goes on
	seen  int    // pages looked at since one was found
}

const (
	squeezeCells = 32 // cells looked at with each write
	squeezeLook  = 64 // pages looked at with each write
	squeezeLaps  = 8  // readers may hold cells that moved, and a draft moves once it is an entry
)

// few is how many pages left make cells move.
func (a *arena) few() int { return 8 + a.limit/64 }

// wake looks how many pages are left.
func (q *squeeze) wake(a *arena) {
	q.short, q.seen = a.spare() < a.few(), 0
}

// left notes that a page has no cell any more.
func (q *squeeze) left(a *arena, page uint32) {
	if q.page == page {
		q.page = 0
	}
	q.wake(a)
}

// find chooses a half empty page whose cells have room in others of its class.
func (q *squeeze) find(a *arena) bool {
	for range min(squeezeLook, len(a.meta)) {
		if q.seen++; q.seen > len(a.meta) {
			q.short = false // until a page is taken, or given back
			return false
		}
		if q.hand++; int(q.hand) >= len(a.meta) {
			q.hand = 1
		}
		m := &a.meta[q.hand]
		size := cellsOf(m.class)
		if m.state != pageListed || m.class >= entryClasses || 2*int(m.live) > size || a.room[m.class]-(size-int(m.live)) < int(m.live) {
			continue
		}
		a.unlist(q.hand)
		a.room[m.class] -= size - int(m.live)
		m.state = pageLeaving
		q.page, q.next, q.laps, q.seen = q.hand, 0, 0, 0
		return true
	}
	return false
}

// squeezeSome moves at most so many cells out of a page that is being emptied, or chooses one.
func (s *Store) squeezeSome(cells int) {
	a := &s.cells
	q := &a.squeeze
	if q.page == 0 && !q.find(a) {
		return
	}
	page, class := q.page, a.meta[q.page].class
	size := int(classBytes[class])
	for ; cells > 0 && q.next < cellsOf(class); cells-- {
		if a.partial[class] == 0 {
			a.stay(page)
			return
		}
		ref := cellRef(page<<cellPageBits | uint32(q.next*size>>3))
		q.next++
		if s.moveCell(ref, size); q.page != page {
			return // it is empty
		}
	}
	if q.next < cellsOf(class) {
		return
	}
	if q.next, q.laps = 0, q.laps+1; q.laps == squeezeLaps {
		a.stay(page)
	}
}

// stay makes a page that was being emptied an ordinary one again.
func (a *arena) stay(page uint32) {
	m := &a.meta[page]
	m.state = pageFull
	a.squeeze.page = 0
	a.room[m.class] += cellsOf(m.class) - int(m.live)
	if m.free != 0 || m.fresh != 0 {
		a.list(page)
	}
}

// moveCell gives the entry in a cell another one of its class. What is not an entry, a free cell, a
// draft or one that waits for readers, has no word in the index, and stays.
func (s *Store) moveCell(from cellRef, size int) {
	b := s.cells.at(from)[:size]
	at, keyBytes, valueBytes := cellSizes(b)
	if at+keyBytes+valueBytes > size {
		return
	}
	tag, key := cellTag(b), b[at:at+keyBytes]
	frag := s.hash(tag, key)
	t, i := s.keys.find(frag, uint32(from))
	if t == nil {
		return
	}
	class := s.cells.class(from)
	to := s.cells.takeFrom(s.cells.partial[class])
	copy(s.cells.at(to)[:size], b)
	word := s.log.word(cellPos(b))
	atomic.StoreUint64(word, *word&^(1<<32-1)|uint64(to))
	t.replace(i, frag, uint32(to))
	s.retireCell(from, class)
	s.compacts.Cells++
}
