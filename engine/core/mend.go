package core

import "github.com/quidnunc/quidnunc/engine/state"

// mendHost is what the mender of dirty origins sees of the node.
type mendHost struct {
	gapHost
	*book
}

func (h gapHost) Source(o state.Origin, missed uint32) uint32 {
	if p := h.Author(o); p != missed && (*h.peerList)[p].Open() {
		return p
	}
	return h.Partner()
}

func (h mendHost) Mended(o state.Origin, keys int) {
	h.counters.Mended += uint64(keys)
	top := h.store.Max(o)
	(*Core)(h.book).declares(o, top, top) // who watches looks again
}
