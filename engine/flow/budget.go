package flow

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// The law of a peer's budget.
const (
	rateStart    = 8 << 20   // bytes a second before anything is known of a peer
	rateMin      = 128 << 10 // a little loss, and delay, never lower the rate below: bursts of a quiet peer are not worth it
	rateLeast    = 2 << 10   // nor does much loss below a share of that, and this: all senders together would drown a thin link
	muchShift    = 3         // more than 1/8 lost is much
	creditMin    = 4 << 10   // nor is a credit believed below
	delayRateMin = 1 << 20   // nor does delay alone: it may be the processor's and not the path's
	burstNanos   = 2 * sched.Millisecond
	burstFrames  = 8 // at least: frames that leave back to back
	burstCredit  = 2 // the same while the receiver states a credit
	fillNanos    = 100 * sched.Microsecond

	roundFrames  = 16                     // a round asks for an acknowledgement after so many frames
	roundMin     = 5 * sched.Millisecond  // and not sooner
	delayMax     = 20 * sched.Millisecond // growth of the round trip that counts as a queue
	timeoutMin   = 100 * sched.Millisecond
	timeoutMax   = 2 * sched.Second
	reordered    = 24            // later frames that must arrive before one counts as lost: bursts are shuffled
	lossShift    = 5             // less than 1/32 lost is not congestion
	stepShiftMax = 3             // an additive step never exceeds rate/8
	usefulLoss   = 1 << 16 / 512 // less than 1/512 lost bounds nothing
	mapFrames    = 64            // frames that an acknowledgement tells of
)

// Budget is what may be sent to one peer. The zero value is not ready.
type Budget struct {
	at      sched.Instant // tokens were counted
	askedAt sched.Instant
	from    sched.Instant // the last round ended
	since   sched.Instant // something is held back since then; 0: nothing is

	tokens int32  // bytes that may go now; negative is debt
	carry  uint32 // part of a byte
	rate   uint32 // bytes a second
	credit uint32 // the receiver's bound; 0: it stated none
	knee   uint32 // below it the rate doubles in a clean round
	asked  uint32 // the frame that asks for an acknowledgement, if a round is open
	bytes  uint32 // spent since from
	judged uint32 // the fate of the frames up to here is known
	base   uint32 // the round trip without queues, microseconds
	rtt    uint32 // smoothed

	frame  uint16 // bytes of a full one
	frames uint16 // since the last ask
	seen   uint16 // frames judged in this round
	lost   uint16 // of them
	loss   uint16 // smoothed, in 1/65536
	broken uint16 // breaks as a share of the frames, smoothed, in 1/65536
	useful uint16 // as a credit: above it most of what follows a loss is sent in vain; 0: none is known
	innate innate

	least uint32 // the share of rateMin: much loss never lowers the rate below

	breaks  uint8 // acknowledgements in this round that told of losses
	step    uint8 // an additive raise is 2^step frames a round trip
	silent  uint8 // rounds in a row without an answer
	turn    uint8
	open    bool // a round is
	marked  bool
	excused bool // the rate was just lowered: what this round shows was sent before
	limited bool // something was held back in this round

	Cuts   uint32 // rounds that lowered the rate
	Silent uint32 // rounds without an answer
}

// Init starts a budget for frames of at most frameBytes. seq is the sequence
// number of the last frame before.
func (b *Budget) Init(now sched.Instant, frameBytes int, seq uint32) {
	*b = Budget{frame: uint16(frameBytes), at: now, from: now, rate: rateStart, judged: seq, knee: RateMax, least: rateMin}
	b.tokens = b.burst()
}

// Rate is the bytes a second that may leave now: the own, within the credit, as far as it is of use.
func (b *Budget) Rate() uint32 {
	rate := b.rate
	if b.useful != 0 {
		rate = min(rate, Rate16(b.useful))
	}
	if b.credit != 0 {
		rate = min(rate, max(b.credit, creditMin))
	}
	return rate
}

// Own is the rate that losses and delays allow.
func (b *Budget) Own() uint32 { return b.rate }

// Stalled reports whether the peer has left several rounds unanswered.
func (b *Budget) Stalled() bool { return b.silent > 1 }

// Credit is the receiver's bound in bytes a second, 0 if it stated none.
func (b *Budget) Credit() uint32 { return b.credit }

// Loss is the smoothed share of frames lost, in parts per million.
func (b *Budget) Loss() uint32 { return uint32(uint64(b.loss) * 1_000_000 >> 16) }

