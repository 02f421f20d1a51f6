package flow

import (
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// State is what flow control does at this node now. Rates are in bytes a second, or
// in thousandths of entries where those are counted.
type State struct {
	Used, Desired, Allowed uint32 // own writes; Allowed is RateMax while Free
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

// PeerState is the budget of one peer. Rates are in bytes a second.
type PeerState struct {
	Peer     uint32
	Rate     uint32 // that may leave now: the least of the two below
	Own      uint32 // that losses and delays allow
	Credit   uint32 // that the peer allows; 0: it states none
	Loss     uint32 // parts per million, smoothed
	RTT      sched.Instant
	Deferred int  // bytes of own entries that it has not been sent, about
	Waiting  bool // something is held back
	Stalled  bool // it left several rounds unanswered
	Cuts     uint32
	Timeouts uint32
}

// State is that of the node, to which Add adds its peers.
func (f *Control) State() State {
	s := State{
		Used: f.meter.Used(), Desired: f.meter.Wants(), Allowed: f.Allowed(), Free: f.source.Free(),
		Receiving: f.receiver.Rate(), Credit: f.receiver.Level(), Pressed: f.receiver.Hot(),
		Cuts: f.source.Cuts, Raises: f.source.Raises, Clamped: f.source.Clamped,
		BudgetCuts: f.cuts, BudgetTimeouts: f.timeouts,
	}
	if f.behind {
		s.Unpublished = f.unpublished()
	}
	return s
}

// Add counts a peer.
func (s *State) Add(x *PeerState) {
	s.Sending += uint64(x.Rate)
	s.Deferred += x.Deferred
	s.BudgetCuts += uint64(x.Cuts)
	s.BudgetTimeouts += uint64(x.Timeouts)
	if x.Waiting {
		s.Waiting++
	}
	if x.Stalled {
		s.Silent++
	}
}

// Peer is the state of a peer h that was sent the own writes up to a version; false:
// there are no budgets.
func (f *Control) Peer(p *Peer, h uint32, sent uint64) (x PeerState, ok bool) {
	if f.cfg.Flow == tune.FlowOff {
		return x, false
	}
	b := &f.look(p).budget
	x = PeerState{
		Peer: h, Rate: b.Rate(), Own: b.Own(), Credit: b.Credit(), Loss: b.Loss(), RTT: b.RTT(),
		Waiting: f.board.Held(h) != 0, Stalled: b.Stalled(), Cuts: b.Cuts, Timeouts: b.Silent,
	}
	if sent < f.store.Max(f.own) {
		x.Deferred = f.store.Missing(f.own, sent) * f.meanBytes()
	}
	return x, true
}
