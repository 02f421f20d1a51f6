package reconciletest

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// What both kinds of comparison ask of their host.

// Intro implements reconcile.Book.
func (n *Node) Intro(o state.Origin, in *codec.Intro) {
	*in = codec.Intro{ID: n.Store.ID(o), Gen: n.Store.Gen(o), Name: n.Store.Name(o)}
}

// Lacks adds to Lacked.
func (n *Node) Lacks(_ sched.Instant, _ uint32, entries int) { n.Lacked += entries }

// Sent adds to Gone.
func (n *Node) Sent(_ sched.Instant, _ uint32, entries int) { n.Gone += entries }

// Left is any number.
func (n *Node) Left(sched.Instant, uint32) int { return -1 }
