package load

import "runtime"

// pacer issues the times at which an open-loop generator intends to write: write n is due at start
// + n/rate, whatever happened to the writes before it. It owns its thread while it runs, so that
// its sleeps are the kernel's own.
//
// A wait is a sleep up to `early` before the time and a spin for the rest. `early` follows what
// sleeps overshoot on this machine, within bounds, so that the generator neither adds its own delay
// nor burns a core that the cluster needs.
type pacer struct {
	clock   func() int64 // monotonic nanoseconds
	start   int64
	rate    uint64
	granule int64 // shortest sleep: above 10k writes/s several become due in one sleep and leave in a burst
	early   int64 // how long before the due time a sleep must end
	most    int64 // bound of early
}

const (
	earlyNanosMin   = 2_000
	earlyNanosMax   = 60_000
	spinShare       = 20      // spin at most one part in so many of the time: 5 % of a core
	granuleNanos    = 100_000 // adds half of this to the mean latency at most, and only above granuleRate
	granuleRateFrom = 10_000
)

func newPacer(clock func() int64, start int64, rate uint64) *pacer {
	p := &pacer{clock: clock, start: start, rate: rate}
	p.most = min(max(int64(1e9/rate)/spinShare, earlyNanosMin), earlyNanosMax)
	p.early = p.most / 2
	if rate > granuleRateFrom {
		p.granule = granuleNanos
	}
	return p
}

// lock ties the caller to its thread and makes that thread's timers exact; unlock ends it.
func (p *pacer) lock() {
	runtime.LockOSThread()
	exactTimers()
}

func (p *pacer) unlock() { runtime.UnlockOSThread() }

// at is the intended time of write n.
func (p *pacer) at(n uint64) int64 {
	return p.start + int64(n/p.rate)*1e9 + int64(n%p.rate*1e9/p.rate)
}

// due counts the writes whose intended time is not after now.
func (p *pacer) due(now int64) uint64 {
	if now < p.start {
		return 0
	}
	passed := uint64(now - p.start)
	n := passed/1e9*p.rate + passed%1e9*p.rate/1e9
	for p.at(n) <= now { // the division rounds down: at most one or two steps
		n++
	}
	return n
}

// wait returns the time once `until` has come, never before it.
func (p *pacer) wait(until int64) int64 {
	now := p.clock()
	if p.granule > 0 && until < now+p.granule && until > now {
		until = now + p.granule
	}
	for now < until {
		if left := until - now - p.early; left > 0 {
			sleep(left)
			now = p.clock()
			p.learn(now - (until - p.early))
			continue
		}
		now = p.clock()
	}
	return now
}

// learn moves `early` to a little above the usual overshoot: quickly up, slowly down.
func (p *pacer) learn(overshoot int64) {
	overshoot += overshoot / 4
	if overshoot > p.early {
		p.early += (overshoot - p.early) / 4
	} else {
		p.early -= (p.early - overshoot) / 64
	}
	p.early = min(max(p.early, earlyNanosMin), p.most)
}
