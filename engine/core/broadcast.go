package core

import (
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/sched"
)

// eventHost is what user events see of the node.
type eventHost struct {
	*peerList
	*roster.Roster
	*mail.Mail
}

func (h eventHost) Peer(p uint32) *events.Peer { return &(*h.peerList)[p].events }

// castStatus is what became of a broadcast.
var castStatus = [...]Status{events.Sent: Written, events.Busy: Busy, events.Long: TooLong}

// Broadcast sends a user event. TooLong is for more than codec.EventPayloadMax bytes of topic and
// payload, or a topic that is empty or too long; Busy while it would push out an event that the
// shell has not taken or that a peer which is not slow was not sent yet.
func (c *Core) Broadcast(now sched.Instant, topic, payload []byte) (time uint64, st Status) {
	c.enter(now)
	time, became := c.events.Send(topic, payload)
	return time, castStatus[became]
}
