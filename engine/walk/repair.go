package walk

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	rtoMin      = 20 * sched.Millisecond
	rtoMax      = 250 * sched.Millisecond
	waitMax     = sched.Second      // longest between two questions
	triesMax    = 5                 // then the successor is skipped
	stallsMax   = 8                 // equal answers in a row that lack something
	roundsMax   = 8                 // of a window in which only moving origins lack something
	patience    = 10 * sched.Second // without news a walk is lost
	reportEvery = 2 * sched.Second  // on a hop that takes long
)

// Host is the node around ring repair.
type Host interface {
	// Members appends the members that can be sent to, in any order.
	Members(dst []codec.OriginID) []codec.OriginID
	// Find is the peer with that id, 0 if it is none that can be sent to.
	Find(id codec.OriginID) uint32
	// ID is the id of a peer.
	ID(p uint32) codec.OriginID
	// Peer is what is kept of a peer; good until the host adds one.
	Peer(p uint32) *Peer
	// RTT is the round trip to a peer.
	RTT(p uint32) *sched.RTT
	// Author is the peer that writes an origin, 0 for none.
	Author(o state.Origin) uint32
	// MovedAt is when an origin last moved on.
	MovedAt(o state.Origin) sched.Instant
}

// Parts are what ring repair shares with the node around it.
type Parts struct {
	Host    Host
	Store   *state.Store
	Vectors *compare.Compare // which sends what a successor lacks
	Board   *due.Board
	Due     uint32      // of the board: tokens for a peer, which Append appends
	Timer   sched.Timer // it wakes Step
	Rand    *sched.Rand
	Count   *Counters
	Shared  *reconcile.Counters
	Busy    *uint64 // counts what was given up for want of room
}

// Counters are what ring repair did, beside reconcile.Counters.
type Counters struct {
	RepairHops uint64 // walks of ring repair that came here
}

// Peer is what is kept of a peer: it may have asked for a digest of ours.
type Peer struct {
	at      codec.OriginID // from here
	showing bool
}

// Repair is one node's part in ring repair. The zero Repair takes no part: it is for
// clusters that compare by key. One caller at a time.
type Repair struct {
	host    Host
	store   *state.Store
	vectors *compare.Compare
	board   *due.Board
	due     uint32
	timer   sched.Timer
	rand    *sched.Rand
	n       *Counters
	shared  *reconcile.Counters
	busy    *uint64

	self   codec.OriginID
	walker Walker
	hops   [WalksMax]hop
	ring   []codec.OriginID // scratch
	queue  queue
	final  final
}

// Init makes a node's part ready; id is the node's.
func (r *Repair) Init(id codec.OriginID, parts *Parts) {
	*r = Repair{
		host: parts.Host, store: parts.Store, vectors: parts.Vectors, rand: parts.Rand,
		board: parts.Board, due: parts.Due, timer: parts.Timer,
		n: parts.Count, shared: parts.Shared, busy: parts.Busy, self: id,
	}
	r.walker.Init(id)
}

// Rename tells that the node has another id. Walks that are here end: their starters
// find them lost.
func (r *Repair) Rename(id codec.OriginID) {
	r.self = id
	r.walker.Init(id)
	r.hops = [WalksMax]hop{}
}

// State says how a walk that this node started stands.
type State uint8

// The states of an own walk.
const (
	StateIdle State = iota // there is none
	StateWalking
	StateDone
	StateLost // no news for long: a member went with the token
)

// Start starts a walk from here. It returns false if one that was started here is
// under way, if this node takes part in too many, or if the cluster compares by key.
func (r *Repair) Start(now sched.Instant) bool {
	if r.host == nil || !r.walker.Start(r.rand.Uint64()|1, r.live(), now, patience) {
		return false
	}
	r.Step(now)
	return true
}

// Period starts a walk if this node is the first member of the ring, so that a
// cluster in which all have the same period has one walk at a time.
func (r *Repair) Period(now sched.Instant) {
	if r.host == nil {
		return
	}
	if ring := r.live(); len(ring) < 2 || ring[0] != r.self {
		return
	}
	if r.walker.Lost(now) {
		r.End()
	}
	r.Start(now)
}

// Progress tells of the own walk as of the last news from it.
func (r *Repair) Progress(now sched.Instant) (t codec.Token, s State) {
	t, done := r.walker.Progress()
	switch {
	case t.Walk == 0:
		return t, StateIdle
	case done:
		return t, StateDone
	case r.walker.Lost(now):
		return t, StateLost
	}
	return t, StateWalking
}

// End forgets the own walk. Its token goes on where it is.
func (r *Repair) End() { r.walker.End() }

// live lists the members that can be sent to, and this node, by id.
func (r *Repair) live() []codec.OriginID {
	r.ring = r.host.Members(append(r.ring[:0], r.self))
	slices.Sort(r.ring)
	return r.ring
}
