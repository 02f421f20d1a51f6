package sched

// RTT estimates a round trip from samples: the smoothed mean and deviation of
// RFC 6298 (gains 1/8 and 1/4, kept scaled by 8 and 4 as in TCP so that no
// fraction is lost), and the smallest of the last samples: a path that became
// longer is a long one. 32 bytes; the zero value has seen nothing.
//
// By Karn's rule the caller samples only answers that match one request: a
// probe that was sent twice under one number is no sample.
type RTT struct {
	mean8   Instant // 8 times the smoothed round trip; 0: no sample yet
	dev4    Instant // 4 times the smoothed deviation
	least   Instant // smallest sample of this window and the one before
	next    uint32  // smallest of this window alone, in units of 2^rttUnitBits; 0: none
	samples uint8   // in this window
	doubled uint8   // timeouts since the last sample
}

const (
	rttSampleMax  = 1 << 56 // larger samples count as this; 2.3 years
	rttInitial    = 1 * Second
	rttDoubledMax = 16
	rttWindow     = 4 // samples
	rttUnitBits   = 10
	rttLonger     = 10 * Millisecond
)

// Sample takes in one measured round trip. It also ends the backoff.
func (t *RTT) Sample(d Instant) {
	d = min(max(d, 1), rttSampleMax)
	t.doubled = 0
	t.shortest(d)
	if t.mean8 == 0 {
		t.mean8, t.dev4 = d<<3, d<<1
		return
	}
	off := d - t.mean8>>3
	t.mean8 += off // mean += off/8
	if off < 0 {
		off = -off
	}
	t.dev4 += off - t.dev4>>2 // dev += (|off| - dev)/4
}

// shortest keeps the smallest of the last one or two windows of samples.
func (t *RTT) shortest(d Instant) {
	if t.least == 0 || d < t.least {
		t.least = d
	}
	unit := uint32(min(d>>rttUnitBits+1, 1<<32-1))
	if t.next == 0 || unit < t.next {
		t.next = unit
	}
	if t.samples++; t.samples == rttWindow {
		t.least, t.next, t.samples = max(t.least, Instant(t.next-1)<<rttUnitBits), 0, 0
	}
}

// RTO is how long to wait for an answer: mean + 4 deviations, at least one
// wheel tick above the mean, doubled for each Backoff since the last sample,
// held within [least, most]. Before the first sample it starts from one second.
func (t *RTT) RTO(least, most Instant) Instant {
	rto := Instant(rttInitial)
	if t.mean8 != 0 {
		rto = t.mean8>>3 + max(t.dev4, Tick)
	}
	rto = max(rto, least)
	for range t.doubled {
		if rto >= most {
			break
		}
		rto <<= 1
	}
	return min(rto, most)
}

// Backoff notes that an answer did not come in time (RFC 6298 §5.5).
func (t *RTT) Backoff() { t.doubled = min(t.doubled+1, rttDoubledMax) }

// Known tells whether there was a sample.
func (t *RTT) Known() bool { return t.mean8 != 0 }

// Smoothed is the smoothed round trip, 0 before the first sample.
func (t *RTT) Smoothed() Instant { return t.mean8 >> 3 }

// Deviation is the smoothed deviation from it.
func (t *RTT) Deviation() Instant { return t.dev4 >> 2 }

// Longer tells that the last samples were all so much above Min that the path may have become
// a longer one: some more samples show it.
func (t *RTT) Longer() bool {
	return t.next != 0 && Instant(t.next)<<rttUnitBits > t.least+rttLonger
}

// Min is the smallest of the last 4 to 8 samples, from 1 µs on to the microsecond; 0 before
// the first.
func (t *RTT) Min() Instant { return t.least }
