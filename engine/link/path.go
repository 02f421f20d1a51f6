package link

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/sched"
)

// reorderMax is how far the highest frame that was seen may be ahead of one that
// was not before that one counts as lost,
// where the path keeps the order of frames.
const reorderMax = 2

// forgottenSoon is after how many later frames a missing one counts as lost in any
// case: acknowledgements forget it soon.
const forgottenSoon = 48

// reorderMemory is how long a path that changed the order of frames is taken for one
// that does.
const reorderMemory = 16 * sched.Second

// resumeAfter is how many frames in a row, each after the one before and all far behind the highest
// one, show that the peer goes on from there: somebody else sent that one in its name, or the peer
// forgot how far it was.
const resumeAfter = 4

// mapBits is how many frames an acknowledgement covers, the highest included.
const mapBits = 64

// Path is what one peer's path did: the numbers of frames, which are never forgotten. It is ready after
// Init.
type Path struct {
	heardAt  sched.Instant // when the last frame came; 0: never
	seen     uint64        // bit i: frame high-i came
	high     uint32        // highest that came from it
	seq      uint32        // of the last frame to the peer
	acked    uint32        // highest of ours that it saw
	before   uint32        // the last frame to the peer before this life of ours, or of its, began
	behind   uint32        // the last frame that was far behind high,
	resumes  uint8         // and how many such came in a row
	unproven bool          // what the peer says may be about a life before: see Means
	begun    bool          // Init was called
	far      uint8         // see Far

	ticket active.Ticket
	*pace  // good for as long as it has this ticket: see awake
}

// Init begins a path. Its first frame has the number after last.
func (p *Path) Init(last uint32) {
	*p = Path{seq: last, acked: last, before: last, unproven: true, begun: true}
}

// Begun reports a path that has numbers. Any of them may be its last one, 0 as well.
func (p *Path) Begun() bool { return p.begun }

// Last is the number of the last frame to the peer.
func (p *Path) Last() uint32 { return p.seq }

// Told is the number of a frame to the peer that it says it has seen; 0 if none such was sent: the
// word is of another life of ours.
func (p *Path) Told(ack uint32) uint32 {
	if int32(p.seq-ack) < 0 {
		return 0
	}
	return ack
}

// Seen is what a frame to the peer says of those that came from it.
func (p *Path) Seen() (high uint32, seen uint64) { return p.high, p.seen }

// Received records a frame of the peer, and reports whether it is fresh: newer
// than all before it, and so no replay.
func (p *Path) Received(seq uint32) (fresh bool) {
	fresh = p.seen == 0 || int32(seq-p.high) > 0
	if !fresh && p.high-seq >= mapBits {
		return p.resumed(seq)
	}
	p.resumes = 0
	switch ahead := seq - p.high; {
	case p.high == 0 && p.seen == 0, ahead < 1<<31 && ahead >= mapBits:
		p.high, p.seen = seq, 1
	case ahead == 0: // again
		p.seen |= 1
	case ahead < mapBits:
		p.high, p.seen = seq, p.seen<<ahead|1
	default:
		p.seen |= 1 << (p.high - seq)
	}
	return fresh
}

// resumed takes a frame from far behind the highest one. It reports whether that is where the peer
// is.
func (p *Path) resumed(seq uint32) bool {
	if p.resumes > 0 && int32(seq-p.behind) <= 0 {
		return false // an echo
	}
	p.behind = seq
	if p.resumes++; p.resumes < resumeAfter {
		return false
	}
	p.high, p.seen, p.resumes = seq, 1, 0
	return true
}

// Unseen tells whether a frame of that number may be one that did not come yet: it is beyond the
// highest one, or missing among the last. A recorded one is neither.
func (p *Path) Unseen(seq uint32) bool {
	behind := p.high - seq
	return p.seen == 0 || int32(behind) < 0 || behind < mapBits && p.seen>>behind&1 == 0
}

// Sent notes that the next frame leaves. long: it is longer than what every path takes.
func (p *Path) Sent(long bool) {
	p.seq++
	if !p.awake() {
		return
	}
	p.size.long <<= 1
	if long {
		p.size.long |= 1
	}
}

// Time notes that the last frame is one whose acknowledgement says something about
// time: how long it takes if nobody asks for it, or if the frame asks.
func (p *Path) Time(now sched.Instant, asks bool) {
	if !p.awake() {
		return
	}
	if asks {
		p.sampleAt = now + sampleEvery
		if p.rtt.Longer() {
			p.sampleAt = now + sampleEvery/4
		}
	}
	switch {
	case !asks && p.timedAt == 0:
		p.timedAt, p.timedSeq = now, p.seq
	case asks && p.askedAt == 0:
		p.askedAt, p.askedSeq = now, p.seq
	}
}

// Late notes that what was sent is not acknowledged in time by a peer that is there:
// the next frame asks what arrived and how long it takes.
func (p *Path) Late() {
	if !p.awake() {
		return
	}
	p.sampleAt = 0
	if unseen := p.seq - p.acked; unseen > 0 && p.size.long<<(mapBits-min(unseen, mapBits)) != 0 {
		p.doubts(doubtLate)
	}
}

