package delegate

import (
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/settle"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Due are what delegation may make due at a peer, as bits of the host's own.
type Due struct {
	Parcels uint32 // Append
	Answers uint32 // AppendAnswers
}

// Clock is what the node's clock shows.
type Clock interface {
	Wall(now sched.Instant) sched.Wall
}

// Node is the node around a Relay.
type Node interface {
	// Path and Origin are those of a peer: the way to it, and what it writes.
	Path(p uint32) *link.Path
	Origin(p uint32) state.Origin
}

// News decides when news leaves: package mail.
type News interface {
	// Pass lets what waits leave, at once or with the next flush.
	Pass(now sched.Instant)
	// Owe sees to it that the peer is sent a frame before its patience with us ends.
	Owe(now sched.Instant, p uint32)
	// Pushes reports whether this node sends news before it is asked for it.
	Pushes() bool
}

// Needs are told what peers turned out to lack.
type Needs interface {
	Needed(f *reconcile.Frame, wants []reconcile.Want)
}

// RelayParts are what a Relay shares with the node around it.
type RelayParts struct {
	Node   Node
	Clock  Clock
	News   News
	Settle *settle.Settle
	Needs  Needs // is told what Needed is told
	Roster *roster.Roster
	Paths  *link.Paths
	Store  *state.Store
	Own    state.Origin
	Filler *reconcile.Filler
	Board  *due.Board
	Due    Due
	Timer  sched.Timer // wakes Expire
	Fanout int         // see Config; what is out of range is the next in it
	Seed   uint64      // of the cluster

	AckDelay sched.Instant // for so long a lazy acknowledgement waits for a ride

	Count  *Counters
	Shared *reconcile.Counters
}
