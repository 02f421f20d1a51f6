package flowcontrol

import (
	"context"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
)

func trial(t *testing.T, p Plan) ([]Sample, Summary) {
	t.Helper()
	t.Logf("seed %d", p.Seed)
	all, err := Run(context.Background(), p)
	if err != nil {
		t.Fatal(err)
	}
	return all, Summarize(p, "", all)
}

// TestShape is the experiment with 32 participants: the rate climbs, settles
// below the capacity, never runs above it, halves with the limit, and staleness
// stays near what it is without load.
func TestShape(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderDepth, tune.OrderFair} {
		all, s := trial(t, Plan{Nodes: 32, MTU: 24, Order: order, Seed: 2})
		t.Logf("order %d: %+v", order, s)
		if s.RatePeak >= s.CapacityBefore || s.RateBefore < s.CapacityBefore/3 {
			t.Errorf("peak %.2f, settled %.2f at a capacity of %.2f", s.RatePeak, s.RateBefore, s.CapacityBefore)
		}
		if q := s.RateAfter / s.RateBefore; s.RateAfter >= s.CapacityAfter || q < 0.35 || q > 0.7 {
			t.Errorf("settled at %.2f of %.2f after %.2f", s.RateAfter, s.CapacityAfter, s.RateBefore)
		}
		unloaded := mean(all, 20, 30, func(x Sample) float64 { return x.Staleness })
		if s.StaleBefore > 2*unloaded || s.StaleEnd > 2.5*unloaded {
			t.Errorf("staleness %.1f s, then %.1f s; %.1f s without load", s.StaleBefore, s.StaleEnd, unloaded)
		}
		if s.Jain < 0.9 {
			t.Errorf("Jain %.3f", s.Jain)
		}
	}
}

// TestWithoutFlowControl: a load above the capacity makes staleness grow for as
// long as it lasts.
func TestWithoutFlowControl(t *testing.T) {
	p := Plan{Nodes: 32, MTU: 24, Order: tune.OrderDepth, Seed: 2}
	p.Rate = 1.5 * Capacity(p.Nodes, p.MTU)
	all, s := trial(t, p)
	mid := mean(all, 40, 50, func(x Sample) float64 { return x.Staleness })
	t.Logf("staleness %.1f s at 45 s, %.1f s at 75 s, %.1f s at 160 s", mid, s.StaleBefore, s.StaleEnd)
	if s.StaleBefore < 1.3*mid || s.StaleEnd < 1.5*s.StaleBefore {
		t.Errorf("staleness %.1f s, %.1f s, %.1f s", mid, s.StaleBefore, s.StaleEnd)
	}
}
