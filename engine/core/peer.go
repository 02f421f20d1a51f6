package core

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// peer is one member that we send to, or a known one that we can't reach yet.
type peer struct {
	addr       netip.AddrPort // where frames go
	advertised netip.AddrPort // what it says of itself
	claim      names.Claim    // of somebody else who says to be it
	declared   bool           // its state says what is advertised
	id         codec.OriginID
	origin     state.Origin
	next       uint32 // in the ready list
	due        uint16
	queued     bool
	life       phase // life.go alone changes it

	cookie    [16]byte // to show it until it acknowledges a frame
	hasCookie bool

	link      link.Path // frames to and from it
	owed      bool      // an acknowledgement timer runs
	asking    bool      // the next frame asks for an answer at once
	answering bool      // it asked: the next frame carries our fingerprint
	told      uint64    // the last version of its own origin that we acknowledged

	mail mail.Cursor // our own writes at this peer

	flow    flow.Peer
	compare compare.Peer
	precise precise.Peer
	walk    walk.Peer
	rumor   rumor.Peer
	events  events.Peer
	pulling bool
	pullAt  sched.Instant
	helloAt sched.Instant // the hello that awaits an answer
	hellos  uint8
	heard   sched.Instant
	print   uint64 // its last state fingerprint, and when
	printAt sched.Instant

	since sched.Instant // its present state
	by    uint32        // who told; 0: nobody had to
}

// Peer is what the shell may show of a member.
type Peer struct {
	Origin state.Origin
	Addr   netip.AddrPort
	Proven bool // it has answered from Addr
	Quiet  bool // it owes acknowledgements
	Left   bool // it said that it leaves
	Heard  sched.Instant
	RTT    sched.Instant
	Acked  uint64        // own-origin version that it confirmed
	Since  sched.Instant // when it came into its present state
	By     uint32        // the peer that told of it; 0: nobody had to
}

// Peers is one more than the highest peer handle.
func (c *Core) Peers() uint32 { return uint32(len(c.peers)) }

// Peer tells of a peer by handle; false if the handle is free.
func (c *Core) Peer(p uint32) (Peer, bool) {
	if p == 0 || int(p) >= len(c.peers) || c.peers[p].origin == 0 {
		return Peer{}, false
	}
	q := &c.peers[p]
	rtt := q.link.RTT.Smoothed()
	if probed := c.live.RTT(c.live.Watched(p)); probed != 0 {
		rtt = probed // probes are answered before anything else
	}
	return Peer{q.origin, q.addr, q.proven(), q.quiet(), q.left(), q.heard, rtt, q.mail.Acked(), q.since, q.by}, true
}

// addPeer makes a peer for an origin that became known.
func (c *Core) addPeer(o state.Origin, addr netip.AddrPort) uint32 {
	p := c.free
	switch {
	case p != 0:
		c.free = c.peers[p].next
		c.peers[p] = peer{}
	case len(c.peers) > c.cfg.Limits.Peers:
		c.counters.Drops[DropFull]++
		return 0
	default:
		c.peers = append(c.peers, peer{})
		p = uint32(len(c.peers) - 1)
	}
	c.resetPeer(p, o, addr)
	return p
}

// freePeer gives a handle back. The ready list may still hold it: then it is
// given back when it comes up there.
func (c *Core) freePeer(p uint32) {
	q := &c.peers[p]
	c.letGo(p)
	c.becomeFree(p)
	c.guard.Drop(p)
	for k := range uint32(timersPeer) {
		c.wheel.Cancel(peerTimer(p, k))
	}
	c.seeds.Forget(p)
	queued, next := q.queued, q.next
	*q = peer{queued: queued, next: next}
	if !queued {
		q.next, c.free = c.free, p
	}
}

// resetPeer forgets what was agreed with an earlier life of the member.
func (c *Core) resetPeer(p uint32, o state.Origin, addr netip.AddrPort) {
	q := &c.peers[p]
	c.letGo(p)
	c.becomeNamed(p)
	c.guard.Drop(p)
	c.live.Unwatch(c.now, p)
	for k := range uint32(timersPeer) {
		c.wheel.Cancel(peerTimer(p, k))
	}
	if q.id != 0 {
		c.byID.Remove(q.id)
	}
	*q = peer{
		addr: addr, advertised: addr, id: c.store.ID(o), origin: o,
		next: q.next, queued: q.queued, life: q.life, since: c.now,
	}
	q.link.Init(uint32(c.rand.Uint64()))
	q.flow.Init(c.now, c.cfg.Frame, q.link.Last())
	c.byID.Put(q.id, p)
	c.origins[o].peer = p
}

// readyList holds the peers that have something due, first come first served.
type readyList struct{ head, tail uint32 }

func (c *Core) want(p uint32, due uint16) {
	q := &c.peers[p]
	q.due |= due &^ q.flow.Held()
	if q.queued || q.due == 0 {
		return
	}
	q.queued, q.next = true, 0
	if c.ready.tail == 0 {
		c.ready.head = p
	} else {
		c.peers[c.ready.tail].next = p
	}
	c.ready.tail = p
}

func (c *Core) unready() {
	p := c.ready.head
	q := &c.peers[p]
	c.ready.head, q.next, q.queued = q.next, 0, false
	if c.ready.head == 0 {
		c.ready.tail = 0
	}
	if q.life == free { // given back in the meantime
		q.next, c.free = c.free, p
	}
}

// letGo gives up what is under way to a peer whose life ends.
func (c *Core) letGo(p uint32) {
	c.differ.Drop(p)
	c.rumors.Drop(p)
	c.walks.Drop(p)
}
