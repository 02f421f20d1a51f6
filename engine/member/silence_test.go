package member

import (
	"math"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Vectors of Akka's formula: mean 1 s, deviation 0.1 s.
func TestPhiVectors(t *testing.T) {
	f := func(micros int64, want uint32) {
		t.Helper()
		if got := phi(micros, 1_000_000, 100_000); got+4 < want || got > want+4 {
			t.Errorf("phi after %d µs: %d, want %d", micros, got, want)
		}
	}
	f(900_000, 75)
	f(1_000_000, 301)
	f(1_300_000, 2909)
	f(1_500_000, 7300)
	f(0, 0)
}

func TestPhiAgainstFloatingPoint(t *testing.T) {
	for micros := int64(0); micros < 4_000_000; micros += 1234 {
		y := float64(micros-1_000_000) / 250_000
		z := math.Log10(math.E) * y * (1.5976 + 0.070566*y*y)
		want := 1000 * math.Log10(1+math.Pow(10, z))
		if got := float64(phi(micros, 1_000_000, 250_000)); math.Abs(got-want) > 2+want/500 {
			t.Fatalf("phi after %d µs: %v, want %v", micros, got, want)
		}
	}
}

func TestPhiGrowsWithSilence(t *testing.T) {
	x, now := alone(t, 10)
	if _, ok := x.Phi(3, *now); ok {
		t.Error("an estimate from nothing")
	}
	for range 100 {
		*now += 200 * ms
		x.Heard(*now, 3)
		x.Heard(*now+ms/10, 3) // the same burst
	}
	var before uint32
	for i := range 20 {
		p, ok := x.Phi(3, *now+sched.Instant(i)*100*ms)
		if !ok || p < before {
			t.Fatalf("after %d ms: %d, before %d", i*100, p, before)
		}
		before = p
	}
	if before < 8000 {
		t.Errorf("phi %d after ten missed signs", before)
	}
	if x.LastHeard(3) != *now {
		t.Error("last heard")
	}
}
