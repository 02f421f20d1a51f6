package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// User events take the way of news, to everybody or to a few who pass them on.
// What a peer is still to be sent, engine/events remembers; whom an event goes to
// is decided here.

// Broadcast sends a user event. TooLong is for more than codec.EventPayloadMax
// bytes of topic and payload, or a topic that is empty or too long; Busy while it
// would push out an event that the shell has not taken or that a peer which is not
// slow was not sent yet.
func (c *Core) Broadcast(now sched.Instant, topic, payload []byte) (time uint64, st Status) {
	c.enter(now)
	if !c.events.Room() {
		return 0, Busy
	}
	for _, p := range c.roster.Partners() {
		if q := &c.peers[p]; c.due.Has(p, dueCast) && !c.events.RoomFor(&q.events) {
			return 0, Busy
		}
	}
	time, ok := c.events.Send(c.me.ID, topic, payload)
	if !ok {
		return 0, TooLong
	}
	c.castTo(0, c.mail.Mails() && !c.roster.Partial())
	return time, Written
}

// NextBroadcast gives the next user event, own ones included; its bytes are
// borrowed until the next call of the core. It reports false when there is none.
func (c *Core) NextBroadcast(e *codec.Event) bool { return c.events.Next(e) }

// onBroadcast takes an event in, once. An empty body asks for those that we keep.
func (c *Core) onBroadcast(p uint32, body []byte) bool {
	if len(body) == 0 {
		c.events.Replay(&c.peers[p].events)
		c.due.Want(p, dueCast)
		return true
	}
	var e codec.Event
	if codec.ParseEvent(body, &e) != nil {
		return false
	}
	switch o := c.store.Find(e.Origin); {
	case o == 0:
		c.counters.Drops[DropUnknown]++
	case o == c.self:
		c.events.Returned()
	case c.events.Receive(uint32(o), &e, body) && (c.mail.Relays() || !c.mail.Pushes()):
		c.castTo(p, false)
	}
	return true
}

// castTo makes the newest event due at everybody, or at a few.
func (c *Core) castTo(not uint32, all bool) {
	var to []uint32
	if all {
		to = c.roster.Partners()
	} else {
		to = c.roster.Pick(c.mail.Fanout())
	}
	for _, p := range to {
		if p == not {
			continue
		}
		q := &c.peers[p]
		c.events.Offer(&q.events, c.due.Has(p, dueCast), !all)
		c.due.Want(p, dueCast)
	}
}

// askBroadcasts asks the first peer that we reach for the events before our time.
func (c *Core) askBroadcasts(p uint32) {
	if c.roster.Reach() == 1 {
		c.events.Ask()
		c.due.Want(p, dueCast)
	}
}

// composeBroadcasts appends events that the peer has not been sent.
func (c *Core) composeBroadcasts(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	b, done := c.events.Append(b, limit, &q.events, c.me.ID, q.id)
	if done {
		c.due.Done(p, dueCast)
	}
	return b
}
