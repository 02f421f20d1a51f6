package link

import (
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	resendMin   = 10 * sched.Millisecond // on top of what an acknowledgement may wait
	resendWait  = sched.Second           // an acknowledgement that takes longer is as good as lost
	resendFast  = 3 * sched.Millisecond  // where it does not wait
	resendBlind = 30 * sched.Millisecond // while the round trip is not known; it doubles each time
	sampleEvery = sched.Second           // a round trip is measured while there is mail
	askedMost   = 8 * sched.Second       // an answer that takes longer is none
	resendMax   = 10 * sched.Second
	lossMemory  = sched.Second      // a path that lost a frame is watched for so long
	lossyShare  = 1 << 16 / 50      // of frames to all peers: then every path counts as lossy
	ackLag      = sched.Millisecond // a loop whose turns take more is late
	ackWait     = 250 * sched.Millisecond
	lossyLag    = 5 * sched.Millisecond // but not where it is the loop that is late
	lossFrames  = 256                   // the share of losses is smoothed over about so many
	queuedMax   = sched.Second
	tripsBlind  = 4 // usual round trips that an answer may take over a path that is not known
)

// Paths is what all paths of a node have in common.
type Paths struct {
	Lag    sched.Instant // of the node's loop, as its shell observes it
	Waited sched.Instant // what comes now may have lain in the socket for so long
	Peers  int           // that frames go to

	ackDelay sched.Instant // an acknowledgement waits this long for a ride
	transit  sched.Instant // until a frame is acknowledged that does not ask, smoothed over all peers
	trip     sched.Instant // round trip, smoothed over all peers
	loss     int32         // share of frames that were lost, smoothed, of 2^16
	long     bool          // see Long
	refusals sched.Pacer   // of a frame's length
	last     uint32        // see Ended
	ended    bool          // a path did
	paces    active.Parts[pace]
}

// refusalsMost a second are looked into: each is a walk over all peers, and may be made up.
const refusalsMost = 64

// samplesMost a second are asked for their round trip, of all paths together: each costs a frame of
// the peer's.
const samplesMost = 32

// Init tells how long a peer may hold back an acknowledgement, and of how many paths more is kept at
// once than the numbers of frames; 0: of as many as is usual.
func (s *Paths) Init(now, ackDelay sched.Instant, most int) {
	*s = Paths{ackDelay: ackDelay}
	s.paces.Init(most)
	s.refusals.Init(now, refusalsMost, refusalsMost)
}

// MayLook asks whether word that a frame was refused for its length may be looked into.
func (s *Paths) MayLook(now sched.Instant) bool { return s.refusals.Take(now, 1) }

// Acked takes what a frame of the peer acknowledges: the highest number that it
// saw, and a bit for each up to it. It reports false for what is known already or
// was never sent.
func (s *Paths) Acked(p *Path, now sched.Instant, ack uint32, seen uint64) (news bool) {
	ahead := int32(ack - p.acked)
	if ahead < 0 || ahead == 0 && (!p.awake() || seen|p.sawMap == p.sawMap) || int32(p.seq-ack) < 0 {
		return false
	}
	s.wake(now, p)
	p.shuffled(now, ack, seen)
	seen, p.acked = p.sawMap, ack
	if took, ok := p.acknowledged(now, ack); ok {
		s.transit += (took - s.transit) / 16
	}
	if p.answered(now, ack, seen) {
		s.trip += (p.rtt.Smoothed() - s.trip) / 8
	}
	p.proven(ack, seen)
	if n, lost := p.holes(now, ack, seen); n > 0 {
		s.measured(n, lost)
	}
	return true
}

// measured takes in n frames, of which some were lost.
func (s *Paths) measured(n, lost int) {
	s.loss += (int32(lost)<<16 - int32(n)*s.loss) / lossFrames
	s.loss = max(0, min(s.loss, 1<<15))
}