// Forgive notes that everything that was sent is sent again: whether it arrived
// does not matter any more. An acknowledgement still names the frame that it is for,
// so the timing goes on (RFC 8985 §5 has the same of retransmissions).
func (p *Path) Forgive() {
	if p.awake() {
		p.history = p.seq
	}
}

// TakeHole reports, once, that an acknowledgement told of a loss that matters.
func (p *Path) TakeHole() (hole bool) {
	if p.awake() {
		hole, p.hole = p.hole, false
	}
	return hole
}

// Missed reports whether a frame to the peer is known to be lost, for as long as
// acknowledgements tell of it.
func (p *Path) Missed(seq uint32) bool {
	back := p.acked - seq
	return p.awake() && int32(p.judged-seq) >= 0 && back < mapBits && (p.sawMap|p.Excused(p.acked))>>back&1 == 0
}

// answered takes the time of the frame that asked. One that is missing may still be
// on its way, behind later ones.
func (p *Path) answered(now sched.Instant, ack uint32, seen uint64) (sampled bool) {
	back := ack - p.askedSeq
	switch {
	case p.askedAt == 0 || int32(back) < 0:
	case back < mapBits && seen>>back&1 != 0:
		p.took(now - p.askedAt)
		p.askedAt = 0
		return true
	case back >= mapBits || now-p.askedAt > askedMost:
		p.askedAt = 0
	}
	return false
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

// shuffled takes in which frames an acknowledgement names that an earlier one missed.
func (p *Path) shuffled(now sched.Instant, ack uint32, seen uint64) {
	ahead := ack - p.acked
	old := p.sawMap << min(ahead, mapBits)
	if later := uint64(1)<<min(ahead, mapBits) - 1; seen&^old&^later != 0 {
		p.shuffledAt = max(1, now)
	}
	p.sawMap = seen | old
}

// window is how long a frame may come after later ones; 0 where the path keeps the
// order of frames, which counting finds out sooner. Four deviations of the round trip
// and at least a quarter of it (RFC 8985 §7.2 has the quarter), at most a round trip.
func (p *Path) window(now sched.Instant) sched.Instant {
	if p.shuffledAt == 0 || now-p.shuffledAt > reorderMemory || !p.rtt.Known() {
		return 0
	}
	return min(max(4*p.rtt.Deviation(), p.rtt.Min()/4), p.rtt.Smoothed())
}

// final is up to which frame an acknowledgement is the last word.
func (p *Path) final(now sched.Instant, ack uint32, seen uint64) uint32 {
	window := p.window(now)
	if window == 0 {
		p.overtakenAt = 0
		return ack - reorderMax
	}
	upTo := p.judged
	if p.overtakenAt != 0 && now-p.overtakenAt >= window {
		upTo, p.overtakenAt = p.overtaken, 0
	}
	if int32(ack-upTo) > forgottenSoon {
		upTo = ack - forgottenSoon
	}
	if span := min(ack-upTo, mapBits); p.overtakenAt == 0 && ^seen&(1<<span-1) != 0 {
		p.overtakenAt, p.overtaken = now, ack
	}
	return upTo
}

// holes looks in an acknowledgement for frames that were lost: how many it says
// something final about, and how many of these are lost.
func (p *Path) holes(now sched.Instant, ack uint32, seen uint64) (judged, lost int) {
	upTo := p.final(now, ack, seen)
	n := int32(upTo - p.judged)
	open := min(ack-upTo, mapBits) // frames that may still come
	if n <= 0 || open == mapBits {
		return 0, 0
	}
	span := min(uint32(n), mapBits-open)
	final := (uint64(1)<<span - 1) << open
	missing := ^(seen | p.Excused(ack)) & final
	p.sized(ack, missing, seen&final)
	p.judged = upTo
	judged, lost = int(span), bits.OnesCount64(missing)
	if lost > 0 {
		p.lostAt = max(1, now)
	}
	if later := int32(ack - p.history); later < mapBits {
		missing &= 1<<max(later, 0) - 1
	}
	p.hole = p.hole || missing != 0
	return judged, lost
}

// Underway is how long a frame of the peer that comes now took: half a round trip, that of
// other paths where its own is not known yet, and what it may have waited here while the node
// stalled.
func (s *Paths) Underway(p *Path) sched.Instant {
	trip := p.Far()
	if trip == 0 {
		trip = s.trip
	}
	return trip/2 + s.Waited
}

// Heard is when the last one came; 0: never.
func (p *Path) Heard() sched.Instant { return p.heardAt }

// Patience is how long to wait for a frame that later ones from the peer have
// overtaken: as long as the path may hold it back, within [least, most].
func (p *Path) Patience(least, most sched.Instant) sched.Instant {
	if !p.RTT().Known() {
		return max(least, min(p.Far(), most))
	}
	return max(least, min(4*p.RTT().Deviation(), p.RTT().Smoothed(), most))
}
