package due

import "github.com/quidnunc/quidnunc/sched"

// Board is what is due at the peers of a node, by handle. The zero Board is not ready:
// call Init.
type Board struct {
	turns sched.Turns
	peers []peer
}

type peer struct{ due, held uint32 }

// Init makes room for handles from 1 to `handles`.
func (b *Board) Init(handles int) {
	b.turns.Init(handles)
	b.peers = make([]peer, handles+1)
}

// Want makes bits due at a peer, but for those that are held back there.
func (b *Board) Want(p uint32, bits uint32) {
	x := &b.peers[p]
	x.due |= bits &^ x.held
	if x.due != 0 {
		b.turns.Push(p)
	}
}

// Of is what is due at a peer.
func (b *Board) Of(p uint32) uint32 { return b.peers[p].due }

// Has reports whether any of some bits is due at a peer.
func (b *Board) Has(p uint32, bits uint32) bool { return b.peers[p].due&bits != 0 }

// Done takes bits out of what is due, and reports whether any of them was.
func (b *Board) Done(p uint32, bits uint32) (was bool) {
	x := &b.peers[p]
	was = x.due&bits != 0
	x.due &^= bits
	return was
}

// Hold holds bits back that are due at a peer. It reports whether anything is held
// there now.
func (b *Board) Hold(p uint32, bits uint32) (any bool) {
	x := &b.peers[p]
	x.due &^= bits
	x.held |= bits
	return x.held != 0
}

// Held is what is held back at a peer.
func (b *Board) Held(p uint32) uint32 { return b.peers[p].held }

// Release makes due again what was held back at a peer.
func (b *Board) Release(p uint32) {
	if bits := b.peers[p].held; bits != 0 {
		b.peers[p].held = 0
		b.Want(p, bits)
	}
}

// Drop gives up what is due or held back at a peer, all but some bits.
func (b *Board) Drop(p uint32, but uint32) {
	x := &b.peers[p]
	x.due &= but
	x.held = 0
}

// Next is the peer whose turn it is; 0: nothing is due anywhere.
func (b *Board) Next() uint32 { return b.turns.First() }

// End ends the turn of the peer whose turn it is. What is due there and not held is
// given up.
func (b *Board) End() {
	b.peers[b.turns.First()].due = 0
	b.turns.Pop()
}
