package sched

import "math/bits"

// Pacer is a token bucket: it fills at a rate of bytes a second up to a burst,
// and spending may leave it in debt, which is worked off before anything else
// may go. It counts whole bytes and carries the fraction, so that no rate
// drifts however often it is asked.
type Pacer struct {
	tokens int64   // bytes that may go now; negative: debt
	burst  int64   // most tokens it holds
	rate   uint64  // bytes a second
	carry  uint64  // part of a byte, in 1/Second bytes
	last   Instant // when tokens was true
}

// Init starts a full bucket.
func (p *Pacer) Init(now Instant, bytesPerSecond uint64, burstBytes int) {
	*p = Pacer{tokens: int64(burstBytes), burst: int64(burstBytes), rate: bytesPerSecond, last: now}
}

// SetRate changes the rate from now on. What was earned before stays earned.
func (p *Pacer) SetRate(now Instant, bytesPerSecond uint64) {
	p.fill(now)
	p.rate = bytesPerSecond
}

// SetBurst changes the depth. Tokens above it are lost.
func (p *Pacer) SetBurst(burstBytes int) {
	p.burst = int64(burstBytes)
	p.tokens = min(p.tokens, p.burst)
}

// Rate is the rate in bytes a second.
func (p *Pacer) Rate() uint64 { return p.rate }

// Available is the number of bytes that may go now; 0 or less: none.
func (p *Pacer) Available(now Instant) int {
	p.fill(now)
	return int(p.tokens)
}

// Spend takes bytes out, into debt if need be: for what was sent already.
func (p *Pacer) Spend(now Instant, bytes int) {
	p.fill(now)
	p.tokens -= int64(bytes)
}

// Take spends bytes if they are there and tells whether they were.
func (p *Pacer) Take(now Instant, bytes int) bool {
	p.fill(now)
	if p.tokens < int64(bytes) {
		return false
	}
	p.tokens -= int64(bytes)
	return true
}

// When is the first instant at which Take(bytes) will succeed, if nothing else
// is spent: now or earlier where it would succeed at once, Never where the rate
// is 0 or the burst too small.
func (p *Pacer) When(bytes int) Instant {
	lack := int64(bytes) - p.tokens
	switch {
	case lack <= 0:
		return p.last
	case p.rate == 0 || int64(bytes) > p.burst:
		return Never
	}
	hi, lo := bits.Mul64(uint64(lack), Second)
	lo, borrow := bits.Sub64(lo, p.carry, 0)
	hi -= borrow
	if hi >= p.rate {
		return Never
	}
	wait, rest := bits.Div64(hi, lo, p.rate)
	if rest > 0 {
		wait++
	}
	if wait > uint64(Never) {
		return Never
	}
	return p.last.After(Instant(wait))
}

// fill adds what was earned since last.
func (p *Pacer) fill(now Instant) {
	if now <= p.last {
		return
	}
	hi, lo := bits.Mul64(uint64(now-p.last), p.rate)
	p.last = now
	lo, carry := bits.Add64(lo, p.carry, 0)
	hi += carry
	room := uint64(p.burst - p.tokens)
	if hi >= Second {
		p.tokens, p.carry = p.burst, 0
		return
	}
	earned, rest := bits.Div64(hi, lo, Second)
	if earned >= room {
		p.tokens, p.carry = p.burst, 0
		return
	}
	p.tokens += int64(earned)
	p.carry = rest
}
