package precise

import (
	"cmp"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// item is one write that a peer lacks, or that we lack: its origin and version
// name it. Version 0 stands for the origin itself.
type item struct {
	ID      codec.OriginID
	Version uint64
	rank    uint64       // lowest first
	Origin  state.Origin // 0: we do not know it
	intro   bool         // the peer does not know it
}

// list is a bounded list of items for one peer, in the order of precise
// reconciliation. It holds no state of the replica. When it overflows it keeps
// the first ones; the others are found again by a later exchange.
type list struct {
	items  []item // room for twice the bound
	next   int    // the items before are done
	sorted bool
	seen   uint32 // of a list that keeps any: how many were added

	// Budgets of the whole list; when one is used up it is done.
	Frames int // frames that may still leave
	Deltas int // entries that may still leave; negative is unlimited

	Salt uint64 // of a random order
}

// Init gives the list memory for max items. It is the only call that allocates.
func (l *list) Init(max int) { l.items = make([]item, 0, 2*max) }

// Reset empties the list and sets its budgets. A negative deltas is unlimited.
func (l *list) Reset(frames, deltas int) {
	l.items, l.next, l.sorted = l.items[:0], 0, true
	l.seen = 0
	l.Frames, l.Deltas = frames, deltas
}

// Len is the number of items that are left; of nil 0.
func (l *list) Len() int {
	if l == nil {
		return 0
	}
	return len(l.items) - l.next
}

// Done reports whether the list has nothing more to send.
func (l *list) Done() bool { return l.Len() == 0 || l.Frames <= 0 || l.Deltas == 0 }

// Spend takes one of the frames.
func (l *list) Spend() { l.Frames-- }

// add appends an item. A list that is full then is to be sorted and cut to the
// bound.
func (l *list) add(it item) {
	if l.next > 0 {
		l.items = append(l.items[:0], l.items[l.next:]...)
		l.next = 0
	}
	l.items = append(l.items, it)
	l.sorted = false
}

// ask adds to a pull list, which may be nil. When it overflows it keeps the
// lowest names.
func (l *list) ask(it item) {
	if l == nil {
		return
	}
	l.add(it)
	if l.full() {
		l.sortByName()
		l.keep()
	}
}

func (l *list) full() bool { return l.Len() == cap(l.items) }

// keep drops what is beyond the bound; the list is sorted.
func (l *list) keep() { l.items = l.items[:min(len(l.items), l.next+cap(l.items)/2)] }

func byRank(a, b item) int {
	return cmp.Or(cmp.Compare(a.rank, b.rank), byName(a, b))
}

// byName is the order of pull lists.
func byName(a, b item) int {
	return cmp.Or(cmp.Compare(a.ID, b.ID), cmp.Compare(a.Version, b.Version))
}

func (l *list) sortByRank() {
	slices.SortFunc(l.items[l.next:], byRank)
	l.unique()
}

// unique drops what was added twice: windows may come again.
func (l *list) unique() {
	rest := slices.CompactFunc(l.items[l.next:], same)
	l.items, l.sorted = l.items[:l.next+len(rest)], true
}

func same(a, b item) bool { return a.ID == b.ID && a.Version == b.Version }

// sortByName makes a pull list ready: whoever asks for all of an origin asks
// for nothing else of it.
func (l *list) sortByName() {
	slices.SortFunc(l.items[l.next:], byName)
	kept := l.items[:l.next]
	for _, it := range l.items[l.next:] {
		if n := len(kept); n > l.next && kept[n-1].ID == it.ID && (kept[n-1].Version == it.Version || kept[n-1].Version == 0) {
			continue
		}
		kept = append(kept, it)
	}
	l.items, l.sorted = kept, true
}
