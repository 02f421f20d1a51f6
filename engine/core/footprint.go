package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/outbox"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/settle"
	"github.com/quidnunc/quidnunc/sched"
)

// Sizes of what is kept for each thing; a test holds them against the types.
const (
	peerBytes   = 528
	originBytes = 16
	eventBytes  = 96
	wantBytes   = 32
)

// Footprint is about how many bytes a core takes when everything is full up to these limits, in
// sealed mode with one key; each further one takes a kilobyte for each peer that is talked with.
func (l Limits) Footprint() (bytes int) {
	c := Config{Limits: l}
	c.fill()
	l = c.Limits
	bytes += l.State.Footprint()
	bytes += roster.GrowSlack(l.Peers, peerBytes) + l.Peers*(protect.LifeBytes+checkpoint.PeerBytes)*5/4 // slices grow by a quarter
	bytes += l.Peers * (2*2*12 + 16 + 8 + 5)                                                             // table of ids, round robin, what is due, free handles
	bytes += protect.ActiveFootprint(l.Active, l.Peers) + link.ActiveFootprint(l.Peers, l.Peers) + flow.ActiveFootprint(l.Peers, l.Peers) + checkpoint.ActiveFootprint(l.Peers, l.Peers)
	bytes += sched.WheelBytes(timersEngine+(l.Peers+1)*timersPeer, timersEngine+2*l.Peers*5/4)                              // two of each are armed
	bytes += l.State.Origins * (originBytes + settle.OriginBytes + outbox.OriginBytes + checkpoint.OriginBytes + 1) * 5 / 4 // 1: the weight
	bytes += member.DefaultLimits(l.Peers + 1).Footprint()
	bytes += l.Jobs*l.Wants*wantBytes + l.Events*eventBytes + l.Gaps*4
	bytes += mail.CacheBytes + gaps.Footprint(l.State.Origins) + door.Footprint
	return bytes + names.GravesMax*(names.GraveBytes+codec.SaltBytes)
}
