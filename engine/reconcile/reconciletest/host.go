package reconciletest

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
)

// What both kinds of comparison ask of their host.

func (n *Node) intoIntro(o state.Origin) {
	n.intro = codec.Intro{ID: n.Store.ID(o), Gen: n.Store.Gen(o), Name: n.Store.Name(o)}
}

// AppendIntro implements reconcile.Book.
func (n *Node) AppendIntro(dst []byte, o state.Origin) []byte {
	n.intoIntro(o)
	return codec.AppendIntro(dst, &n.intro)
}

// IntroBytes implements reconcile.Book.
func (n *Node) IntroBytes(o state.Origin) int {
	n.intoIntro(o)
	return codec.IntroBytes(&n.intro)
}

// Buried implements reconcile.Book: nobody is.
func (n *Node) Buried(codec.OriginID) bool { return false }

// Settled implements reconcile.Book: nothing is on its way by push.
func (n *Node) Settled(o state.Origin) uint64 { return n.Store.Max(o) }

// Coming implements reconcile.Book: nothing is pushed.
func (n *Node) Coming(state.Origin, uint64) bool { return false }

// Weight implements reconcile.Book: all weigh the same.
func (n *Node) Weight(state.Origin) int { return 1 }

// Lacks adds to Lacked.
func (n *Node) Lacks(_ uint32, entries int) { n.Lacked += entries }

// Sent adds to Gone.
func (n *Node) Sent(_ uint32, entries int) { n.Gone += entries }

// Left is any number.
func (n *Node) Left(uint32) int { return -1 }

// Ahead sets Most.
func (n *Node) Ahead(max uint64) { n.Most = max }

// Busy adds to Given.
func (n *Node) Busy() { n.Given++ }
