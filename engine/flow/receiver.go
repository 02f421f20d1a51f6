package flow

import "github.com/quidnunc/quidnunc/sched"

// The law of a receiver.
const (
	windowNanos = 10 * sched.Millisecond // for which pressure is remembered
	levelNanos  = 50 * sched.Millisecond // between changes of the level: senders learn it with acknowledgements
	levelMin    = creditMin
	easeSpans   = 40 // levelNanos without pressure until a bound by pressure is eased, at most
	easeFirst   = 5  // the same after the first pressure for long; twice as many after each one more

	drainNanos = 400 * sched.Millisecond // in which a queue is to be gone: so much less is asked for
	drainLeast = 4                       // but not less than one part in so many

	besideLeast = 1 << 20 // bytes a second by another way that are worth the path
	besideShare = 4       // datagrams have one part in so many of what comes by it
)

// Receiver is what this node takes in. Load is charged to who causes it, so it
// has two inputs: what arrives, from anybody, and what is taken, from senders
// that proved who they are. Rate, bound and credit follow the second alone, and
// as long as most of what arrives is not taken there is nothing to gain by
// asking honest senders for less, whatever the kernel's queue looks like.
type Receiver struct {
	limit uint64 // configured, bytes a second; 0: none
	bound uint64 // by pressure; 0: none
	level uint64 // what each sender may send; 0: any
	other uint64 // bound beside what comes by another way; 0: none

	at      sched.Instant // the start of the window
	arrived uint32        // datagrams, halved with each window
	taken   uint32        // of these, those that were taken
	hot     bool          // the kernel drops, or its queue is more than half full
	pressed bool          // since the level was last set
	ease    uint8
	hold    uint8 // spans until it is eased
	levelAt sched.Instant
	bytes   uint64 // since then
	last    uint64 // taken in the span before, bytes a second
	rate    uint64 // smoothed
	offered uint64 // the same of what was sent: taken, or left in the kernel's queue
	queue   uint64 // bytes there when it was last looked at
	before  uint64 // at levelAt
	drops   uint64

	Shed uint64 // frames not decoded
}

// Init starts a receiver; limit is in bytes a second, 0 for none.
func (r *Receiver) Init(now sched.Instant, limit uint64) {
	*r = Receiver{limit: min(limit, RateMax), at: now, levelAt: now}
}

// Arrived notes a datagram before it is decoded, when nobody knows yet who sent
// it. It reports whether to drop it: the kernel's queue is filling, and its sender
// says that it is repair or bulk.
func (r *Receiver) Arrived(now sched.Instant, sheddable bool) (shed bool) {
	if now-r.at >= windowNanos {
		r.turn(now)
	}
	if sheddable && r.Hot() {
		r.Shed++
		return true // whose it is, nobody finds out
	}
	r.arrived++
	return false
}

// Took notes a frame whose sender has proved who it is. Each was told of by Arrived
// before.
func (r *Receiver) Took(bytes int) {
	r.bytes += uint64(bytes)
	r.taken++
}

// foreign tells whether most of what arrives lately is not taken.
func (r *Receiver) foreign() bool { return 2*r.taken < r.arrived }

// Pressure is what the kernel says: the bytes that wait in the socket, how many
// fit, and how many datagrams it dropped since the start.
func (r *Receiver) Pressure(queued, room int, drops uint64) {
	if drops > r.drops || room > 0 && queued > room/2 {
		r.hot, r.pressed = true, true
	}
	if room > 0 {
		r.queue = uint64(queued)
	}
	r.drops = max(r.drops, drops)
}

// Beside tells how many bytes a second of what is missing here come by another way than
// datagrams, over the same paths: then senders are asked for a share of that, since what they send
// of the same would only be in its way. 0: nothing comes, or it ended.
func (r *Receiver) Beside(rate uint64) {
	if r.other = 0; rate >= besideLeast {
		r.other = rate / besideShare
	}
}

// turn ends a window.
func (r *Receiver) turn(now sched.Instant) {
	r.hot = false
	r.at = now
	r.arrived, r.taken = r.arrived/2, r.taken/2
	if span := now - r.levelAt; span >= levelNanos {
		r.last = r.bytes * sched.Second / uint64(span)
		r.rate = (3*r.rate + r.last) / 4
		if r.foreign() {
			r.queue = 0 // it is not for peers to let it drain
		}
		sent := r.bytes + r.queue - min(r.before, r.bytes+r.queue)
		r.bytes, r.levelAt, r.before = 0, now, r.queue
		r.setBound()
		r.pressed = false
		r.adjust(sent * sched.Second / uint64(span))
	}
}

// setBound keeps the receiver a little below what it took in under pressure, and
// gives the bound up in steps when the pressure is gone: soon after the first, since it may have
// been a burst, and later each time that it comes back. Under pressure the last span says what the
// receiver can do; the smoothed rate lags where senders have just begun.
func (r *Receiver) setBound() {
	switch {
	case r.pressed && !r.foreign():
		if r.bound == 0 || r.ease > 0 { // it came back
			r.ease, r.hold = 0, min(max(2*r.hold, easeFirst), easeSpans)
		}
		took := max(r.rate, r.last)
		r.bound = max(took-took/8, levelMin)
	case r.bound != 0:
		if r.ease++; r.ease >= r.hold {
			r.bound += r.bound / 4
		}
		if r.bound > 4*r.rate {
			r.bound = 0
		}
	default:
		r.hold -= min(r.hold, 1)
	}
}

// adjust moves the level so that what all senders send meets the limit, less what lets a queue
// drain: by the ratio of the two, at most by a quarter down and an eighth up. sent is what they
// sent in the last span, and not what was taken: a queue hides that they send less by now. Where
// that is nearer to the limit than the smoothed rate, what was asked for before is on its way, and
// is not asked for again.
func (r *Receiver) adjust(sent uint64) {
	r.offered = (3*r.offered + sent) / 4
	most := r.most()
	if most == 0 {
		r.level = 0
		return
	}
	if r.level == 0 {
		if r.offered <= most {
			return // all together stay below it
		}
		r.level = max(r.rate, r.last)
	}
	aim := most - min(r.queue*sched.Second/drainNanos, most-most/drainLeast)
	rate := min(max(r.offered, sent), aim)
	if r.offered > aim {
		rate = max(min(r.offered, sent), aim)
	}
	next := r.level * aim / max(rate, 1)
	next = min(max(next, r.level-r.level/4), r.level+r.level/8)
	r.level = min(max(next, levelMin), most)
}

// most is what may arrive in all; 0: anything.
func (r *Receiver) most() (most uint64) {
	for _, bound := range [...]uint64{r.limit, r.bound, r.other} {
		if bound != 0 && (most == 0 || bound < most) {
			most = bound
		}
	}
	return most
}

// Credit is what a frame to a sender states.
func (r *Receiver) Credit() uint16 {
	if r.level == 0 {
		return 0
	}
	return Credit16(clampRate(r.level))
}

// Level is the credit in bytes a second, 0 for none.
func (r *Receiver) Level() uint64 { return r.level }

// Rate is what is taken, in bytes a second, smoothed.
func (r *Receiver) Rate() uint64 { return r.rate }

// Hot reports whether frames should carry a congestion mark: those who get them
// cause the queue.
func (r *Receiver) Hot() bool { return r.hot && !r.foreign() }
