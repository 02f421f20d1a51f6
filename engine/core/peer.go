package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// peer is one member that we send to, or a known one that we can't reach yet. Its size is
// a multiple of a cache line, and what every frame of a peer needs comes first: with many
// peers each of their lines is a miss.
type peer struct {
	claim  names.Claim // of somebody else who says to be it
	id     codec.OriginID
	origin state.Origin
	roster.Life
	debt mail.Debt // acknowledgements, ours and its

	at      door.Contact
	hearsay names.Hearsay // until it has answered itself

	mail mail.Cursor // our own writes at this peer
	link link.Path   // frames to and from it
	flow flow.Peer

	shown   reconcile.Shown
	compare compare.Peer
	walk    walk.Peer
	events  events.Peer
	pull    gaps.Pull
	rumor   rumor.Peer
	since   member.Turn // its present state
	precise precise.Peer
}

// Peer is what the shell may show of a member.
type Peer struct {
	Origin       state.Origin
	Addr         netip.AddrPort
	Proven       bool // it has answered from Addr
	Took         bool // and it has us: it sent what members alone are sent
	Level        bool // when it last told, it held the same as we do now
	Quiet        bool // it owes acknowledgements
	Left         bool // it said that it leaves
	Heard        sched.Instant
	RTT          sched.Instant
	Acked, Whole uint64        // own-origin versions that it confirmed, and those with the contents that it takes
	Full         bool          // it has no room for something that others hold, as it said last
	Lacks        bool          // and so for some of our writes:
	Missed       uint64        // so many, as far as it can tell
	Since        sched.Instant // when it came into its present state
	By           uint32        // the peer that told of it; 0: nobody had to
	Sent         uint32        // number of the last frame to it
	Wrote        uint64        // how far its own writes went, as it said last:
	Seen         uint32        // when this was the last frame to it that it had seen
	Same         sched.Instant // when it said something of them of which all was here; until then: when it became known
	Kinds        codec.Kind    // the last kind of entries that it knows
}

// Peers is one more than the highest peer handle.
func (c *Core) Peers() uint32 { return uint32(len(c.peers)) }

// Peer tells of a peer by handle; false if the handle is free.
func (c *Core) Peer(p uint32) (Peer, bool) {
	if p == 0 || int(p) >= len(c.peers) || c.peers[p].origin == 0 {
		return Peer{}, false
	}
	q := &c.peers[p]
	rtt := q.link.RTT().Smoothed()
	if probed := c.live.RTT(c.live.Watched(p)); probed != 0 {
		rtt = probed // probes are answered before anything else
	}
	took, level := q.Proven() && (!q.at.HasCookie || q.shown.Ever()), q.shown.Ever() && q.shown.Equals(c.Fingerprint(), 0)
	missed, lacks := q.mail.Full()
	wrote, seen := q.shown.Wrote()
	return Peer{
		q.origin, q.at.Addr, q.Proven(), took, level, q.Quiet(), q.Left(), q.link.Heard(), rtt,
		q.mail.Acked(), q.mail.Whole(), lacks || q.shown.Full(), lacks, missed, q.since.At, q.since.By,
		q.link.Last(), wrote, seen, q.shown.Level(), q.at.Kinds,
	}, true
}

// addPeer makes a peer for an origin that became known.
func (c *Core) addPeer(o state.Origin, addr netip.AddrPort) uint32 {
	p := c.roster.Take()
	switch {
	case p == 0:
		return c.counters.dropped(DropFull)
	case int(p) == len(c.peers):
		c.peers = append(roster.Grow(c.peers), peer{})
	}
	c.resetPeer(p, o, addr)
	return p
}

// freePeer gives a handle back.
func (c *Core) freePeer(p uint32) {
	q := &c.peers[p]
	c.shed(p, 0)
	c.guard.Drop(p)
	for k := range uint32(timersPeer) {
		c.wheel.Cancel(peerTimer(p, k))
	}
	c.door.Seeds.Forget(p)
	c.roster.BecomeFree(p, &q.Life)
	c.paths.Ended(q.link.Last())
	*q = peer{}
}

// resetPeer forgets what was agreed with an earlier life of the member.
func (c *Core) resetPeer(p uint32, o state.Origin, addr netip.AddrPort) {
	q := &c.peers[p]
	c.shed(p, 0)
	c.roster.BecomeNamed(p, &q.Life)
	c.guard.Drop(p)
	c.live.Unwatch(c.now, p)
	for k := range uint32(timersPeer) {
		c.wheel.Cancel(peerTimer(p, k))
	}
	if q.id != 0 {
		c.roster.Remove(q.id)
	}
	last := q.link.Last() // it may have seen frames already: numbers that went back would be old ones to it for ever
	if !q.link.Begun() {
		last = c.paths.First(uint32(c.rand.Uint64()))
	}
	*q = peer{
		at: door.Contact{Addr: addr, Advertised: addr}, id: c.store.ID(o), origin: o,
		Life: q.Life, since: member.Turn{At: c.now}, shown: reconcile.Unshown(c.now),
	}
	q.link.Init(last)
	q.hearsay.Told(c.now, 0, 0)
	c.heard(p)
	c.roster.Put(q.id, p)
	c.origins[o].peer = p
}
