package share

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/engine/state"
)

// The index is split by the leading bits of the hash into tables that grow each
// for itself, so that no insertion moves more than a small part of the words.
const (
	tableBits = 10
	tables    = 1 << tableBits
	wordsMin  = 8
)

// table maps hashes to where the winning claim is, by open addressing. One goroutine
// writes; readers may look at any time: a word is never moved within a table, and
// growth puts a new table in the place of the old one.
type table struct {
	words  []word
	stamps []Stamp // of the claim that wins, where it is plain, else 0; the writer's own
	used   int     // words with a hash
}

// word is read and written atomically, each half for itself.
type word struct {
	hash  uint64      // 0: free
	place state.Place // 0: nobody has the key any more
}

func newTable(words int) *table {
	return &table{words: make([]word, words), stamps: make([]Stamp, words)}
}

// find gives the place of a hash, or of the free word where it would stand.
// Readers use it too.
func (t *table) find(hash uint64) (at int, here bool) {
	mask := len(t.words) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		switch atomic.LoadUint64(&t.words[i].hash) {
		case hash:
			return i, true
		case 0:
			return i, false
		}
	}
}

func (t *table) place(at int) state.Place {
	return state.Place(atomic.LoadUint64((*uint64)(&t.words[at].place)))
}

// grown is a table with the words that have owners, and room for more.
func (t *table) grown() *table {
	live := 0
	for _, w := range t.words {
		if w.place != 0 {
			live++
		}
	}
	words := wordsMin
	for words < 2*(live+1) {
		words *= 2
	}
	g := newTable(words)
	for i, w := range t.words {
		if w.place != 0 {
			at, _ := g.find(w.hash)
			g.words[at], g.stamps[at] = w, t.stamps[i]
			g.used++
		}
	}
	return g
}

// winners is the whole index: hash to place.
type winners struct {
	tables [tables]atomic.Pointer[table] // nil until a key comes
	keys   int                           // with an owner
	wins   []uint32                      // keys by owner
}

func (w *winners) table(hash uint64) *atomic.Pointer[table] {
	return &w.tables[hash>>(64-tableBits)]
}

// get is for readers.
func (w *winners) get(hash uint64) state.Place {
	t := w.table(hash).Load()
	if t == nil {
		return 0
	}
	at, here := t.find(hash)
	if !here {
		return 0
	}
	return t.place(at)
}

// owner is whose log has the winning claim; 0 if nobody's.
func (w *winners) owner(hash uint64) state.Origin { return w.get(hash).Origin() }

// overwrites tells whether a plain claim with a stamp wins where its own log has won:
// all others lost to the one that it replaces.
func (w *winners) overwrites(hash uint64, s Stamp) bool {
	t := w.table(hash).Load()
	at, here := t.find(hash)
	if here = here && t.stamps[at] != 0 && s > t.stamps[at]; here {
		t.stamps[at] = s
	}
	return here
}

// put makes a place that of a hash, 0: nobody's, with the stamp of its claim if that is plain.
func (w *winners) put(hash uint64, place state.Place, s Stamp) {
	p := w.table(hash)
	t := p.Load()
	if t == nil {
		t = newTable(wordsMin)
		p.Store(t)
	}
	at, here := t.find(hash)
	if !here {
		if place == 0 {
			return
		}
		if 4*(t.used+1) > 3*len(t.words) {
			t = t.grown()
			p.Store(t)
			at, _ = t.find(hash)
		}
		t.used++
	}
	if was := t.place(at); was != 0 {
		w.keys--
		w.wins[was.Origin()]--
	}
	if place != 0 {
		w.keys++
		w.wins[place.Origin()]++
	}
	t.stamps[at] = s
	atomic.StoreUint64((*uint64)(&t.words[at].place), uint64(place))
	atomic.StoreUint64(&t.words[at].hash, hash)
}
