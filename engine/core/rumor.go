package core

import (
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
)

// initRumors makes the rumors ready. The fan-out by cluster size is at most 16.
func (c *Core) initRumors() {
	c.rumors.Init(c.cfg.Rumor, max(16, c.cfg.Fanout), &rumor.Parts{
		Host: rumorHost{exchangeHost{(*book)(c)}}, Store: &c.store, Filler: &c.filler, Rand: &c.rand,
		Count: &c.counters.rumorCounters, Shared: &c.counters.exchangeCounters,
	})
}

// rumorHost is the core as the spreading of rumors sees it.
type rumorHost struct{ exchangeHost }

func (h rumorHost) Peer(p uint32) *rumor.Peer { return &h.core().peers[p].rumor }

func (h rumorHost) Partners() []uint32 { return h.core().roster.Partners() }

func (h rumorHost) Fanout() int { return h.core().fanout() }

func (h rumorHost) Due(p uint32, what rumor.Due) {
	h.core().due.Want(p, [...]uint16{
		rumor.DueWindows: dueRumor, rumor.DueContact: dueContact, rumor.DueAnswers: dueAnswers,
	}[what])
}

// Wake makes sure that the cycle ends.
func (h rumorHost) Wake() {
	c := h.core()
	if c.flush.End() {
		c.wheel.Set(timerFlush, c.now+c.cfg.FlushMax)
	}
}

// onFeedback takes what rumors came to, here and there.
func (c *Core) onFeedback(_ uint32, body []byte) bool { return c.rumors.Receive(&c.received, body) }

// forgetNews takes a removed origin out of what is told of it.
func (c *Core) forgetNews(o state.Origin) {
	c.rumors.Forget(o)
	c.differ.Forget(o)
	c.events.Forget(uint32(o))
}
