package core

import (
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
)

// initRumors makes the rumors ready. The fan-out by cluster size is at most 16.
func (c *Core) initRumors() {
	c.rumors.Init(c.cfg.Rumor, max(16, c.cfg.Fanout), &rumor.Parts{
		Host: rumorHost{&c.peers, &c.origins, &c.roster, &c.mail}, Store: &c.store, Filler: &c.filler, Rand: &c.rand,
		Board: &c.due, Due: rumor.Due{Windows: dueRumor, Contact: dueContact, Answers: dueAnswers}, Cycles: &c.mail,
		Count: &c.counters.rumorCounters, Shared: &c.counters.exchangeCounters, Busy: &c.counters.Drops[DropBusy],
	})
}

// rumorHost is what the spreading of rumors sees of the node.
type rumorHost struct {
	*peerList
	*originList
	*roster.Roster
	*mail.Mail
}

func (h rumorHost) Peer(p uint32) *rumor.Peer { return &(*h.peerList)[p].rumor }
