package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/settle"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// StartRepair starts a walk of ring repair from here: see walk.Repair.Start.
func (c *Core) StartRepair(now sched.Instant) bool {
	c.enter(now)
	return c.walks.Start(c.now)
}

// repairPeriod starts a walk each RepairEvery.
func (c *Core) repairPeriod() {
	c.wheel.Set(timerPeriod, c.now+c.rand.JitterLittle(c.cfg.RepairEvery))
	c.walks.Period(c.now)
}

// walkHost is what ring repair sees of the node.
type walkHost struct {
	*peerList
	*originList
	*settle.Settle
	roster *roster.Roster
	guard  *protect.Mode
}

func (h walkHost) Members(dst []codec.OriginID) []codec.OriginID {
	for p := range *h.peerList {
		if q := &(*h.peerList)[p]; q.Open() && (*h.guard).Reachable(uint32(p)) {
			dst = append(dst, q.id)
		}
	}
	return dst
}

func (h walkHost) Find(id codec.OriginID) uint32 {
	if p := h.roster.Find(id); (*h.peerList)[p].Open() && (*h.guard).Reachable(p) {
		return p
	}
	return 0
}

func (h walkHost) Peer(p uint32) *walk.Peer { return &(*h.peerList)[p].walk }

// judge acts on what became of a record, and reports whether it could be parsed.
func (c *Core) judge(v reconcile.Verdict) (parsed bool) {
	switch v {
	case reconcile.OtherMode:
		c.counters.Drops[DropMode]++
	case reconcile.Forged:
		c.counters.Drops[DropForged]++
	case reconcile.Unknown:
		c.counters.Drops[DropUnknown]++
	case reconcile.Outdone:
		c.rename(c.me.Behind(c.now))
	}
	return v != reconcile.Malformed
}
