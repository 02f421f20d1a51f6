package core

import (
	"github.com/quidnunc/quidnunc/sched"
)

// FlowState is what flow control does at this node now. Rates are in bytes a
// second, or in thousandths of entries where those are counted.
type FlowState struct {
	Used, Desired, Allowed uint32 // own writes; Allowed is flow.RateMax while Free
	Free                   bool   // no congestion: the own rate is not bounded
	Unpublished            int    // own entries that wait for it
	Receiving, Credit      uint64 // what arrives, and what each sender is told that it may send; 0: anything
	Pressed                bool   // there is a standing queue of received frames

	Cuts, Raises    uint64 // of the own rate
	Clamped         uint64 // absurd rates that peers told
	Sending         uint64 // sum of the budgets of all peers
	Deferred        int    // bytes of own entries that peers have not been sent, about
	BudgetCuts      uint64 // of all peers
	BudgetTimeouts  uint64
	Waiting, Silent int // peers for which something is held back, and that do not answer
}

// PeerFlow is the budget of one peer. Rates are in bytes a second.
type PeerFlow struct {
	Peer     uint32
	Rate     uint32 // that may leave now: the least of the two below
	Own      uint32 // that losses and delays allow
	Credit   uint32 // that the peer allows; 0: it states none
	Loss     uint32 // parts per million, smoothed
	RTT      sched.Instant
	Deferred int  // bytes of own entries that it has not been sent, about
	Waiting  bool // something is held back
	Cuts     uint32
	Timeouts uint32
}

// FlowState sums up flow control. It looks at every peer.
func (c *Core) FlowState() FlowState {
	f := &c.flow
	s := FlowState{
		Used: f.meter.Used(), Desired: f.meter.Wants(), Allowed: c.Allowed(), Free: f.source.Free(),
		Receiving: f.receiver.Rate(), Credit: f.receiver.Level(), Pressed: f.receiver.Hot(),
		Cuts: f.source.Cuts, Raises: f.source.Raises, Clamped: f.source.Clamped,
	}
	if f.behind {
		s.Unpublished = c.store.Missing(c.self, c.store.Max(c.self))
	}
	for p := uint32(1); int(p) < len(c.peers); p++ {
		x, ok := c.PeerFlow(p)
		if !ok {
			continue
		}
		s.Sending += uint64(x.Rate)
		s.Deferred += x.Deferred
		s.BudgetCuts += uint64(x.Cuts)
		s.BudgetTimeouts += uint64(x.Timeouts)
		if x.Waiting {
			s.Waiting++
		}
		if c.peers[p].budget.Stalled() {
			s.Silent++
		}
	}
	return s
}

// PeerFlow tells the budget of a peer; false if frames don't go there.
func (c *Core) PeerFlow(p uint32) (x PeerFlow, ok bool) {
	if p == 0 || int(p) >= len(c.peers) {
		return x, false
	}
	q := &c.peers[p]
	if !q.proven() || q.left() || c.cfg.Flow == FlowOff {
		return x, false
	}
	b := &q.budget
	x = PeerFlow{
		Peer: p, Rate: b.Rate(), Own: b.Own(), Credit: b.Credit(), Loss: b.Loss(), RTT: b.RTT(),
		Waiting: q.held != 0, Cuts: b.Cuts, Timeouts: b.Silent,
	}
	if c.spread() == Mail && q.mail.At() < c.store.Max(c.self) {
		x.Deferred = c.store.Missing(c.self, q.mail.At()) * c.meanBytes()
	}
	return x, true
}

// meanBytes is about what an own entry takes in a frame.
func (c *Core) meanBytes() int {
	return entryCost + c.store.Bytes(c.self)/max(1, c.store.Keys(c.self))
}
