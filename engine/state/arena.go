package state

import (
	"encoding/binary"

	"github.com/quidnunc/quidnunc/codec"
)

// cellRef names a cell by granules of 8 bytes: page and place in the page. 0 is no cell.
type cellRef uint32

const (
	cellPageBytes     = 16 << 10
	cellPageBits      = 11 // granules of 8 bytes in a page, as a power of two
	cellPageMetaBytes = 8 + 16
	cellBytesMax      = 816
)

// classBytes are the sizes of cells: steps of an eighth, so that rounding up costs about 6 % beyond
// the granule. The last two are those of names, which have pages of their own, because a name stays
// where it is: see squeeze.
var classBytes = [...]uint16{
	24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 216, 240, 264, 296, 328, 368, 408, 456, 512,
	576, 648, 728, cellBytesMax,
	nameBytesShort, nameBytesLong,
}

const (
	entryClasses   = 31
	nameBytesShort = 32
	nameBytesLong  = (1 + codec.NameBytesMax + 7) &^ 7
)

// classOf maps granules to the smallest class that holds them.
var classOf = func() (table [cellBytesMax/8 + 1]uint8) {
	class := 0
	for granules := range table {
		if granules*8 > int(classBytes[class]) { // never beyond the largest of entries
			class++
		}
		table[granules] = uint8(class)
	}
	return table
}()

// classOfName is the class of the cell of a name.
func classOfName(bytes int) uint8 {
	if 1+bytes <= nameBytesShort {
		return entryClasses
	}
	return entryClasses + 1
}

// cellPage is what the writer knows of a page. All cells of a page are of one class as long as one
// of them is in use.
type cellPage struct {
	next, prev uint32 // neighbours in the list of pages of the class that have a free cell
	free       uint16 // granule of the first freed cell plus 1; the next one stands in the cell
	fresh      uint16 // cells never used, from the end
	live       uint16
	class      uint8
	state      pageState
}

type pageState uint8

const (
	pageFull    pageState = iota // or idle: in no list
	pageListed                   // it has a free cell
	pageLeaving                  // its cells move to other pages: none is taken from it
)

// cells is how many cells a page of the class has.
func cellsOf(class uint8) int { return cellPageBytes / int(classBytes[class]) }

// arena is the memory of all cells: pages that are cut into cells of one size class, with freelists
// in the pages.
type arena struct {
	pages   []*[cellPageBytes]byte // from 1 to len(meta)-1; nil up to the limit, so that the slice never changes
	meta    []cellPage
	limit   int                     // pages in use at most; no more than len(pages)
	partial [len(classBytes)]uint32 // pages with a free cell, by class
	room    [len(classBytes)]int    // free cells in those
	idle    uint32                  // pages without a cell in use, linked by next
	idles   int                     // how many
	used    int                     // bytes of cells in use
	squeeze squeeze
}

// init makes an empty arena of so many pages; its limit may be raised to most.
func (a *arena) init(pages, most int) {
	a.pages = make([]*[cellPageBytes]byte, 1+most)
	a.limit = 1 + pages
	a.meta = make([]cellPage, 1, min(len(a.pages), 64))
}

// spare is how many pages are left.
func (a *arena) spare() int { return a.limit - len(a.meta) + a.idles }

// at returns the cell and what is behind it in its page.
func (a *arena) at(r cellRef) []byte {
	return a.pages[r>>cellPageBits][(r&(1<<cellPageBits-1))<<3:]
}

// alloc returns a cell of a class, or 0 if the limit is reached. Where no page is left an entry
// gets a larger cell: so whoever makes an entry smaller can take the cell that it had before, once
// it is free.
func (a *arena) alloc(class uint8) cellRef {
	page := a.partial[class]
	if page == 0 {
		page = a.newPage(class)
		for c := class; page == 0 && c+1 < entryClasses; { // never for names
			c++
			page = a.partial[c]
		}
		if page == 0 {
			return 0
		}
	}
	return a.takeFrom(page)
}

// takeFrom takes a free cell of a page that has one.
func (a *arena) takeFrom(page uint32) cellRef {
	m := &a.meta[page]
	var granule uint16
	if m.free != 0 {
		granule = m.free - 1
		m.free = binary.LittleEndian.Uint16(a.pages[page][int(granule)<<3:])
	} else {
		m.fresh--
		granule = m.fresh * (classBytes[m.class] >> 3)
	}
	m.live++
	a.room[m.class]--
	if m.free == 0 && m.fresh == 0 {
		a.unlist(page)
	}
	a.used += int(classBytes[m.class])
	return cellRef(page<<cellPageBits | uint32(granule))
}

// class is that of a cell.
func (a *arena) class(r cellRef) uint8 { return a.meta[r>>cellPageBits].class }

// release frees a cell that nobody can see any more.
func (a *arena) release(r cellRef) {
	page, granule := uint32(r>>cellPageBits), uint16(r&(1<<cellPageBits-1))
	m := &a.meta[page]
	if invariants {
		clobber(a.at(r)[:classBytes[m.class]])
	}
	a.used -= int(classBytes[m.class])
	if m.live--; m.live == 0 {
		a.retirePage(page)
		return
	}
	binary.LittleEndian.PutUint16(a.pages[page][int(granule)<<3:], m.free)
	m.free = granule + 1
	if m.state == pageLeaving {
		return
	}
	a.room[m.class]++
	if m.state != pageListed {
		a.list(page)
	}
}

// newPage makes an idle or new page one of the class.
func (a *arena) newPage(class uint8) uint32 {
	page := a.idle
	switch {
	case page != 0:
		a.idle = a.meta[page].next
		a.idles--
	case len(a.meta) < a.limit:
		page = uint32(len(a.meta))
		a.pages[page] = new([cellPageBytes]byte)
		a.meta = append(a.meta, cellPage{})
	default:
		return 0
	}
	a.meta[page] = cellPage{class: class, fresh: cellPageBytes / classBytes[class]}
	a.room[class] += cellsOf(class)
	a.list(page)
	a.squeeze.wake(a)
	return page
}

// retirePage forgets the cells of a page, so that another class can have it.
func (a *arena) retirePage(page uint32) {
	m := &a.meta[page]
	if m.state != pageLeaving {
		a.room[m.class] -= cellsOf(m.class) - 1 // the last cell was never given back
	}
	if m.state == pageListed {
		a.unlist(page)
	}
	*m = cellPage{next: a.idle}
	a.idle = page
	a.idles++
	a.squeeze.left(a, page)
}

func (a *arena) list(page uint32) {
	m := &a.meta[page]
	m.state, m.prev, m.next = pageListed, 0, a.partial[m.class]
	if m.next != 0 {
		a.meta[m.next].prev = page
	}
	a.partial[m.class] = page
}

func (a *arena) unlist(page uint32) {
	m := &a.meta[page]
	if m.prev != 0 {
		a.meta[m.prev].next = m.next
	} else {
		a.partial[m.class] = m.next
	}
	if m.next != 0 {
		a.meta[m.next].prev = m.prev
	}
	m.state, m.prev, m.next = pageFull, 0, 0
}

// mapped is the bytes that the arena holds.
func (a *arena) mapped() int {
	return (len(a.meta)-1)*cellPageBytes + len(a.pages)*8 + cap(a.meta)*16
}
