package events

import "github.com/quidnunc/quidnunc/codec"

// Events is one node's part in user events. The zero Events is not ready: call
// Init. One caller at a time.
type Events struct {
	limits Limits
	n      *Counters
	ready  bool
	clock  Clock
	seen   Seen
	kept   Replay
	seq    uint64
	taken  uint64 // by the shell, up to this number of kept
	odd    uint64 // the event before this number of kept was far ahead: its author is sent it, too
	asking bool   // the next frame asks its peer for what it keeps
	body   []byte // of the event being sent
}

// Limits bound the memory that the first event takes.
type Limits struct {
	Origins int // handles of authors: 1 to Origins
	Kept    int // events that are kept
}

// Counters are what became of events.
type Counters struct {
	BroadcastsSent  uint64 // our own
	BroadcastsTaken uint64 // of others, new
	BroadcastsKnown uint64 // of others, seen before; or our own, come back
	BroadcastsLost  uint64 // pushed out before the shell took them or a peer was sent them, or so late that they may have been seen
}

// Peer is what is kept of a peer: the events that it is still to be sent. The zero
// Peer has been sent nothing and is owed nothing.
type Peer struct {
	at     uint64 // events from this number on are due
	from   uint64 // flying: and these are on their way
	frame  uint32 // flying: the last frame that carries some
	all    bool   // also those of others
	flying bool   // it has acknowledged no such frame
	reborn bool   // nor one of our present life
	begun  bool   // reborn: it seems to have begun with us anew
}

// Reborn notes that we live another life from now on. Until the peer acknowledges a frame of that
// it may know nothing of it, and so take none.
func (p *Peer) Reborn() { p.reborn, p.begun = true, false }

// Acked takes which frames the peer saw: the highest, and a bit for each up to it, none if it saw
// none of a life that it knows; present: that one is of our present life. True: what was on its way
// is due again. The peer takes none twice.
func (p *Peer) Acked(frame uint32, seen uint64, present bool) (again bool) {
	switch {
	case !p.flying:
		p.reborn = p.reborn && (seen == 0 || !present)
		return false
	case seen == 0: // of the present life, or of one before
		again = p.reborn && !p.begun
		p.begun = true
	case p.reborn && present:
		again, p.reborn, p.flying = true, false, false
	default:
		p.flying = int32(frame-p.frame) < 0
	}
	if again {
		p.at = min(p.at, p.from)
	}
	return again
}

// flew notes that a frame of a number carries events, the first of which is known.
func (p *Peer) flew(frame uint32, first uint64) {
	if !p.flying {
		p.flying, p.from = true, first
	}
	p.frame = frame
}

// Init makes Events ready. It counts in n.
func (v *Events) Init(l Limits, n *Counters) { *v = Events{limits: l, n: n} }

// prepare takes the memory for the first event.
func (v *Events) prepare() {
	if !v.ready {
		v.ready = true
		v.seen.Init(v.limits.Origins)
		v.kept.Init(v.limits.Kept)
	}
}

// Room reports whether one more event leaves the shell what it has not taken yet.
func (v *Events) Room() bool { return !v.ready || v.kept.End()-v.taken < uint64(v.limits.Kept) }

// RoomFor reports whether one more event leaves a peer, at which events are due,
// those that it was not sent yet.
func (v *Events) RoomFor(p *Peer) bool {
	return !v.ready || v.kept.End()-max(p.at, v.kept.First()) < uint64(v.limits.Kept)
}

// Send takes an own event and returns its Lamport time. It is the newest now:
// Offer makes it due at a peer. False is for a topic or payload beyond the limits.
func (v *Events) Send(self codec.OriginID, topic, payload []byte) (time uint64, ok bool) {
	e := codec.Event{Origin: self, Topic: topic, Payload: payload}
	if !e.Fits() {
		return 0, false
	}
	v.prepare()
	v.seq++
	e.Seq, e.Time = v.seq, v.clock.Next()
	v.body = codec.AppendEventBody(v.body[:0], &e)
	v.kept.Keep(v.body)
	v.n.BroadcastsSent++
	return e.Time, true
}