// RTT is the smoothed round trip of rounds, 0 before the first.
func (b *Budget) RTT() sched.Instant { return sched.Instant(b.rtt) * sched.Microsecond }

func (b *Budget) burst() int32 {
	if b.credit != 0 { // what is bounded comes evenly
		return int32(max(uint64(b.Rate())*burstNanos/sched.Second, burstCredit*uint64(b.frame)))
	}
	return int32(max(uint64(b.Rate())*burstNanos/sched.Second, burstFrames*uint64(b.frame)))
}

// fill adds what was earned since the last call.
func (b *Budget) fill(now sched.Instant) {
	span := uint64(now - b.at)
	if now <= b.at {
		return
	}
	b.at = now
	full := b.burst()
	if b.tokens >= full {
		b.tokens, b.carry = full, 0
		return
	}
	hi, lo := bits.Mul64(span, uint64(b.Rate()))
	lo, c := bits.Add64(lo, uint64(b.carry), 0)
	if hi += c; hi >= sched.Second {
		b.tokens, b.carry = full, 0
		return
	}
	earned, rest := bits.Div64(hi, lo, sched.Second)
	b.carry = uint32(rest)
	if earned >= uint64(int64(full)-int64(b.tokens)) {
		b.tokens, b.carry = full, 0
		return
	}
	b.tokens += int32(earned)
}

func (b *Budget) floor(c Class) int32 { return reserve[c] * burstFrames * int32(b.frame) / 8 }

// Allow reports whether a frame of the class may be encoded now. It is granted
// whole: Spend may leave a debt of one frame, which is worked off first.
func (b *Budget) Allow(now sched.Instant, c Class) bool {
	if c == Probe {
		return true
	}
	b.expire(now)
	if b.silent > 1 && c >= Normal {
		return !b.open
	}
	if now-b.at >= fillNanos || b.tokens <= b.floor(c) {
		b.fill(now)
	}
	return b.tokens > b.floor(c)
}

// When is the first instant at which Allow(c) may say yes.
func (b *Budget) When(c Class) sched.Instant {
	if b.silent > 1 && b.open && c >= Normal {
		return b.askedAt.After(b.timeout())
	}
	lack := b.floor(c) + 1 - b.tokens
	if lack <= 0 {
		return b.at
	}
	return b.at.After(sched.Instant(uint64(lack)*sched.Second/uint64(b.Rate()) + 1))
}

// patience is how long repairs wait however short intervals are: two frames' time, since what
// left before may take as much, a second at most.
func (b *Budget) patience() sched.Instant {
	return min(sched.Instant(2*uint64(b.frame)*uint64(sched.Second)/uint64(max(1, b.Rate()))), sched.Second)
}

// RepairFirst reports whether this frame, with both news and repair due, begins
// with repair. It is asked once a frame.
func (b *Budget) RepairFirst() bool {
	b.turn = (b.turn + 1) % repairShare
	return b.turn == 0
}

// Ask reports whether the frame about to be encoded should ask for an answer at
// once: it is true for one in many frames while there is much to judge, and once
// a round trip while something is held back.
func (b *Budget) Ask(now sched.Instant) bool {
	switch {
	case b.frames+1 >= roundFrames:
		return b.open || now-b.askedAt >= roundMin
	case b.limited:
		return !b.open && now-b.askedAt >= max(roundMin, b.RTT())
	default:
		return b.silent > 0 && !b.open
	}
}

// Spend takes an encoded frame out of the budget. asked: it carried the ask.
func (b *Budget) Spend(now sched.Instant, bytes int, seq uint32, asked bool) {
	b.Charge(bytes)
	b.frames = min(b.frames+1, 1<<15)
	b.bytes += uint32(bytes)
	if !asked {
		return
	}
	if b.frames = 0; !b.open {
		b.open, b.asked, b.askedAt = true, seq, now
	}
}

// Charge takes bytes of a frame that carries no data: an acknowledgement.
func (b *Budget) Charge(bytes int) { b.tokens = max(b.tokens-int32(bytes), -1<<30) }

// Hold notes that something due was held back; Release that nothing is now.
func (b *Budget) Hold(now sched.Instant) {
	b.limited = true
	if b.since == 0 {
		b.since = now
	}
}

// Release ends what Hold began.
func (b *Budget) Release() { b.since = 0 }

// Starved reports whether something was held back for all of span.
func (b *Budget) Starved(now, span sched.Instant) bool { return b.since != 0 && now-b.since >= span }
