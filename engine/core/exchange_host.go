package core

import (
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/sketch"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// exchangeHost is what comparisons, ring repair and rumors ask of the core.
type exchangeHost struct{ *book }

func (h exchangeHost) core() *Core { return (*Core)(h.book) }

func (h exchangeHost) Lacks(p uint32, entries int) {
	h.core().flow.Lacks(h.now, &h.peers[p].flow, entries)
}

func (h exchangeHost) Sent(p uint32, entries int) {
	h.core().flow.With(h.now, &h.peers[p].flow).Sent(entries)
}

func (h exchangeHost) Left(p uint32) int { return h.core().flow.Left(h.now, &h.peers[p].flow) }

func (h exchangeHost) Ahead(max uint64) { h.core().rename(h.me.Behind(h.now)) }

func (h exchangeHost) Busy() { h.core().counters.Drops[DropBusy]++ }

func (h exchangeHost) Author(o state.Origin) uint32 { return h.core().origins[o].peer }

// compareHost is the core as a comparison by version vector sees it.
type compareHost struct{ exchangeHost }

func (h compareHost) Peer(p uint32) *compare.Peer { return &h.core().peers[p].compare }

func (h compareHost) Due(p uint32, what compare.Due) {
	h.core().due.Want(p, [...]uint16{
		compare.DueDigest: dueDigest, compare.DueRuns: dueRuns, compare.DueAsk: dueAsk, compare.DueTurn: dueTurn,
	}[what])
}

func (h compareHost) Moving(o state.Origin) bool {
	c := h.core()
	return c.cfg.Spread != Gossip && c.now-c.origins[o].movedAt < c.settle()
}

func (h compareHost) BuriedShort(short uint64) bool {
	return h.core().graves.HasShort(h.core().now, short, sketch.ShortID)
}

func (h compareHost) Needed(wants []reconcile.Want) {
	c := h.core()
	if !c.cfg.Rumor.Redistribute || !c.received.Fresh { // nothing becomes hot on the word of a frame that was seen before
		return
	}
	for i := range wants {
		if w := &wants[i]; w.Origin != 0 {
			c.rumors.Reheat(w.Origin, w.From)
		}
	}
}

// preciseHost is the core as precise mode sees it.
type preciseHost struct{ exchangeHost }

func (h preciseHost) Peer(p uint32) *precise.Peer { return &h.core().peers[p].precise }

func (h preciseHost) Due(p uint32, what precise.Due) {
	h.core().due.Want(p, [...]uint16{
		precise.DueDigest: dueDigest, precise.DueRuns: dueRuns, precise.DueAsk: dueAsk,
	}[what])
}

func (h preciseHost) Expire(at sched.Instant) {
	if c := h.core(); !c.wheel.Armed(timerPrecise) {
		c.wheel.Set(timerPrecise, at)
	}
}
