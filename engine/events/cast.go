package events

import (
	"cmp"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
)

// Host is the node around user events.
type Host interface {
	// Peer is what is kept of a peer; good until the host adds one. ID is its id.
	Peer(p uint32) *Peer
	ID(p uint32) codec.OriginID
	// Reach counts the peers that may be sent to; Partners are all of them, Pick a few,
	// until the next call.
	Reach() int
	Partners() []uint32
	Pick(n int) []uint32
	// Fanout is how many of them news is passed on to.
	Fanout() int
	// Tells reports whether own events go to all of them, Relays whether news of others
	// is passed on, Pushes whether any is.
	Tells() bool
	Relays() bool
	Pushes() bool
	// Partial reports that they are less than half of the members that there are.
	Partial() bool
}

// Parts are what user events share with the node around them.
type Parts struct {
	Host  Host
	Store *state.Store
	Own   state.Origin // whose events are sent here
	Board *due.Board
	Due   uint32 // on the board: Append has something for the peer
	Count *Counters
}

// Cast is one node's part in user events: they take the way of news, to everybody or to
// a few who pass them on. The zero Cast is not ready: call Init. One caller at a time.
type Cast struct {
	parts  Parts
	events Events
}

// Init makes it ready.
func (c *Cast) Init(l Limits, parts *Parts) {
	c.parts = *parts
	c.events.Init(l, parts.Count)
}

// Status says what became of an event that is to be sent.
type Status uint8

// The outcomes of Send.
const (
	Sent Status = iota
	Busy        // it would push out one that was not taken, or not sent to a peer that is not slow
	Long        // topic or payload are beyond the limits
)

// Send sends a user event and returns its Lamport time.
func (c *Cast) Send(topic, payload []byte) (time uint64, st Status) {
	h := c.parts.Host
	if !c.events.Room() {
		return 0, Busy
	}
	for _, p := range h.Partners() {
		if c.parts.Board.Has(p, c.parts.Due) && !c.events.RoomFor(h.Peer(p)) {
			return 0, Busy
		}
	}
	time, ok := c.events.Send(c.parts.Store.ID(c.parts.Own), topic, payload)
	if !ok {
		return 0, Long
	}
	c.offer(0, h.Tells() && !h.Partial())
	return time, Sent
}

// Next gives the shell the next event: see [Events.Next].
func (c *Cast) Next(e *codec.Event) bool { return c.events.Next(e) }

// Receive takes the body of an Event record: an event, once, or the question for those
// that are kept.
func (c *Cast) Receive(f *reconcile.Frame, body []byte) reconcile.Verdict {
	if len(body) == 0 {
		c.events.Replay(c.parts.Host.Peer(f.Peer))
		c.parts.Board.Want(f.Peer, c.parts.Due)
		return reconcile.Taken
	}
	var e codec.Event
	if codec.ParseEvent(body, &e) != nil {
		return reconcile.Malformed
	}
	h := c.parts.Host
	relays := h.Relays() || !h.Pushes()
	switch o := c.parts.Store.Find(e.Origin); {
	case o == 0:
		return reconcile.Unknown
	case o == c.parts.Own:
		c.events.Returned(&e)
	case c.events.Receive(uint32(o), &e, body, f.Author == o && !relays) && relays:
		c.offer(f.Peer, false)
	}
	return reconcile.Taken
}

// offer makes the newest event due at everybody, or at a few.
func (c *Cast) offer(not uint32, all bool) {
	h := c.parts.Host
	to := h.Partners()
	if !all {
		to = h.Pick(h.Fanout())
	}
	for _, p := range to {
		if p != not {
			c.events.Offer(h.Peer(p), c.parts.Board.Has(p, c.parts.Due), !all)
			c.parts.Board.Want(p, c.parts.Due)
		}
	}
}

// Met asks a peer that answered for the events before our time, if it is the first.
func (c *Cast) Met(p uint32) {
	if c.parts.Host.Reach() == 1 {
		c.events.Ask()
		c.parts.Board.Want(p, c.parts.Due)
	}
}

// Append appends events that the peer has not been sent. done reports that nothing more
// is due to it.
func (c *Cast) Append(b []byte, g *reconcile.Page) (out []byte, done bool) {
	h := c.parts.Host
	return c.events.Append(b, g.Limit, h.Peer(g.Peer), g.Header.Seq, c.parts.Store.ID(c.parts.Own), h.ID(g.Peer))
}

// Renew notes that we live on under another id. Each peer is to be told: [Peer.Reborn].
func (c *Cast) Renew(id codec.OriginID) { c.events.Renamed(c.parts.Store.ID(c.parts.Own), id) }

// Ends gives what is known of an author that another life follows, and Lives takes it for that
// life. A life of the same boot, as its seniority shows, goes on with its events and their numbers;
// any other begins anew.
func (c *Cast) Ends(o state.Origin, since uint64, next *codec.Intro) (k Known) {
	if since != cmp.Or(next.Since, next.Gen) {
		return k
	}
	c.events.Renamed(c.parts.Store.ID(o), next.ID)
	return c.events.Known(uint32(o))
}

func (c *Cast) Lives(o state.Origin, k Known) { c.events.Know(uint32(o), k) }

// Forget drops what is known of an author whose origin was removed.
func (c *Cast) Forget(o state.Origin) { c.events.Forget(uint32(o)) }