// Receive takes an event of another author, whose handle is o; body is the record
// that it was parsed from. direct: it came from its author itself, and nobody passes
// events on. It reports whether the event is new: then it is the newest, and may be
// passed on.
func (v *Events) Receive(o uint32, e *codec.Event, body []byte, direct bool) bool {
	v.prepare()
	if direct {
		v.seen.Own(o, e.Seq)
	}
	if v.seen.Late(o, e.Seq) || v.seen.Far(o, e.Seq) {
		v.n.BroadcastsLost++
		return false
	}
	ahead := v.seen.Ahead(o, e.Seq)
	if !v.seen.First(o, e.Seq) {
		v.n.BroadcastsKnown++
		return false
	}
	v.n.BroadcastsTaken++
	v.clock.Witness(e.Time)
	if v.kept.Keep(body); ahead {
		v.odd = v.kept.End()
	}
	return true
}

// Returned notes an own event that came back. Where somebody else numbered it, the next one goes on
// from there: those who took it would count lower ones as seen.
func (v *Events) Returned(e *codec.Event) {
	v.n.BroadcastsKnown++
	if e.Seq > v.seq && e.Seq-v.seq <= seqStepMax {
		v.seq = e.Seq
	}
}

// Next gives the shell the next event, own ones included; its bytes are borrowed
// until the next call of Send or Receive. It reports false when there is none.
func (v *Events) Next(e *codec.Event) bool {
	if first := v.kept.First(); v.taken < first {
		v.n.BroadcastsLost += first - v.taken
		v.taken = first
	}
	if v.taken >= v.kept.End() {
		return false
	}
	v.taken++
	return codec.ParseEvent(v.kept.At(v.taken-1), e) == nil
}

// Offer makes the newest event due at a peer. due says that earlier ones are
// already; relays, that the peer is to be sent events of others too.
func (v *Events) Offer(p *Peer, due, relays bool) {
	if !due {
		p.at, p.all = v.kept.End()-1, relays
	}
}

// Replay makes everything that is kept due at a peer that asked for it.
func (v *Events) Replay(p *Peer) {
	v.prepare()
	p.at, p.all = v.kept.First(), true
}

// Ask makes the next frame ask its peer for what it keeps.
func (v *Events) Ask() { v.asking = true }

// Append appends the events that the peer named to was not sent, as many as fit
// below limit of the frame of that number. done reports that nothing is due any more.
func (v *Events) Append(b []byte, limit int, p *Peer, frame uint32, self, to codec.OriginID) (out []byte, done bool) {
	if v.asking {
		v.asking = false
		start := len(b)
		b = codec.EndRecord(codec.BeginRecord(b, codec.TypeEvent), start)
	}
	if first := v.kept.First(); p.at < first {
		v.n.BroadcastsLost += first - p.at
		p.at = first
	}
	for ; p.at < v.kept.End(); p.at++ {
		body := v.kept.At(p.at)
		var e codec.Event
		if codec.ParseEvent(body, &e) != nil || !p.all && e.Origin != self || e.Origin == to && p.at+1 != v.odd {
			continue
		}
		if len(b)+codec.RecordBytes+len(body) > limit {
			return b, false
		}
		b = codec.AppendRecord(b, codec.TypeEvent, body)
		p.flew(frame, p.at)
	}
	return b, true
}

// Renamed gives the events that are kept of an author the id of its present life: they go on as its
// own, and its numbers do.
func (v *Events) Renamed(from, to codec.OriginID) {
	for i := v.kept.First(); i < v.kept.End(); i++ {
		var e codec.Event
		if body := v.kept.At(i); codec.ParseEvent(body, &e) == nil && e.Origin == from {
			codec.RenameEvent(body, to)
		}
	}
}

// Known is what is known of the numbers of an author, whose handle is o.
func (v *Events) Known(o uint32) (k Known) {
	if v.ready {
		k = v.seen.origins[o]
	}
	return k
}

// Know takes that over for another handle.
func (v *Events) Know(o uint32, k Known) {
	if v.ready {
		v.seen.origins[o] = k
	}
}

// Forget drops what is known of an author, whose handle may then name another.
func (v *Events) Forget(o uint32) {
	if v.ready {
		v.seen.Forget(o)
	}
}
