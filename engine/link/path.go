package link

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// reorderMax is how far the highest frame that was seen may be ahead of one that
// was not before that one counts as lost.
const reorderMax = 2

// mapBits is how many frames an acknowledgement covers, the highest included.
const mapBits = 64

// Path is what one peer's path did. It is ready after Init.
type Path struct {
	RTT sched.RTT // round trip; who measures one elsewhere adds a sample

	heardAt sched.Instant // when the last frame came; 0: never
	ackTime sched.RTT     // until a frame is acknowledged that does not ask for it
	lostAt  sched.Instant // when the last loss was found out; 0: never
	timedAt sched.Instant // when the frame left whose acknowledgement is timed; 0: none
	askedAt sched.Instant // when the frame left whose answer is timed; 0: none

	timedSeq, askedSeq uint32

	seq     uint32 // of the last frame to the peer
	acked   uint32 // highest of ours that it saw
	judged  uint32 // losses up to this frame are known
	history uint32 // frames up to this one may be lost: what they carried is sent again already
	high    uint32 // highest that came from it
	seen    uint64 // bit i: frame high-i came
	hole    bool   // an acknowledgement told of a loss

	size Size
}

// Init begins a path. Its first frame has the number after last.
func (p *Path) Init(last uint32) {
	*p = Path{seq: last, acked: last, judged: last, history: last}
}

// Last is the number of the last frame to the peer.
func (p *Path) Last() uint32 { return p.seq }

// Seen is what a frame to the peer says of those that came from it.
func (p *Path) Seen() (high uint32, seen uint64) { return p.high, p.seen }

// Received records a frame of the peer, and reports whether it is fresh: newer
// than all before it, and so no replay.
func (p *Path) Received(seq uint32) (fresh bool) {
	fresh = p.seen == 0 || int32(seq-p.high) > 0
	switch ahead := seq - p.high; {
	case p.high == 0 && p.seen == 0, ahead < 1<<31 && ahead >= mapBits:
		p.high, p.seen = seq, 1
	case ahead == 0: // again
		p.seen |= 1
	case ahead < mapBits:
		p.high, p.seen = seq, p.seen<<ahead|1
	default:
		if back := p.high - seq; back < mapBits {
			p.seen |= 1 << back
		}
	}
	return fresh
}

// Sent notes that the next frame leaves. long: it is longer than what every path takes.
func (p *Path) Sent(long bool) {
	p.seq++
	p.size.long <<= 1
	if long {
		p.size.long |= 1
	}
}

// Time notes that the last frame is one whose acknowledgement says something about
// time: how long it takes if nobody asks for it, or if the frame asks.
func (p *Path) Time(now sched.Instant, asks bool) {
	switch {
	case !asks && p.timedAt == 0:
		p.timedAt, p.timedSeq = now, p.seq
	case asks && p.askedAt == 0:
		p.askedAt, p.askedSeq = now, p.seq
	}
}

// Lost notes that a frame to the peer was lost, found out now.
func (p *Path) Lost(now sched.Instant) { p.lostAt = now }

// Forgive notes that everything that was sent is sent again: whether it arrived
// does not matter any more, and an answer that comes now may be one to either.
func (p *Path) Forgive() { p.history, p.askedAt = p.seq, 0 }

// TakeHole reports, once, that an acknowledgement told of a loss that matters.
func (p *Path) TakeHole() bool {
	hole := p.hole
	p.hole = false
	return hole
}

// answered takes the time of the frame that asked, unless that one was lost.
func (p *Path) answered(now sched.Instant, ack uint32, seen uint64) {
	back := ack - p.askedSeq
	if p.askedAt == 0 || int32(back) < 0 {
		return
	}
	if back < mapBits && seen>>back&1 != 0 {
		p.RTT.Sample(now - p.askedAt)
	}
	p.askedAt = 0
}

// acknowledged takes the time of the frame that is being timed.
func (p *Path) acknowledged(now sched.Instant, ack uint32) (took sched.Instant, ok bool) {
	if p.timedAt == 0 || int32(ack-p.timedSeq) < 0 {
		return 0, false
	}
	took = now - p.timedAt
	p.ackTime.Sample(took)
	p.timedAt = 0
	return took, true
}

// holes looks in an acknowledgement for frames that were lost: how many it says
// something final about, and how many of these are lost.
func (p *Path) holes(ack uint32, seen uint64) (judged, lost int) {
	span := min(ack-p.judged, mapBits) // frames judged+1 .. ack
	if span <= reorderMax {
		return 0, 0
	}
	final := uint64(1<<span-1) >> reorderMax << reorderMax
	missing := ^(seen | p.Excused(ack)) & final
	p.sized(ack, missing, seen&final)
	p.judged = ack - reorderMax
	judged, lost = int(span-reorderMax), bits.OnesCount64(missing)
	if later := int32(ack - p.history); later < mapBits {
		missing &= 1<<max(later, 0) - 1
	}
	p.hole = p.hole || missing != 0
	return judged, lost
}

// Underway is how long a frame takes: half a round trip.
func (p *Path) Underway() sched.Instant { return p.RTT.Smoothed() / 2 }

// Hear notes a frame of the peer, with or without a number.
func (p *Path) Hear(now sched.Instant) { p.heardAt = now }

// Heard is when the last one came; 0: never.
func (p *Path) Heard() sched.Instant { return p.heardAt }
