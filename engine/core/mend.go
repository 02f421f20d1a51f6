package core

import (
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/interval"
	"github.com/quidnunc/quidnunc/engine/state"
)

// initMending makes ready what finds and mends gaps, dirty origins, and what is forged.
func (c *Core) initMending() {
	host, self := gapHost{&c.peers, &c.origins, &c.roster}, c.store.Owner()
	c.gaps.Init(c.cfg.Limits.Gaps, &gaps.Parts{
		Host: host, Store: c.store, Paths: &c.paths, Board: &c.due, Due: duePull, Timer: c.wheel.Timer(timerGaps), Count: &c.counters.exchangeCounters,
	})
	c.mends.Init(c.now, &interval.Parts{
		Host: mendHost{host, (*book)(c)}, Store: c.store, Own: self, Filler: &c.filler, Board: &c.due, Due: dueMend,
		Timer: c.wheel.Timer(timerMend), Shared: &c.counters.exchangeCounters,
		Audit: c.cfg.auditEvery(), Rand: &c.rand, Count: &c.counters.auditCounters, Doubts: &c.word,
	})
	c.word.Init(&checkpoint.Parts{
		Host: wordHost{mailHost{&c.peers}, &c.origins}, Store: c.store, Own: self, Mender: &c.mends, Witness: accuser{&c.queue, &c.roster},
		Board: &c.due, Due: dueHave, Timer: c.wheel.Timer(timerWord), Lag: &c.paths.Lag, Off: c.cfg.Experiment.NoWord, Precise: c.differ.Scattered(),
		Count: &c.counters.wordCounters, Signing: c.cfg.Signing, Active: c.cfg.Limits.Peers,
	})
}

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
