package sched

import (
	"math"
	"testing"
)

// One synchronous round of gossip among n nodes of which u do not know: the
// expected u afterwards is known exactly for a uniform partner among the other
// n-1 (u(u-1)/(n-1) for pull, u(1-1/(n-1))^(n-u) for push). A sampler that is
// skewed, or that can draw the caller itself, misses it.
func TestPartnersMatchTheRoundFormulas(t *testing.T) {
	const n, u, rounds = 64, 40, 20000
	var r Rand
	r.Seed(31)
	others := make([]uint32, n-1)
	partner := func(self uint32) uint32 {
		for i := range others { // everyone but self
			others[i] = uint32(i)
			if uint32(i) >= self {
				others[i]++
			}
		}
		var one [1]uint32
		Sample(&r, others, one[:])
		return one[0]
	}
	pulled, pushed := 0, 0 // still unaware after the round, summed over rounds
	for range rounds {
		for node := range uint32(u) { // nodes below u do not know
			if partner(node) < u {
				pulled++
			}
		}
		var told [n]bool
		for node := uint32(u); node < n; node++ {
			told[partner(node)] = true
		}
		for node := range u {
			if !told[node] {
				pushed++
			}
		}
	}
	f := func(what string, got int, want float64) {
		t.Helper()
		mean := float64(got) / rounds
		if limit := 5 * math.Sqrt(u/4.0/rounds); math.Abs(mean-want) > limit {
			t.Errorf("%s leaves %.3f unaware, want %.3f±%.3f", what, mean, want, limit)
		}
	}
	f("pull", pulled, float64(u*(u-1))/(n-1))
	f("push", pushed, u*math.Pow(1-1.0/(n-1), n-u))
}
