package link

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// Size finds out whether a path takes long frames (RFC 8899): those above the
// length that every path takes. It begins with short ones, and long ones are sent
// once a padded one was acknowledged.
type Size struct {
	long   uint64        // bit i: the frame Path.seq-i was long
	at     sched.Instant // when the probe left; narrow: when the next may
	probe  uint32        // the padded frame that is under way
	phase  sizePhase
	tries  uint8 // probes without an answer
	doubt  uint8 // long frames that were lost since one arrived
	waits  uint8 // times that the path was found narrow
	flying bool  // a probe is
	news   bool  // see TakeSize
}

type sizePhase uint8

const (
	probing sizePhase = iota // short frames, and a probe whenever long ones were of use
	wide                     // long frames
	narrow                   // short frames; a probe is due now and then
)

const (
	probeTries  = 4                       // probes lost in a row that make a path narrow
	probeWait   = 100 * sched.Millisecond // at least, for the answer to one
	probeMost   = sched.Second            // and at most
	doubtMax    = 4                       // long frames lost in a row that make us probe again
	doubtLate   = 2                       // what a time-out with a long frame under way counts
	narrowFirst = 30 * sched.Second       // until a narrow path is probed again
	narrowMost  = 600 * sched.Second      // PMTU_RAISE_TIMER, RFC 8899 §5.1.1
)

// Wide reports whether frames to the peer may be long.
func (p *Path) Wide() bool { return p.awake() && p.size.phase == wide }

// Most is how long a frame to the peer may be: what every path takes, until a longer one
// arrived.
func (p *Path) Most(long, short int) int {
	if p.Wide() {
		return long
	}
	return min(long, short)
}

// MayProbe reports whether a padded frame should be sent now: it is asked when
// there is more to send than a short frame holds.
func (p *Path) MayProbe(now sched.Instant) bool {
	if !p.awake() {
		return false
	}
	z := &p.size
	switch {
	case z.phase == wide:
		return false
	case !z.flying:
		return z.phase == probing || now >= z.at
	case now-z.at < p.rtt.RTO(probeWait, probeMost):
		return false
	}
	z.flying = false
	if z.tries++; z.phase == narrow || z.tries >= probeTries {
		p.becomeNarrow(now)
	}
	return z.phase == probing
}

// Probing reports whether a padded frame is under way.
func (p *Path) Probing() bool { return p.awake() && p.size.flying }

// Probed notes that the last frame was padded, to see whether it arrives.
func (p *Path) Probed(now sched.Instant) {
	if p.awake() {
		z := &p.size
		z.probe, z.flying, z.at = p.seq, true, now
	}
}

// Moved notes that the peer has another address: nothing is known of that path.
func (p *Path) Moved() {
	if p.awake() {
		p.size = Size{long: p.size.long}
	}
}

// TooLong notes that the host or a router refused a long frame, and reports
// whether that is new.
func (p *Path) TooLong(now sched.Instant) bool {
	if !p.awake() || p.size.phase == narrow {
		return false // one that rests begins with short ones
	}
	p.becomeNarrow(now)
	return true
}

// becomeNarrow ends long frames until the next probe is due.
func (p *Path) becomeNarrow(now sched.Instant) {
	z := &p.size
	z.news = z.news || z.phase != narrow
	z.phase, z.flying, z.tries, z.doubt = narrow, false, 0, 0
	z.at = now + min(narrowMost, sched.Instant(narrowFirst)<<z.waits)
	z.waits = min(z.waits+1, 8)
}

// doubts counts long frames that were lost though the peer answers. Short frames
// go from then on, and a probe finds out whether it was the length.
func (p *Path) doubts(n int) {
	z := &p.size
	if z.phase != wide {
		return
	}
	if z.doubt = uint8(min(int(z.doubt)+n, doubtMax)); z.doubt == doubtMax {
		z.phase, z.flying, z.tries, z.doubt = probing, false, 0, 0
	}
}

// TakeSize reports, once, that the path was found to be narrow.
func (p *Path) TakeSize() (news bool) {
	if p.awake() {
		news, p.size.news = p.size.news, false
	}
	return news
}

// Excused is the bit of an acknowledgement that stands for a probe: its loss says
// nothing about how busy the path is.
func (p *Path) Excused(ack uint32) uint64 {
	if !p.awake() {
		return 0
	}
	if back := ack - p.size.probe; p.size.probe != 0 && back < mapBits {
		return 1 << back
	}
	return 0
}

// proven takes a probe that arrived.
func (p *Path) proven(ack uint32, seen uint64) {
	z := &p.size
	if back := ack - z.probe; z.flying && back < mapBits && seen>>back&1 != 0 {
		*z = Size{long: z.long, probe: z.probe, phase: wide}
	}
}

// sized takes in what became of long frames: lost and got are frames by their
// distance from ack.
func (p *Path) sized(ack uint32, lost, got uint64) {
	z := &p.size
	ahead := p.seq - ack
	if z.phase != wide || ahead >= mapBits {
		return
	}
	long := z.long >> ahead
	if long&got != 0 {
		z.doubt = 0
	}
	if n := bits.OnesCount64(long & lost); n > 0 && long&got == 0 {
		p.doubts(n)
	}
}
