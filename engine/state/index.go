package state

import "sync/atomic"

// An index maps 32-bit fingerprints to references by open addressing. It is split by the leading
// bits of the fingerprint into tables that grow each for itself by a quarter (extendible hashing),
// so that no insertion moves more than tableWordsMax words and the load stays between 0.68 and 0.85
// at any size.
//
// A word is the fingerprint and the reference; within a table words are in about the order of their
// fingerprints, so that a larger table is filled sequentially. Words never move within a table, and
// a deleted one stays as wordGone until the table is rebuilt.
type index struct {
	dir   []atomic.Pointer[table] // by the leading bits; its length does not change
	shift uint8                   // 32 - leading bits
	live  int
	bytes int // of all tables
}

// table is shared with readers, who look at words and depth only.
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
	tableWordsMax = 2048
	tableBytes    = 56 // the table itself
)

// tableSizes are the numbers of words of tables.
var tableSizes = [...]int{
	16, 32, 64, 96, 128, 192, 256, 320, 416, 512, 640, 832, 1024, 1280, 1664, tableWordsMax,
}

// init makes an empty index whose tables split until they can hold the limit.
func (x *index) init(limit int) {
	bits := uint8(0)
	for limit>>bits > tableWordsMax*loadNew/100*6/10 {
		bits++
	}
	x.dir = make([]atomic.Pointer[table], 1<<bits)
	x.shift = 32 - bits
	x.place(x.newTable(tableSizes[0], 0), 0)
}

func (x *index) newTable(words int, depth uint8) *table {
	x.bytes += words*8 + tableBytes
	return &table{words: make([]uint64, words), depth: depth}
}

func (x *index) table(frag uint32) *table { return x.dir[frag>>x.shift].Load() }

// home is where the search for a fingerprint begins.
func (t *table) home(frag uint32) int {
	return int(uint64(frag<<t.depth) * uint64(len(t.words)) >> 32)
}

// next returns the place and the reference of the first word of the fingerprint from i on, or
// reference 0 at a free word. Readers use it too.
func (t *table) next(i int, frag uint32) (at int, ref uint32) {
	words := t.words
	for {
		if i >= len(words) {
			i = 0
		}
		w := atomic.LoadUint64(&words[i])
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

// holds tells whether the word that a write found is still there.
func (x *index) holds(w *write) bool {
	return x.table(w.frag) == w.t && w.t.words[w.at] == uint64(w.frag)<<32|uint64(w.old)
}

// insert adds a word; there must be room.
func (x *index) insert(frag, ref uint32) {
	t := x.table(frag)
	i := t.free(frag)
	t.replace(i, frag, ref)
	x.live++
}

// free takes the place for a new word, which is the caller's to write.
func (t *table) free(frag uint32) int {
	i := t.home(frag)
	for ; ; i++ {
		if i >= len(t.words) {
			i = 0
		}
		if w := t.words[i]; uint32(w) == 0 {
			if w == 0 {
				t.used++
			}
			t.live++
			return i
		}
	}
}

// fill adds a word to a table that nobody else sees yet.
func (t *table) fill(w uint64) { t.words[t.free(uint32(w>>32))] = w }

// replace gives the word at i another reference.
func (t *table) replace(i int, frag, ref uint32) {
	atomic.StoreUint64(&t.words[i], uint64(frag)<<32|uint64(ref))
}

// find returns the place of the word of a fingerprint that has this reference; no table if there is
// none.
func (x *index) find(frag, ref uint32) (t *table, i int) {
	t = x.table(frag)
	for i = t.home(frag); ; i++ {
		at, found := t.next(i, frag)
		if found == 0 {
			return nil, 0
		}
		if i = at; found == ref {
			return t, i
		}
	}
}

// remove deletes the word of a fingerprint that has this reference.
func (x *index) remove(frag, ref uint32) {
	if t, i := x.find(frag, ref); t != nil {
		x.live--
		t.live--
		t.erase(i)
	}
}

// erase makes a word one that a search passes over, or, where every search ends at the next word
// anyway, a free one.
func (t *table) erase(i int) {
	next := i + 1
	if next == len(t.words) {
		next = 0
	}
	if t.words[next] != 0 {
		atomic.StoreUint64(&t.words[i], wordGone)
		return
	}
	for {
		atomic.StoreUint64(&t.words[i], 0)
		t.used--
		if i--; i < 0 {
			i = len(t.words) - 1
		}
		if t.words[i] != wordGone {
			return
		}
	}
}

// rebuild replaces a full table by one that fits its words, or by two that share them. Readers that
// are in the old one find what was there when it was replaced.
func (x *index) rebuild(t *table, frag uint32) {
	if (t.live+1)*100 > tableWordsMax*loadNew && len(t.words) >= tableWordsMax && t.depth < 32-x.shift {
		x.split(t, frag)
		return
	}
	fresh := x.newTable(tableWordsFor(t.live+1, len(t.words)), t.depth)
	for _, w := range t.words {
		if uint32(w) != 0 {
			fresh.fill(w)
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
	return now * 2 // only when fingerprints are far from random
}

// split replaces a table by two, by the next bit of the fingerprints.
func (x *index) split(t *table, frag uint32) {
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
			high.fill(w)
		default:
			low.fill(w)
		}
	}
	x.place(low, frag&^bit)
	x.place(high, frag|bit)
	x.bytes -= len(t.words)*8 + tableBytes
}

// place makes a table the one for all fingerprints that share its leading bits with frag.
func (x *index) place(t *table, frag uint32) {
	span := len(x.dir) >> t.depth
	first := int(frag>>x.shift) &^ (span - 1)
	for i := range span {
		x.dir[first+i].Store(t)
	}
}

// mapped is the bytes that the index holds.
func (x *index) mapped() int { return x.bytes + len(x.dir)*8 }
