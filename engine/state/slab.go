package state

import "math/bits"

// wordRef names a word of the slab: page and place in the page. 0 is no word.
type wordRef uint32

const (
	wordPageBits  = 12 // words in a page, as a power of two: 32 KiB
	wordPageWords = 1 << wordPageBits
	subBits       = 9 // words in a part of a page, as a power of two
	subsPerPage   = wordPageWords >> subBits

	blockClassMin = 3 // a block is two to this words at least
	blockClassMax = wordPageBits
	blockWordsMin = 1 << blockClassMin
	runClasses    = blockClassMax - subBits + 1
)

// slab hands out aligned blocks of a power of two of 64-bit words: segments of version logs and
// their directories.
//
// A page is eight parts. Blocks smaller than a part share one with others of their class; larger
// ones are runs of parts, split and joined as buddies (Knowlton 1965). A part whose last block is
// freed is a run again, so memory that logs of one size gave back serves logs of any size.
type slab struct {
	pages   []*[wordPageWords]uint64 // from 1; nil up to the limit, so that the slice never changes
	class   []uint8                  // of each part of the pages in use, from the first part of page 0
	parts   []slabPart               // the same
	partial [subBits]uint32          // parts with a free block, by class
	idle    [runClasses]uint32       // free runs, by class less subBits
	used    int                      // words handed out
}

// slabPart is what is known of a part of a page; of a free run only its first part counts.
type slabPart struct {
	next, prev uint32 // neighbours in its list
	free       uint16 // word of the first freed block plus 1; the next one stands in the block
	fresh      uint16 // blocks never used, from the end
	live       uint16
	listed     bool
	idle       bool // the first part of a free run
}

const slabPartBytes = 16

func (w *slab) init(pages int) {
	w.pages = make([]*[wordPageWords]uint64, 1+pages)
	w.class = make([]uint8, subsPerPage, 4*subsPerPage)
	w.parts = make([]slabPart, subsPerPage, 4*subsPerPage)
}

// block returns the block that begins at r.
func (w *slab) block(r wordRef) []uint64 {
	n := wordRef(1) << w.class[r>>subBits]
	at := r & (wordPageWords - 1)
	return w.pages[r>>wordPageBits][at : at+n : at+n]
}

// around returns the block that r is in and its beginning.
func (w *slab) around(r wordRef) ([]uint64, wordRef) {
	n := wordRef(1) << w.class[r>>subBits]
	at := r & (wordPageWords - n)
	return w.pages[r>>wordPageBits][at : at+n : at+n], r &^ (n - 1)
}

// classOfBlock is the smallest class of block that has so many words.
func classOfBlock(words int) uint8 { return max(uint8(bits.Len(uint(words-1))), blockClassMin) }

// seen is the block of a segment for readers, who take its class from its first word.
func (w *slab) seen(r wordRef) []uint64 {
	page, at := w.pages[r>>wordPageBits], r&(wordPageWords-1)
	n := wordRef(1) << (page[at] >> versionBits)
	return page[at : at+n]
}

func (w *slab) word(r wordRef) *uint64 {
	return &w.pages[r>>wordPageBits][r&(wordPageWords-1)]
}

// alloc returns a block of zeroes, or 0 if the limit is reached.
func (w *slab) alloc(class uint8) wordRef {
	r := wordRef(0)
	if class >= subBits {
		r = wordRef(w.takeRun(class)) << subBits
	} else {
		r = w.take(class)
	}
	if r != 0 {
		b := w.block(r)
		clear(b)
		w.used += len(b)
	}
	return r
}

// take returns a block that is smaller than a part.
func (w *slab) take(class uint8) wordRef {
	i := w.partial[class]
	if i == 0 {
		if i = w.takeRun(subBits); i == 0 {
			return 0
		}
		w.class[i] = class
		w.parts[i] = slabPart{fresh: 1 << (subBits - class)}
		w.list(i, &w.partial[class])
	}
	p := &w.parts[i]
	r := wordRef(i) << subBits
	if p.free != 0 {
		r += wordRef(p.free - 1)
		p.free = uint16(*w.word(r))
	} else {
		p.fresh--
		r += wordRef(p.fresh) << class
	}
	p.live++
	if p.free == 0 && p.fresh == 0 {
		w.unlist(i, &w.partial[class])
	}
	return r
}

// release frees a block that nobody can see any more.
func (w *slab) release(r wordRef) {
	i := uint32(r >> subBits)
	p, class := &w.parts[i], w.class[i]
	w.used -= 1 << class
	if class >= subBits {
		w.giveRun(i, class)
		return
	}
	if p.live--; p.live == 0 {
		if p.listed {
			w.unlist(i, &w.partial[class])
		}
		w.giveRun(i, subBits)
		return
	}
	*w.word(r) = uint64(p.free)
	p.free = uint16(r&(1<<subBits-1)) + 1
	if !p.listed {
		w.list(i, &w.partial[class])
	}
}

// takeRun returns the first part of a run of a class, or 0 if the limit is reached.
func (w *slab) takeRun(class uint8) uint32 {
	for c := class; c <= blockClassMax; c++ {
		i := w.idle[c-subBits]
		if i == 0 {
			continue
		}
		w.unlist(i, &w.idle[c-subBits])
		for ; c > class; c-- { // the upper half of what is too long stays free
			w.putRun(i+1<<(c-1-subBits), c-1)
		}
		w.setRun(i, class)
		return i
	}
	page := len(w.class) / subsPerPage
	if page >= len(w.pages) {
		return 0
	}
	if w.pages[page] == nil {
		w.pages[page] = new([wordPageWords]uint64)
	}
	var class8 [subsPerPage]uint8
	var parts [subsPerPage]slabPart
	w.class, w.parts = append(w.class, class8[:]...), append(w.parts, parts[:]...)
	w.putRun(uint32(page*subsPerPage), blockClassMax)
	return w.takeRun(class)
}

// setRun makes all parts of a run ones of its class.
func (w *slab) setRun(i uint32, class uint8) {
	for k := range uint32(1) << (class - subBits) {
		w.class[i+k] = class
	}
	w.parts[i] = slabPart{}
}

// giveRun frees a run, joined with its free buddies.
func (w *slab) giveRun(i uint32, class uint8) {
	for ; class < blockClassMax; class++ {
		buddy := i ^ 1<<(class-subBits)
		if !w.parts[buddy].idle || w.class[buddy] != class {
			break
		}
		w.unlist(buddy, &w.idle[class-subBits])
		w.parts[buddy].idle = false
		i &= buddy
	}
	w.putRun(i, class)
}

func (w *slab) putRun(i uint32, class uint8) {
	w.class[i] = class
	w.parts[i] = slabPart{idle: true}
	w.list(i, &w.idle[class-subBits])
}

func (w *slab) list(i uint32, head *uint32) {
	p := &w.parts[i]
	p.listed, p.prev, p.next = true, 0, *head
	if p.next != 0 {
		w.parts[p.next].prev = i
	}
	*head = i
}

func (w *slab) unlist(i uint32, head *uint32) {
	p := &w.parts[i]
	if p.prev != 0 {
		w.parts[p.prev].next = p.next
	} else {
		*head = p.next
	}
	if p.next != 0 {
		w.parts[p.next].prev = p.prev
	}
	p.listed, p.prev, p.next = false, 0, 0
}

// mapped is the bytes that the slab holds.
func (w *slab) mapped() int {
	return (len(w.class)/subsPerPage-1)*wordPageWords*8 + len(w.pages)*8 + cap(w.class) + cap(w.parts)*slabPartBytes
}
