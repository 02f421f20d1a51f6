package state

import "encoding/binary"

// cellRef names a cell by granules of 8 bytes: page and place in the page. 0 is no cell.
type cellRef uint32

const (
	cellPageBytes     = 16 << 10
	cellPageBits      = 11 // granules of 8 bytes in a page, as a power of two
	cellPageMetaBytes = 8 + 16
	cellBytesMax      = 816
)

// classBytes are the sizes of cells: steps of an eighth, so that rounding up costs about 6 % beyond the granule.
var classBytes = [...]uint16{
	24, 32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120, 128, 144, 160, 176, 192, 216, 240, 264, 296, 328, 368, 408, 456, 512,
	576, 648, 728, cellBytesMax,
}

// classOf maps granules to the smallest class that holds them.
var classOf = func() (table [cellBytesMax/8 + 1]uint8) {
	class := 0
	for granules := range table {
		if granules*8 > int(classBytes[class]) {
			class++
		}
		table[granules] = uint8(class)
	}
	return table
}()

// cellPage is what the writer knows of a page. All cells of a page are of one class as long as one of them is in use.
type cellPage struct {
	next, prev uint32 // neighbours in the list of pages of the class that have a free cell
	free       uint16 // granule of the first freed cell plus 1; the next one stands in the cell
	fresh      uint16 // cells never used, from the end
	live       uint16
	class      uint8
	listed     bool
}

// arena is the memory of all cells: pages that are cut into cells of one size class, with freelists in the pages.
type arena struct {
	pages   []*[cellPageBytes]byte // from 1 to len(meta)-1; nil up to the limit, so that the slice never changes
	meta    []cellPage
	partial [len(classBytes)]uint32 // pages with a free cell, by class
	idle    uint32                  // pages without a cell in use, linked by next
	used    int                     // bytes of cells in use
}

func (a *arena) init(bytes int) {
	a.pages = make([]*[cellPageBytes]byte, 1+bytes/cellPageBytes)
	a.meta = make([]cellPage, 1, min(len(a.pages), 64))
}

// at returns the cell and what is behind it in its page.
func (a *arena) at(r cellRef) []byte {
	return a.pages[r>>cellPageBits][(r&(1<<cellPageBits-1))<<3:]
}

// alloc returns a cell of a class, or 0 if the limit is reached.
func (a *arena) alloc(class uint8) cellRef {
	page := a.partial[class]
	if page == 0 {
		if page = a.newPage(class); page == 0 {
			return 0
		}
	}
	m := &a.meta[page]
	var granule uint16
	if m.free != 0 {
		granule = m.free - 1
		m.free = binary.LittleEndian.Uint16(a.pages[page][int(granule)<<3:])
	} else {
		m.fresh--
		granule = m.fresh * (classBytes[class] >> 3)
	}
	m.live++
	if m.free == 0 && m.fresh == 0 {
		a.unlist(page)
	}
	a.used += int(classBytes[class])
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
	if !m.listed {
		a.list(page)
	}
}

// newPage makes an idle or new page one of the class.
func (a *arena) newPage(class uint8) uint32 {
	page := a.idle
	switch {
	case page != 0:
		a.idle = a.meta[page].next
	case len(a.meta) < len(a.pages):
		page = uint32(len(a.meta))
		a.pages[page] = new([cellPageBytes]byte)
		a.meta = append(a.meta, cellPage{})
	default:
		return 0
	}
	a.meta[page] = cellPage{class: class, fresh: cellPageBytes / classBytes[class]}
	a.list(page)
	return page
}

// retirePage forgets the cells of a page, so that another class can have it.
func (a *arena) retirePage(page uint32) {
	if a.meta[page].listed {
		a.unlist(page)
	}
	a.meta[page] = cellPage{next: a.idle}
	a.idle = page
}

func (a *arena) list(page uint32) {
	m := &a.meta[page]
	m.listed, m.prev, m.next = true, 0, a.partial[m.class]
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
	m.listed, m.prev, m.next = false, 0, 0
}

// mapped is the bytes that the arena holds.
func (a *arena) mapped() int {
	return (len(a.meta)-1)*cellPageBytes + len(a.pages)*8 + cap(a.meta)*16
}
