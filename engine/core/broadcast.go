package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/sched"
)

// A user event is told once and not repaired: it has no place in the versioned
// state. It takes the way of news (to everybody, or to a few who pass it on),
// carries a Lamport time, and is taken once by each member. The last few are
// kept, so that a member that joins can ask for them.

// casts is the state of user events. It takes memory when the first one is
// sent or comes in.
type casts struct {
	ready  bool
	clock  rumor.Clock
	seen   rumor.Seen
	kept   rumor.Replay
	seq    uint64
	taken  uint64 // by the shell, up to this number of kept
	lost   uint64 // overwritten before the shell took them
	asking bool   // the next proven peer is asked for what it keeps
}

func (c *Core) readyCasts() *casts {
	k := &c.casts
	if !k.ready {
		k.ready = true
		k.seen.Init(c.store.Limits().Handles())
		k.kept.Init(c.cfg.Limits.Broadcasts)
	}
	return k
}

// Broadcast sends a user event. TooLong is for more than rumor.EventPayloadMax
// bytes of topic and payload, or a topic that is empty or too long.
func (c *Core) Broadcast(now sched.Instant, topic, payload []byte) (time uint64, st Status) {
	c.now = now
	e := codec.Event{Origin: c.id, Topic: topic, Payload: payload}
	if !e.Fits() {
		return 0, TooLong
	}
	k := c.readyCasts()
	k.seq++
	e.Seq, e.Time = k.seq, k.clock.Next()
	c.body = codec.AppendEventBody(c.body[:0], &e)
	k.kept.Keep(c.body)
	c.counters.BroadcastsSent++
	c.castTo(0, c.spread() == Mail && !c.partial)
	return e.Time, Written
}

// NextBroadcast gives the next user event, own ones included; its bytes are
// borrowed until the next call of the core. It reports false when there is none.
func (c *Core) NextBroadcast(e *codec.Event) bool {
	k := &c.casts
	if first := k.kept.First(); k.taken < first {
		k.lost += first - k.taken
		k.taken = first
	}
	if k.taken >= k.kept.End() {
		return false
	}
	k.taken++
	return codec.ParseEvent(k.kept.At(k.taken-1), e) == nil
}

// BroadcastsLost counts the events that were overwritten before NextBroadcast
// gave them.
func (c *Core) BroadcastsLost() uint64 { return c.casts.lost }

// onBroadcast takes an event in, once. An empty body asks for those that we keep.
func (c *Core) onBroadcast(p uint32, body []byte) bool {
	k := c.readyCasts()
	if len(body) == 0 {
		c.peers[p].castAt, c.peers[p].castAll = k.kept.First(), true
		c.want(p, dueCast)
		return true
	}
	var e codec.Event
	if codec.ParseEvent(body, &e) != nil {
		return false
	}
	o := c.store.Find(e.Origin)
	switch {
	case o == 0:
		c.counters.Drops[DropUnknown]++
		return true
	case o == c.self || !k.seen.First(uint32(o), e.Seq):
		c.counters.BroadcastsKnown++
		return true
	}
	c.counters.BroadcastsTaken++
	k.clock.Witness(e.Time)
	k.kept.Keep(body)
	if c.relays() || c.cfg.Spread == Gossip {
		c.castTo(p, false)
	}
	return true
}

// castTo makes the newest event due at everybody, or at a few.
func (c *Core) castTo(not uint32, all bool) {
	to := c.provenPeers()
	if !all {
		n := sched.Sample(&c.rand, to, c.picked[:min(c.fanout(), len(to), len(c.picked))])
		to = c.picked[:n]
	}
	for _, p := range to {
		q := &c.peers[p]
		if p == not {
			continue
		}
		if q.due&dueCast == 0 {
			q.castAt, q.castAll = c.casts.kept.End()-1, !all
		}
		c.want(p, dueCast)
	}
}

// askBroadcasts asks one peer for the events before our time.
func (c *Core) askBroadcasts(p uint32) {
	if c.reach() == 1 {
		c.casts.asking = true
		c.want(p, dueCast)
	}
}

// composeBroadcasts appends events that the peer has not been sent.
func (c *Core) composeBroadcasts(b []byte, limit int, p uint32) []byte {
	q, k := &c.peers[p], &c.casts
	if k.asking {
		k.asking = false
		start := len(b)
		b = codec.EndRecord(codec.BeginRecord(b, codec.TypeEvent), start)
	}
	for q.castAt = max(q.castAt, k.kept.First()); q.castAt < k.kept.End(); q.castAt++ {
		body := k.kept.At(q.castAt)
		var e codec.Event
		if codec.ParseEvent(body, &e) != nil || !q.castAll && e.Origin != c.id || e.Origin == q.id {
			continue
		}
		if len(b)+codec.RecordBytes+len(body) > limit {
			return b
		}
		b = codec.AppendRecord(b, codec.TypeEvent, body)
	}
	q.due &^= dueCast
	return b
}
