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
	stamps []Stamp  // of the claim that wins, where it is plain, else 0; the writer's own
	used   int      // words with a hash
}

func newTable(words int) *table {
	return &table{hashes: make([]uint64, words), owners: make([]uint32, words), stamps: make([]Stamp, words)}
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
			g.hashes[at], g.owners[at], g.stamps[at] = t.hashes[i], o, t.stamps[i]
			g.used++
		}
	}
	return g
}

// winners is the whole index: hash to origin.
type winners struct {
	tables [tables]atomic.Pointer[table] // nil until a key comes
	keys   int                           // with an owner
	wins   []uint32                      // keys by owner
}

func (w *winners) table(hash uint64) *atomic.Pointer[table] {
	return &w.tables[hash>>(64-tableBits)]
}

// get is for readers.
func (w *winners) get(hash uint64) state.Origin {
	t := w.table(hash).Load()
	if t == nil {
		return 0
	}
	at, here := t.find(hash)
	if !here {
		return 0
	}
	return t.owner(at)
}

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

// put makes o the owner of a hash, 0: nobody, with the stamp of its claim if that is plain.
func (w *winners) put(hash uint64, o state.Origin, s Stamp) {
	p := w.table(hash)
	t := p.Load()
	if t == nil {
		t = newTable(wordsMin)
		p.Store(t)
	}
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
	if was := t.owner(at); was != 0 {
		w.keys--
		w.wins[was]--
	}
	if o != 0 {
		w.keys++
		w.wins[o]++
	}
	t.stamps[at] = s
	atomic.StoreUint32(&t.owners[at], uint32(o))
	atomic.StoreUint64(&t.hashes[at], hash)
}
