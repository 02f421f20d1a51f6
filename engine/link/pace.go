package link

import (
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/sched"
)

// pace is what is kept of a path on which frames go: how fast it is, what it loses, and which length it
// takes. On one that was used by nobody for long all that is found out anew, as on a new one. Frames to
// the peer that were neither acknowledged nor missed by then are judged by its next acknowledgement.
type pace struct {
	ticket  active.Ticket // of its path
	sawMap  uint64        // which frames to the peer it saw, up to acked
	judged  uint32        // losses up to this frame are known
	history uint32        // frames up to this one may be lost: what they carried is sent again already

	timedSeq, askedSeq uint32

	overtaken uint32        // see overtakenAt
	hole      bool          // an acknowledgement told of a loss
	timedAt   sched.Instant // when the frame left whose acknowledgement is timed; 0: none
	askedAt   sched.Instant // when the frame left whose answer is timed; 0: none
	sampleAt  sched.Instant // when the round trip is worth another look
	lostAt    sched.Instant // when the last loss was found out; 0: never

	rtt     sched.RTT // round trip
	ackTime sched.RTT // until a frame is acknowledged that does not ask for it

	size        Size
	shuffledAt  sched.Instant // a frame was seen after later ones; 0: never
	overtakenAt sched.Instant // when frames up to overtaken were first known to be missing; 0: none is
}

// paceBytes is what it takes; a test holds it.
const paceBytes = 184

// ActiveBytes is what a path takes on which frames go, beside what each does.
const ActiveBytes = paceBytes + active.PartBytes

// ActiveFootprint is that of so many paths, most of them at once; 0: as many as is usual.
func ActiveFootprint(most, paths int) int { return active.Footprint(most, paths, ActiveBytes) }

// awake tells whether a path has a pace of its own.
func (p *Path) awake() bool { return p.pace != nil && p.pace.ticket == p.ticket }

// wake sees to it that it has.
func (s *Paths) wake(now sched.Instant, p *Path) {
	if x, fresh := s.paces.Take(now, &p.ticket); fresh {
		*x = pace{ticket: p.ticket, sawMap: 1<<mapBits - 1, judged: p.acked, history: p.acked}
		p.pace = x
	}
}

// Hears notes a frame of the peer, with or without a number.
func (s *Paths) Hears(p *Path, now sched.Instant) {
	s.wake(now, p)
	p.heardAt = now
}

// Sends notes that the next frame leaves: Path.Sent.
func (s *Paths) Sends(p *Path, now sched.Instant, long bool) {
	s.wake(now, p)
	p.Sent(long)
}

// unknown is the round trip of paths that rest; nobody adds a sample to it.
var unknown sched.RTT

// RTT is the round trip. Who measures one elsewhere, by what came from the peer just now, adds a sample.
func (p *Path) RTT() *sched.RTT {
	if p.awake() {
		return &p.rtt
	}
	return &unknown
}

// Answers takes how long the peer took to answer what was no frame of the path.
func (s *Paths) Answers(p *Path, now, took sched.Instant) {
	s.wake(now, p)
	p.took(took)
}

// took adds a round trip to those of a path that has a pace.
func (p *Path) took(d sched.Instant) {
	p.rtt.Sample(d)
	p.far = uint8(min(p.rtt.Smoothed()/farUnit, 1<<8-1))
}

// farUnit is how exactly the round trip of a path that rests is kept.
const farUnit = 16 * sched.Millisecond

// Far is the round trip, also of a path that rests: then it is about as long as it was, 4 s at most. It
// is for those who wait for the peer and must not take it for silent too soon.
func (p *Path) Far() sched.Instant {
	if rtt := p.RTT(); rtt.Known() {
		return rtt.Smoothed()
	}
	return sched.Instant(p.far) * farUnit
}
