package staleness

import (
	"github.com/quidnunc/quidnunc/fuzz/sim"
	"github.com/quidnunc/quidnunc/sched"
)

// Pairs chooses partners so that in each second everybody calls one and is called by one:
// the participants stand in a ring, each calls the next one, and the ring is shuffled each
// second. The paper says only that partners are random. This is the choice with which its
// figure comes out: where somebody may be called three times in one second and not at all
// in the next, what it receives varies by so much that precise-newest peaks an eighth higher
// and some ten seconds later (package paper).
type Pairs struct {
	w      *sim.World
	rand   sched.Rand
	second sched.Instant
	ring   []int // of node numbers
	place  []int // by node: where it stands
}

// Init makes pairs of a world's nodes.
func (p *Pairs) Init(w *sim.World, seed uint64) {
	p.w, p.second = w, -1
	p.rand.Seed(seed)
	p.ring, p.place = make([]int, len(w.Nodes)), make([]int, len(w.Nodes))
	for i := range p.ring {
		p.ring[i] = i
	}
}

// Of is the peer that node i calls in this second, by its handle there; 0 if it does not
// know it.
func (p *Pairs) Of(i int) uint32 {
	if p.w == nil {
		return 0
	}
	if s := p.w.Now() / sched.Second; s != p.second {
		p.second = s
		for k := len(p.ring) - 1; k > 0; k-- {
			j := int(p.rand.Uint32n(uint32(k + 1)))
			p.ring[k], p.ring[j] = p.ring[j], p.ring[k]
		}
		for at, node := range p.ring {
			p.place[node] = at
		}
	}
	return p.w.Nodes[i].PeerOf(p.w.Nodes[p.ring[(p.place[i]+1)%len(p.ring)]])
}
