package state

import "math/bits"

// wordRef names a word of the slab: page and place in the page. 0 is no word.
type wordRef uint32

const (
	wordPageBits  = 12 // words in a page, as a power of two: 32 KiB
	wordPageWords = 1 << wordPageBits
	subBits       = 9 // words in a part of a page that is cut into blocks of one class
	subsPerPage   = wordPageWords >> subBits

	blockClassMin = 3 // a block is two to this words at least
	blockClassMax = wordPageBits
	blockWordsMin = 1 << blockClassMin
)

// slab hands out aligned blocks of a power of two of 64-bit words: segments of version logs and their directories.
type slab struct {
	pages []*[wordPageWords]uint64 // from 1; nil up to the limit, so that the slice never changes
	class []uint8                  // of each part of the pages in use, from the first part of page 0
	free  [blockClassMax + 1]wordRef
	fresh wordRef // start of the parts never used
	used  int     // words handed out
}

func (w *slab) init(pages int) {
	w.pages = make([]*[wordPageWords]uint64, 1+pages)
	w.class = make([]uint8, subsPerPage, 4*subsPerPage)
	w.fresh = wordPageWords
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
	r := w.free[class]
	if r == 0 {
		if r = w.carve(class); r == 0 {
			return 0
		}
	}
	b := w.block(r)
	w.free[class] = wordRef(b[0])
	clear(b)
	w.used += len(b)
	return r
}

// release frees a block that nobody can see any more.
func (w *slab) release(r wordRef) {
	b := w.block(r)
	class := w.class[r>>subBits]
	b[0] = uint64(w.free[class])
	w.free[class] = r
	w.used -= len(b)
}

// carve cuts a part of a page into blocks, or takes several parts for one, and links them as free.
func (w *slab) carve(class uint8) wordRef {
	span := wordRef(1) << max(class, subBits)
	for w.fresh&(span-1) != 0 { // large blocks are aligned: what is skipped serves smaller ones
		w.link(w.fresh, subBits)
		w.fresh += 1 << subBits
	}
	if w.fresh&(wordPageWords-1) == 0 && !w.grow() {
		return 0
	}
	first := w.fresh
	w.fresh += span
	for at := first; at < w.fresh; at += 1 << subBits {
		w.class[at>>subBits] = class
	}
	for at := w.fresh; at > first; {
		at -= 1 << class
		w.link(at, class)
	}
	return first
}

func (w *slab) link(r wordRef, class uint8) {
	w.class[r>>subBits] = class
	*w.word(r) = uint64(w.free[class])
	w.free[class] = r
}

// grow adds a page.
func (w *slab) grow() bool {
	page := int(w.fresh >> wordPageBits)
	if page >= len(w.pages) {
		return false
	}
	if w.pages[page] == nil {
		w.pages[page] = new([wordPageWords]uint64)
		var unused [subsPerPage]uint8
		w.class = append(w.class, unused[:]...)
	}
	return true
}

// mapped is the bytes that the slab holds.
func (w *slab) mapped() int {
	return (len(w.class)/subsPerPage-1)*wordPageWords*8 + len(w.pages)*8 + cap(w.class)
}
