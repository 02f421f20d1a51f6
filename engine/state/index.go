package state

// An index maps 32-bit fingerprints to references by open addressing. It is split by the leading bits of the
// fingerprint into tables that grow each for itself by a quarter (extendible hashing), so that no insertion moves more
// than tableWordsMax words and the load stays between 0.68 and 0.85 at any size.
//
// A word is the fingerprint and the reference; within a table words are in about the order of their fingerprints, so
// that a larger table is filled sequentially. Words never move within a table, and a deleted one stays as wordGone until
// the table is rebuilt.
type index struct {
	dir   []*table // 1 << depth
	depth uint8
	live  int
	bytes int // of all tables
}

type table struct {
	words []uint64
	depth uint8 // leading bits that all its fingerprints share
	used  int   // words that are not 0
	live  int   // words that hold a reference
}

const (
	wordGone      = 1 << 32 // a fingerprint without a reference: deleted
	loadMax       = 85      // percent of words used
	loadNew       = 70      // percent of words in use at most after a rebuild
	tableWordsMax = 4096
	depthMax      = 20
	tableBytes    = 56 // the table itself and its place in the directory
)

// tableSizes are the numbers of words of tables.
var tableSizes = [...]int{
	16, 32, 64, 96, 128, 192, 256, 320, 416, 512, 640, 832, 1024, 1280, 1664, 2048, 2560, 3264, tableWordsMax,
}

func (x *index) init() {
	x.dir = []*table{x.newTable(tableSizes[0], 0)}
}

func (x *index) newTable(words int, depth uint8) *table {
	x.bytes += words*8 + tableBytes
	return &table{words: make([]uint64, words), depth: depth}
}

func (x *index) table(frag uint32) *table { return x.dir[frag>>(32-x.depth)] }

// home is where the search for a fingerprint begins.
func (t *table) home(frag uint32) int {
	return int(uint64(frag<<t.depth) * uint64(len(t.words)) >> 32)
}

// next returns the place and the reference of the first word of the fingerprint from i on, or reference 0 at a free word.
func (t *table) next(i int, frag uint32) (at int, ref uint32) {
	for {
		if i >= len(t.words) {
			i = 0
		}
		w := t.words[i]
		if uint32(w>>32) == frag && uint32(w) != 0 {
			return i, uint32(w)
		}
		if w == 0 {
			return i, 0
		}
		i++
	}
}

// reserve makes room for one more word in the table of the fingerprint.
func (x *index) reserve(frag uint32) {
	for t := x.table(frag); (t.used+1)*100 > len(t.words)*loadMax; t = x.table(frag) {
		x.rebuild(t, frag)
	}
}

// insert adds a word; there must be room.
func (x *index) insert(frag, ref uint32) {
	t := x.table(frag)
	t.insert(frag, ref)
	x.live++
}

func (t *table) insert(frag, ref uint32) {
	i := t.home(frag)
	for ; ; i++ {
		if i == len(t.words) {
			i = 0
		}
		if w := t.words[i]; uint32(w) == 0 {
			if w == 0 {
				t.used++
			}
			break
		}
	}
	t.words[i] = uint64(frag)<<32 | uint64(ref)
	t.live++
}

// replace gives the word at i another reference.
func (t *table) replace(i int, frag, ref uint32) { t.words[i] = uint64(frag)<<32 | uint64(ref) }

// remove deletes the word of a fingerprint that has this reference.
func (x *index) remove(frag, ref uint32) {
	t := x.table(frag)
	for i := t.home(frag); ; i++ {
		at, found := t.next(i, frag)
		if found == 0 {
			return
		}
		if i = at; found == ref {
			t.words[i] = wordGone
			t.live--
			x.live--
			return
		}
	}
}

// rebuild replaces a full table by one that fits its words, or by two that share them.
func (x *index) rebuild(t *table, frag uint32) {
	if (t.live+1)*100 > tableWordsMax*loadNew && len(t.words) >= tableWordsMax && t.depth < depthMax {
		x.split(t, frag)
		return
	}
	n := tableWordsFor(t.live+1, len(t.words))
	fresh := x.newTable(n, t.depth)
	for _, w := range t.words {
		if uint32(w) != 0 {
			fresh.insert(uint32(w>>32), uint32(w))
		}
	}
	x.place(fresh, frag)
	x.bytes -= len(t.words)*8 + tableBytes
}

func tableWordsFor(live, now int) int {
	for _, n := range tableSizes {
		if live*100 <= n*loadNew {
			return n
		}
	}
	if live*100 <= tableWordsMax*loadMax {
		return tableWordsMax
	}
	return now * 2 // only when the fingerprints can't be told apart by depthMax bits
}

// split replaces a table by two, by the next bit of the fingerprints.
func (x *index) split(t *table, frag uint32) {
	if t.depth == x.depth {
		x.double()
	}
	bit := uint32(1) << (31 - t.depth)
	ones := 0
	for _, w := range t.words {
		if uint32(w) != 0 && uint32(w>>32)&bit != 0 {
			ones++
		}
	}
	low := x.newTable(tableWordsFor(t.live-ones+1, len(t.words)), t.depth+1)
	high := x.newTable(tableWordsFor(ones+1, len(t.words)), t.depth+1)
	for _, w := range t.words {
		switch {
		case uint32(w) == 0:
		case uint32(w>>32)&bit != 0:
			high.insert(uint32(w>>32), uint32(w))
		default:
			low.insert(uint32(w>>32), uint32(w))
		}
	}
	x.place(low, frag&^bit)
	x.place(high, frag|bit)
	x.bytes -= len(t.words)*8 + tableBytes
}

// double doubles the directory.
func (x *index) double() {
	dir := make([]*table, 2*len(x.dir))
	for i, t := range x.dir {
		dir[2*i], dir[2*i+1] = t, t
	}
	x.dir = dir
	x.depth++
}

// place makes a table the one for all fingerprints that share its leading bits with frag.
func (x *index) place(t *table, frag uint32) {
	span := 1 << (x.depth - t.depth)
	first := int(frag>>(32-x.depth)) &^ (span - 1)
	for i := range span {
		x.dir[first+i] = t
	}
}
