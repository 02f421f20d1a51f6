package core

import "github.com/quidnunc/quidnunc/engine/state"

// mendHost is the core as the mender of dirty origins sees it.
type mendHost struct{ gapHost }

func (h mendHost) Source(o state.Origin) uint32 {
	if p := h.origins[o].peer; h.peers[p].Open() {
		return p
	}
	return h.Partner()
}

func (h mendHost) Mended(o state.Origin, keys int) {
	h.counters.Mended += uint64(keys)
	top := h.store.Max(o)
	(*Core)(h.book).declares(o, top, top) // who watches looks again
}
