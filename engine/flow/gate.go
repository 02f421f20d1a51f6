package flow

import "github.com/quidnunc/quidnunc/sched"

// Gate lets local writes out at the source's rate. A write passes whole while
// there is credit, and may leave a debt, so that no single one is too large.
type Gate struct {
	bucket sched.Pacer
	rate   uint32
	burst  int
}

// Init starts an open gate. Burst is how much may pass at once.
func (g *Gate) Init(now sched.Instant, rate uint32, burst int) {
	g.rate, g.burst = rate, burst
	g.bucket.Init(now, uint64(rate), burst)
}

// SetRate changes the rate from now on.
func (g *Gate) SetRate(now sched.Instant, rate uint32) {
	if rate != g.rate {
		g.rate = rate
		g.bucket.SetRate(now, uint64(rate))
	}
}

// Pass takes cost if the gate is open now.
func (g *Gate) Pass(now sched.Instant, cost int) bool {
	if g.bucket.Available(now) <= 0 {
		return false
	}
	g.bucket.Spend(now, cost)
	return true
}

// Spend takes cost, open or not.
func (g *Gate) Spend(now sched.Instant, cost int) { g.bucket.Spend(now, cost) }

// When is the instant at which the gate opens again; now or earlier if it is
// open, Never while the rate is 0.
func (g *Gate) When() sched.Instant { return g.bucket.When(1) }
