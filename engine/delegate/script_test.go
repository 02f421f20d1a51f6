package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/fuzz/golden"
	"github.com/quidnunc/quidnunc/sched"
)

// TestTreeScript: twelve members tell each other through loss, refusals, deaths and returns,
// members that lie, tables that are full and members without a turn.
func TestTreeScript(t *testing.T) {
	for name, flying := range map[string]int{"room": 1024, "full": 12} {
		t.Run(name, func(t *testing.T) {
			golden.Run(t, 1200, func(s *golden.Script) {
				w := newWorld(scriptNodes, 3, 5)
				for _, n := range w.nodes {
					n.tree.Init(Config{Fanout: 3, Flying: flying, Blame: 8 * ms}, &n.tree.parts)
					n.missed = map[uint32]bool{}
				}
				loss := uint32(0)
				w.lost = func(int, int) bool { return s.Rand.Uint32n(100) < loss }
				for s.Next() {
					if s.Chance(40) {
						loss = []uint32{0, 0, 0, 5, 30, 100}[s.Rand.Uint32n(6)]
					}
					w.anything(s)
					w.run(w.now + sched.Instant(s.UpTo(uint64(20*ms))))
					w.check(t)
					for _, n := range w.nodes {
						s.Say(n.count, n.tree.unasked, n.alarm, n.tree.Waiting(), n.tree.next)
					}
					n := w.nodes[s.Rand.Uint32n(scriptNodes)]
					s.Say(n.held, n.tree.recent, n.peers)
				}
			})
		})
	}
}

const scriptNodes = 12

// anything has one thing happen to one of the nodes.
func (w *world) anything(s *golden.Script) {
	i, k := int(s.Rand.Uint32n(scriptNodes)), int(s.Rand.Uint32n(scriptNodes))
	n, p, o := w.nodes[i], uint32(k+1), 1+s.Rand.Uint32n(scriptNodes)
	switch s.Rand.Uint32n(12) {
	case 0:
		n.tree.Gone(w.now, p)
	case 1:
		for range 3 {
			n.missed[n.frames-min(n.frames, s.Rand.Uint32n(8))] = true
		}
		n.tree.Lost(w.now, p)
	case 2:
		n.tree.Lacks(w.now, w.place(k), uint32(i+1), n.held[i+1]-min(n.held[i+1], s.UpTo(4)))
	case 3:
		n.tree.Forget(o)
	case 4:
		n.tree.Direct(int(s.Rand.Uint32n(4)) * 4)
	case 5, 6:
		s.Say(n.tree.Take(w.now, w.anyOffer(s, i, k, o)))
	default:
		for range 1 + s.Rand.Uint32n(3) {
			w.write(i, n.held[i+1]+1+s.UpTo(3))
		}
	}
}

// anyOffer is one that somebody may have made, or that nobody can have.
func (w *world) anyOffer(s *golden.Script, to, from int, o uint32) *Offer {
	at := w.place(to)
	width := uint64(1) << (40 + s.Rand.Uint32n(24))
	x := &Offer{
		Parcel: Parcel{
			Range: Range{at - min(at, s.UpTo(width)), at + min(^at, s.UpTo(width))}, Alone: s.Chance(3), Asks: s.Chance(12), Lazy: s.Chance(2),
			Origin: o, From: s.UpTo(20), Serial: uint32(s.UpTo(60)),
		},
		Peer: uint32(from + 1), Sender: w.place(from), Author: w.place(int(o - 1)), Old: s.Chance(5), Refuse: s.Chance(8),
	}
	x.News = x.From + s.UpTo(4)
	x.To = x.News + s.UpTo(4)
	x.Held = w.nodes[to].held[o]
	x.Before = x.Held - min(x.Held, s.UpTo(3))
	return x
}