// Lossy reports whether a path has lost a frame lately.
func (s *Paths) Lossy(p *Path, now sched.Instant) bool {
	return p.awake() && p.lostAt != 0 && now-p.lostAt < lossMemory || s.loss > lossyShare && s.Lag < lossyLag
}

// Asks tells whether what leaves on a path should ask for its acknowledgement at once: where frames
// are lost or acknowledgements late, and now and then where nothing asked for it lately: the more
// paths there are, the more seldom.
func (s *Paths) Asks(p *Path, now sched.Instant) bool {
	return !p.awake() || p.sampleAt == 0 || s.Lossy(p, now) || now >= p.sampleAt+s.sampleRest()
}

// sampleRest is how much longer than sampleEvery a path is not asked.
func (s *Paths) sampleRest() sched.Instant {
	return max(0, sched.Instant(s.Peers)*(sched.Second/samplesMost)-sampleEvery)
}

// ResendAfter is how long to wait for the acknowledgement of what leaves now,
// doubled so many times.
func (s *Paths) ResendAfter(p *Path, now sched.Instant, doubled uint8) sched.Instant {
	d := p.RTT().RTO(resendMin, resendMax) + s.ackDelay + s.ackDelay/2
	if p.awake() && p.ackTime.Known() {
		d = max(d, p.ackTime.RTO(resendMin, resendWait))
	}
	if s.Lossy(p, now) {
		d = p.answerAfter()
	}
	return min(resendMax, d<<doubled) + 2*s.Lag
}

// AckAfter is how long an acknowledgement waits for a ride, and for others to share its frame: where the
// loop is late, for half of the time after which it would be missed.
func (s *Paths) AckAfter(p *Path) sched.Instant {
	if s.Lag < ackLag || !p.RTT().Known() {
		return s.ackDelay
	}
	return max(s.ackDelay, min((p.RTT().RTO(resendMin, resendMax)+s.ackDelay+s.ackDelay/2)/2, ackWait))
}

// AnswerAfter is how long to wait for what the peer answers at once, with no frame of its own
// to wait for.
func (s *Paths) AnswerAfter(p *Path) sched.Instant {
	d := p.answerAfter()
	if !p.RTT().Known() && s.trip > 0 {
		d = min(d, max(resendFast, tripsBlind*s.trip)) // as the others answer
	}
	return d + 2*s.Lag
}

func (p *Path) answerAfter() sched.Instant {
	if p.RTT().Known() {
		return p.RTT().RTO(resendFast, resendMax)
	}
	return resendBlind
}

// Queued is about how long frames wait in queues between nodes, which shows in
// the time of acknowledgements.
func (s *Paths) Queued() sched.Instant { return min(max(0, s.transit-s.ackDelay), queuedMax) }

// Trip is about how long a round trip takes.
func (s *Paths) Trip() sched.Instant { return min(s.trip, queuedMax) }

// Long reports, once, that a path is longer than what its users count with.
func (s *Paths) Long(p *Path, most sched.Instant) bool {
	if s.long || p.RTT().Min() <= most {
		return false
	}
	s.long = true
	return true
}

// Loss is the share of frames that were lost lately, of 2^16, over all paths.
func (s *Paths) Loss() int32 { return s.loss }

// Copies is how many frames to send so that, on average, k of them arrive.
func (s *Paths) Copies(k int32) int32 { return k + k*s.loss/(1<<16-s.loss) }

// Ended notes the number of the last frame of a path that is given up, First is where the
// numbers of a new one begin, if none has ended by chance. Whoever was at the other end may
// remember the old path, and takes what has lower numbers for old: so a new one goes on
// behind all that ended.
func (s *Paths) Ended(last uint32) {
	if !s.ended || int32(last-s.last) > 0 {
		s.last, s.ended = last, true
	}
}

// First is for Ended.
func (s *Paths) First(chance uint32) uint32 {
	if s.ended {
		return s.last
	}
	return chance
}
