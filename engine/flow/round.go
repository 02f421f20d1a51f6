package flow

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// Ack is what a frame of the peer says of ours.
type Ack struct {
	High   uint32 // the highest of our sequence numbers that it saw
	Map    uint64 // bit i: it saw High-i
	Sent   uint32 // the highest that we sent
	Credit uint16
	Marked bool
	Peers  int           // how many send to the same peer, about; 0: this one alone
	Lag    sched.Instant // of the own loop: not the path's
}

// Acked takes an acknowledgement. It reports false for an absurd one, which
// changes nothing: of frames that were never sent.
func (b *Budget) Acked(now sched.Instant, a *Ack) bool {
	if int32(a.Sent-a.High) < 0 {
		return false
	}
	if a.Credit != 0 {
		b.credit = Rate16(a.Credit)
	} else {
		b.credit = 0
	}
	b.marked = b.marked || a.Marked
	b.judge(a)
	if b.open && int32(a.High-b.asked) >= 0 {
		back := a.High - b.asked
		b.close(now, a, back < mapFrames && a.Map>>back&1 != 0)
	}
	return true
}

// judge counts the frames whose fate this acknowledgement tells: those that are
// old enough not to be on their way, and not so old that the map forgot them.
func (b *Budget) judge(a *Ack) {
	upTo := a.High - reordered
	n := int32(upTo - b.judged)
	if n <= 0 {
		return
	}
	b.judged = upTo
	if !b.open {
		b.silent = 0 // late, but there
	}
	n = min(n, mapFrames-reordered)
	mask := (uint64(1)<<n - 1) << reordered
	got := bits.OnesCount64(a.Map & mask)
	if b.seen < 1<<15 {
		b.seen += uint16(n)
		b.lost += uint16(int(n) - got)
		if got < int(n) {
			b.breaks = min(b.breaks+1, 1<<8-2)
		}
	}
}

// close ends a round with an answer.
func (b *Budget) close(now sched.Instant, a *Ack, sample bool) {
	span := max(1, now-b.askedAt)
	if sample {
		b.sample(span)
	}
	b.open, b.silent = false, 0
	b.least = max(rateLeast, rateMin/2/uint32(max(1, a.Peers)))
	b.smooth()
	used := uint64(b.bytes) * 2 * sched.Second / uint64(max(now-b.from, roundMin)) // twice: half of the rate is use
	before, queue := b.Cuts, min(span, b.RTT())-b.path()-4*a.Lag
	lost := b.innate.beyond(b.seen, b.lost, b.loss)
	switch {
	case lost > b.seen>>lossShift:
		got, floor := uint64(b.seen-min(lost, b.seen))*15, uint32(rateMin)
		if lost > b.seen>>muchShift {
			floor = b.least
			b.innate.wrong()
		}
		b.cutTo(used, got, uint64(b.seen)*16, floor)
	case b.excused:
	case b.marked:
		b.cut(used, 7, 8)
	case sample && queue > delayMax:
		if b.rate > delayRateMin {
			b.cut(used, 15, 16)
			b.rate = max(b.rate, delayRateMin)
		}
	case sample && queue > delayMax/4: // close to it: neither
		b.step = 0
	case b.limited && (b.credit == 0 || b.rate < b.credit) || used >= uint64(b.rate):
		b.raise(span)
	}
	if b.excused = b.Cuts != before; b.excused {
		b.judged = a.Sent
	}
	b.innate.look(b.seen, b.loss, b.rate <= 2*b.least)
	b.reset(now)
}

// smooth lets this round's losses into the mean: an eighth of it where a round judged as many frames
// as it may have, less where it judged fewer.
func (b *Budget) smooth() {
	if b.seen > 0 {
		share := int64(b.lost) * 65535 / int64(b.seen)
		weight := int64(min(b.seen, roundFrames))
		b.loss += uint16((share - int64(b.loss)) * weight / (8 * roundFrames))
		breaks := int64(b.breaks) * 65535 / int64(b.seen)
		b.broken += uint16((breaks - int64(b.broken)) * weight / (64 * roundFrames))
	}
	b.bound()
}

// bound sets what is of use on a path that loses frames now and then. What follows a lost frame is
// sent anew, so a round trip brings no more than the frames between two breaks, however many are
// sent in it: with twice as many it is 86 per cent of that, and more are a waste. Frames that are lost
// together break once.
func (b *Budget) bound() {
	b.useful = 0
	if b.broken >= usefulLoss && b.rtt != 0 {
		frames := 2 * 65536 / uint64(b.broken)
		b.useful = Credit16(clampRate(max(frames*uint64(b.frame)*uint64(sched.Second/sched.Microsecond)/uint64(b.rtt), rateMin)))
	}
}

func (b *Budget) reset(now sched.Instant) {
	b.seen, b.lost, b.breaks, b.bytes, b.from = 0, 0, 0, 0, now
	b.marked, b.limited = false, false
}

// sample takes in a round trip. The base follows the smallest, and rises slowly
// so that a longer path becomes the new normal.
func (b *Budget) sample(d sched.Instant) {
	us := uint32(min(d/sched.Microsecond+1, 1<<30))
	if b.rtt == 0 {
		b.rtt, b.base = us, us
		return
	}
	b.rtt += uint32((int32(us) - int32(b.rtt)) / 4)
	b.base = min(b.base+(max(b.rtt, b.base)-b.base)/256, us)
}

// path is the round trip without queues.
func (b *Budget) path() sched.Instant { return sched.Instant(b.base) * sched.Microsecond }

// cut lowers the rate to num/den of itself, but never below a quarter: from what
// was used, if that was far less than what was allowed.
func (b *Budget) cut(used, num, den uint64) { b.cutTo(used, num, den, rateMin) }

// cutTo is cut down to a floor. A rate that is below it already stays.
func (b *Budget) cutTo(used, num, den uint64, floor uint32) {
	from := min(uint64(b.rate), max(used, uint64(floor)))
	b.rate = min(b.rate, uint32(max(from*num/den, from/4, uint64(floor))))
	b.step, b.knee = 0, b.rate
	b.Cuts++
}

// raise adds a step, one frame a round trip at first and twice as much after
// each clean round in a row; it doubles up to where congestion last set it.
func (b *Budget) raise(span sched.Instant) {
	if b.rate < b.knee {
		b.rate = clampRate(min(2*uint64(b.rate), uint64(b.knee)))
		return
	}
	up := uint64(b.frame) << b.step * sched.Second / uint64(max(span, roundMin))
	b.step = min(b.step+1, 16)
	b.rate = clampRate(uint64(b.rate) + min(up, uint64(b.rate)>>stepShiftMax))
}

// timeout is how long an ask may stay unanswered.
func (b *Budget) timeout() sched.Instant {
	return min(max(timeoutMin, 4*b.RTT())<<min(b.silent, 5), timeoutMax)
}

// expire ends a round that got no answer: everything may be lost.
func (b *Budget) expire(now sched.Instant) {
	if !b.open || now-b.askedAt < b.timeout() {
		return
	}
	b.open = false
	b.silent = min(b.silent+1, 16)
	b.Silent++
	knee := b.knee
	b.cut(uint64(b.rate), 1, 2)
	if b.silent > 1 { // the first time may be a crowded path, later ones tell nothing about its width
		b.knee = knee
	}
	b.reset(now)
}
