package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// StartRepair starts a walk of ring repair from here: see walk.Repair.Start.
func (c *Core) StartRepair(now sched.Instant) bool {
	c.enter(now)
	return c.walks.Start(c.now)
}

// Repair is this node's part in ring repair, to look at it and to end its walk.
func (c *Core) Repair() *walk.Repair { return &c.walks }

// repairPeriod starts a walk each RepairEvery.
func (c *Core) repairPeriod() {
	c.wheel.Set(timerPeriod, c.now+c.rand.JitterLittle(c.cfg.RepairEvery))
	c.walks.Period(c.now)
}

// onToken takes a Repair record.
func (c *Core) onToken(_ uint32, body []byte) bool {
	return c.judge(c.walks.Receive(&c.received, body))
}

// walkHost is the core as ring repair sees it.
type walkHost struct{ exchangeHost }

func (h walkHost) Members(dst []codec.OriginID) []codec.OriginID {
	c := h.core()
	for p := 1; p < len(c.peers); p++ {
		if c.repairable(uint32(p)) {
			dst = append(dst, c.peers[p].id)
		}
	}
	return dst
}

func (h walkHost) Find(id codec.OriginID) uint32 {
	if p := h.core().roster.Find(id); h.core().repairable(p) {
		return p
	}
	return 0
}

func (c *Core) repairable(p uint32) bool { return p != 0 && c.peers[p].Open() && c.guard.Reachable(p) }

func (h walkHost) ID(p uint32) codec.OriginID { return h.core().peers[p].id }

func (h walkHost) Peer(p uint32) *walk.Peer { return &h.core().peers[p].walk }

func (h walkHost) RTT(p uint32) *sched.RTT { return &h.core().peers[p].link.RTT }

func (h walkHost) MovedAt(o state.Origin) sched.Instant { return h.core().origins[o].movedAt }

func (h walkHost) Due(p uint32) { h.core().due.Want(p, dueToken) }

func (h walkHost) Wake(at sched.Instant) { h.core().wheel.Set(timerRepair, at) }

func (h walkHost) Forged() { h.core().counters.Drops[DropForged]++ }

// judge counts a record that is of no use here, and reports whether it could be parsed.
func (c *Core) judge(v reconcile.Verdict) (parsed bool) {
	if v == reconcile.OtherMode {
		c.counters.Drops[DropMode]++
	}
	return v != reconcile.Malformed
}
