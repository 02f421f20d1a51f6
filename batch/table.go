package batch

import (
	"slices"
	"sync/atomic"
)

// Table is a Poller's list of its Conns, for implementations: readers need no lock, since
// it is replaced whole and never written in place. The zero value is empty.
type Table[C any] struct {
	now atomic.Pointer[[]C]
}

// All is the list as it is now; it is only to be read.
func (t *Table[C]) All() []C {
	if list := t.now.Load(); list != nil {
		return *list
	}
	return nil
}

// Change replaces the list by what edit makes of a copy. edit is called again if another
// change came between.
func (t *Table[C]) Change(edit func([]C) []C) {
	for {
		old := t.now.Load()
		var fresh []C
		if old != nil {
			fresh = slices.Clone(*old)
		}
		fresh = edit(fresh)
		if t.now.CompareAndSwap(old, &fresh) {
			return
		}
	}
}
