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

// table maps hashes to the origin whose log has the winning claim, by open
// addressing. One goroutine writes; readers may look at any time: a word is
// never moved within a table, and growth puts a new table in the place of the
// old one.
type table struct {
	hashes []uint64 // 0: free
	owners []uint32 // a state.Origin; 0: nobody has the key any more
	used   int      // words with a hash
}

func newTable(words int) *table {
	return &table{hashes: make([]uint64, words), owners: make([]uint32, words)}
}

// find gives the place of a hash, or of the free word where it would stand.
// Readers use it too.
func (t *table) find(hash uint64) (at int, here bool) {
	mask := len(t.hashes) - 1
	for i := int(hash) & mask; ; i = (i + 1) & mask {
		switch atomic.LoadUint64(&t.hashes[i]) {
		case hash:
			return i, true
		case 0:
			return i, false
		}
	}
}

func (t *table) owner(at int) state.Origin {
	return state.Origin(atomic.LoadUint32(&t.owners[at]))
}

// grown is a table with the words that have owners, and room for more.
func (t *table) grown() *table {
	live := 0
	for _, o := range t.owners {
		if o != 0 {
			live++
		}
	}
	words := wordsMin
	for words < 2*(live+1) {
		words *= 2
	}
	g := newTable(words)
	for i, o := range t.owners {
		if o != 0 {
			at, _ := g.find(t.hashes[i])
			g.hashes[at], g.owners[at] = t.hashes[i], o
			g.used++
		}
	}
	return g
}

// winners is the whole index: hash to origin.
type winners struct {
	tables [tables]atomic.Pointer[table]
	keys   int // with an owner
}

func (w *winners) init() {
	for i := range w.tables {
		w.tables[i].Store(newTable(wordsMin))
	}
}

func (w *winners) table(hash uint64) *atomic.Pointer[table] {
	return &w.tables[hash>>(64-tableBits)]
}

// get is for readers.
func (w *winners) get(hash uint64) state.Origin {
	t := w.table(hash).Load()
	at, here := t.find(hash)
	if !here {
		return 0
	}
	return t.owner(at)
}

// put makes o the owner of a hash; 0: nobody.
func (w *winners) put(hash uint64, o state.Origin) {
	p := w.table(hash)
	t := p.Load()
	at, here := t.find(hash)
	if !here {
		if o == 0 {
			return
		}
		if 4*(t.used+1) > 3*len(t.hashes) {
			t = t.grown()
			p.Store(t)
			at, _ = t.find(hash)
		}
		t.used++
	}
	switch was := t.owner(at); {
	case was == 0 && o != 0:
		w.keys++
	case was != 0 && o == 0:
		w.keys--
	}
	atomic.StoreUint32(&t.owners[at], uint32(o))
	atomic.StoreUint64(&t.hashes[at], hash)
}
