package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// What the leaves see of the node is what they are handed here: the peers, the origins,
// a part of the core, and never the core.

// peerList is the peers, as far as leaves look at them; 0 is nobody.
type peerList []peer

// Takes reports whether a peer may be sent to, RTT is its round trip.
func (l *peerList) Takes(p uint32) bool     { return (*l)[p].Takes() }
func (l *peerList) RTT(p uint32) *sched.RTT { return (*l)[p].link.RTT() }

// Path is what is known of the path to a peer.
func (l *peerList) Path(p uint32) *link.Path { return &(*l)[p].link }

// ID is the id of a peer.
func (l *peerList) ID(p uint32) codec.OriginID { return (*l)[p].id }

// originList is what is kept of origins beside their state; 0 is unused.
type originList []origin

// Author is the peer that writes an origin, 0 for none.
func (l *originList) Author(o state.Origin) uint32 { return (*l)[o].peer }

// Gap is that of an origin; nil: the origin is not known any more.
func (l *originList) Gap(o state.Origin) *gaps.Gap {
	if x := &(*l)[o]; x.known {
		return &x.gap
	}
	return nil
}

// budgets are what exchanges may move: a reconcile.Budgets.
type budgets struct {
	peers *peerList
	flow  *flow.Control
}

func (b budgets) Lacks(now sched.Instant, p uint32, n int) { b.flow.Lacks(now, &(*b.peers)[p].flow, n) }

func (b budgets) Sent(now sched.Instant, p uint32, n int) {
	b.flow.With(now, &(*b.peers)[p].flow).Sent(n)
}

func (b budgets) Left(now sched.Instant, p uint32) int { return b.flow.Left(now, &(*b.peers)[p].flow) }

// compareHost is what a comparison by version vector sees of the node.
type compareHost struct {
	*peerList
	*originList
}

func (h compareHost) Peer(p uint32) *compare.Peer { return &(*h.peerList)[p].compare }

// detectorHost is what the failure detector sees of the node.
type detectorHost struct {
	*peerList
	roster *roster.Roster
	guard  *protect.Mode
}

// Reaches reports whether frames may go to a peer.
func (h detectorHost) Reaches(p uint32) bool {
	return int(p) < len(*h.peerList) && (*h.peerList)[p].origin != 0 && (*h.peerList)[p].at.Addr.IsValid() && (*h.guard).Reachable(p)
}

// Contact is how a peer is reached.
func (h detectorHost) Contact(p uint32) member.Contact {
	q := &(*h.peerList)[p]
	return member.Contact{Addr: q.at.Addr, Proven: q.Proven(), Heard: q.link.Heard()}
}

// Unproven is the peer with an id that never answered, 0 for none.
func (h detectorHost) Unproven(id codec.OriginID) uint32 {
	if p := h.roster.Find(id); p != 0 && !(*h.peerList)[p].Proven() {
		return p
	}
	return 0
}

// introductions are a reconcile.Book.
type introductions struct {
	now     *sched.Instant
	store   *state.Store
	self    *names.Self
	origins *originList
	peers   *peerList
}

// Intro fills in the record that introduces an origin; without a name if it is not known,
// or known by hearsay alone that is too old to be passed on.
func (b introductions) Intro(o state.Origin, in *codec.Intro) {
	if !(*b.origins)[o].known {
		*in = codec.Intro{}
		return
	}
	*in = codec.Intro{ID: b.store.ID(o), Gen: b.store.Gen(o), Name: b.store.Name(o)}
	if in.ID == b.self.ID {
		in.Addr, in.Since, in.Kinds = b.self.Addr, b.self.Since, b.self.Kinds
		return
	}
	q := &(*b.peers)[b.origins.Author(o)]
	if !q.Proven() {
		age, fresh := q.hearsay.Age(*b.now)
		if !fresh {
			in.Name = nil
			return
		}
		in.Age = age
	}
	in.Addr, in.Since, in.Kinds = q.at.Known(), q.at.Since, q.at.Kinds
}

// preciseHost is what precise mode sees of the node.
type preciseHost struct{ *peerList }

func (h preciseHost) Peer(p uint32) *precise.Peer { return &(*h.peerList)[p].precise }
