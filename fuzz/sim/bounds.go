package sim

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/flow"
)

// rates sums up what nodes took and gave of their rates.
type rates struct{ taken, given uint64 }

func (r *rates) add(l flow.Ledger) { r.taken, r.given = r.taken+l.Taken, r.given+l.Given }

// balanced checks that a node's rate is what it began with, adapted, gave and took.
func (w *World) balanced(n *Node) {
	l := n.Core.Parts().Flow.Ledger()
	if l.Start+l.Raised+l.Taken != l.Rate+l.Lowered+l.Given+l.Spilled {
		w.broken("ledger", "node %d: its rate does not sum up: %+v", n.Index, l)
	}
}

// shared checks that nodes have not taken more of each other's rates than they gave. Who
// lies may say that they gave, and who forgets what they took is given it again.
func (w *World) shared() {
	all := w.ended
	for _, n := range w.Nodes {
		if n.forgot || len(n.log.twins) > 0 {
			return
		}
		if n.Up {
			all.add(n.Core.Parts().Flow.Ledger())
		}
	}
	if w.liar == nil && all.taken > all.given {
		w.broken("ledger", "nodes took %d of each other's rates and gave %d", all.taken, all.given)
	}
}

// gate is what a node received from an address, and sent there unasked for proof.
type gate struct {
	in, out uint64 // bytes; out: while nobody had answered from there
	peer    uint32 // who was there last
}

func (n *Node) gate(a netip.AddrPort) *gate {
	g := n.gates[a]
	if g == nil {
		g = new(gate)
		n.gates[a] = g
	}
	return g
}

// amplified checks that what a node sends to an address, where nobody has proved to read it,
// is no more than a few times what came from there. Greetings and what detectors say answer
// nobody: they go to whom members tell of, few and seldom.
func (w *World) amplified(n *Node, to netip.AddrPort, frame []byte) {
	g := n.gate(to)
	if n.proven(g, to) || n.cfg.Keys != nil || unasked(frame) { // what is sealed does not tell what it is
		return
	}
	if g.out += uint64(len(frame)); g.out > door.Amplification*g.in {
		w.broken("amplified", "node %d sent %d bytes to %v, which has not proved to be there; %d came from there", n.Index, g.out, to, g.in)
	}
}

// proven tells whether a member has answered from an address.
func (n *Node) proven(g *gate, a netip.AddrPort) bool {
	if q, ok := n.Core.Peer(g.peer); ok && q.Proven && q.Addr == a {
		return true
	}
	for p := uint32(1); p < n.Core.Peers(); p++ {
		if q, ok := n.Core.Peer(p); ok && q.Proven && q.Addr == a {
			g.peer = p
			return true
		}
	}
	return false
}

// unasked tells whether a frame in clear begins with a greeting, or is the detector's.
func unasked(frame []byte) bool {
	var h codec.Header
	records, err := codec.ParseFrame(frame, &h)
	if err != nil {
		return false
	}
	switch t, _, _ := codec.NextRecord(records); t {
	case codec.TypeHello, codec.TypeProbe, codec.TypeVote, codec.TypeVerdict, codec.TypeObserved:
		return true
	}
	return false
}
