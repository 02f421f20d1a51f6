package flow

import (
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/sched"
)

// Peer is what is kept of a peer, and of whoever is not talked with: the ledger, which both ends count
// on. The zero value is one that was never met.
type Peer struct {
	pair Pair
	part active.Ticket
}

// Renewed forgets what was agreed with a peer under an earlier origin.
func (p *Peer) Renewed() { p.pair = Pair{} }

// dealings are what is kept of a peer that is sent data, or that an exchange runs with. With one that
// was not for long they begin anew, as with one that is new.
type dealings struct {
	budget Budget
	with   Exchange // the exchange that runs with it
	tell   bool     // the next frame tells our rates
	begun  bool     // the budget knows from which frame on it judges
}

// partBytes is what dealings take; a test holds it.
const partBytes = 136

// ActiveBytes is what an active peer has beside its Peer.
const ActiveBytes = partBytes + active.PartBytes

// ActiveFootprint is what the budgets of so many peers take, of which most are kept at once; 0: as many
// as is usual.
func ActiveFootprint(most, peers int) int { return active.Footprint(most, peers, ActiveBytes) }

// budgets are the dealings with those that are talked with.
type budgets struct {
	parts active.Parts[dealings]
	rest  dealings // with all others

	cuts, timeouts uint64 // of dealings that are over
}

// Init makes them ready for so many at once.
func (f *budgets) Init(now sched.Instant, most, frame int) {
	f.parts.Init(most)
	f.rest.budget.Init(now, frame, 0)
}

// look is the dealings with a peer, to be read.
func (f *budgets) look(p *Peer) *dealings {
	if x := f.parts.Look(p.part); x != nil {
		return x
	}
	return &f.rest
}

// of is the dealings with a peer that is talked with now.
func (f *budgets) of(now sched.Instant, p *Peer) *dealings {
	x, fresh := f.parts.Take(now, &p.part)
	if fresh {
		f.cuts += uint64(x.budget.Cuts)
		f.timeouts += uint64(x.budget.Silent)
		*x = f.rest
		x.budget.at, x.budget.from = now, now
	}
	return x
}

// spend takes a frame out of the budget. Whatever left before the first one is not judged.
func (x *dealings) spend(now sched.Instant, bytes int, seq uint32, asked bool) {
	if !x.begun {
		x.begun, x.budget.judged = true, seq-1
	}
	x.budget.Spend(now, bytes, seq, asked)
}

// acked takes an acknowledgement.
func (x *dealings) acked(now sched.Instant, a *Ack) {
	if !x.begun {
		x.budget.judged = a.High
	}
	x.budget.Acked(now, a)
}

// RepairFirst reports whether a frame to a peer with repair due, or what is as weighty, begins with
// it though there is news.
func (f *Control) RepairFirst(p *Peer, due uint32) bool {
	x, d := f.parts.Look(p.part), &f.cfg.Due
	return x != nil && due&d.News != 0 && due&(d.Repairs|d.Weighty) != 0 && x.budget.RepairFirst()
}
