package flow

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// The vectors are those of the paper's rule, in thousandths.
func TestShare(t *testing.T) {
	f := func(tauP, tauQ, rhoP, rhoQ, wantP, wantQ uint32) {
		t.Helper()
		p, q := Share(Rates{rhoP * 1000, tauP * 1000}, Rates{rhoQ * 1000, tauQ * 1000})
		if p != wantP*1000 || q != wantQ*1000 {
			t.Errorf("τ %d %d ρ %d %d: %d %d, want %d %d", tauP, tauQ, rhoP, rhoQ, p, q, wantP*1000, wantQ*1000)
		}
		if q2, p2 := Share(Rates{rhoQ * 1000, tauQ * 1000}, Rates{rhoP * 1000, tauP * 1000}); p2 != p || q2 != q {
			t.Errorf("τ %d %d ρ %d %d: not symmetric", tauP, tauQ, rhoP, rhoQ)
		}
	}
	f(4, 2, 1, 1, 3, 3)
	f(4, 2, 1, 3, 2, 4)
	f(4, 2, 5, 5, 3, 3)
	f(4, 2, 1, 9, 1, 5)
	f(4, 2, 9, 1, 5, 1)
	f(0, 6, 3, 3, 3, 3)
}

// TestAdaptation: φ1 overflowing exchanges in a row cut once, φ2 slack ones
// raise once, equality neither counts nor interrupts.
func TestAdaptation(t *testing.T) {
	var s Source
	s.Init(PaperPlan(100, sched.Second))
	s.Want(0, RateMax)
	f := func(want uint32, loads ...Load) {
		t.Helper()
		for i := 0; i < len(loads); i += 2 {
			s.Exchange(loads[i], loads[i+1])
		}
		if s.Allowed() != want {
			t.Fatalf("τ = %d, want %d", s.Allowed(), want)
		}
	}
	slack := []Load{Slack, Slack}
	times := func(n int, pair ...Load) (all []Load) {
		for range n {
			all = append(all, pair...)
		}
		return all
	}
	f(0, times(4, slack...)...)
	f(200, slack...)
	f(400, times(5, slack...)...)
	f(400, times(4, Over, Slack)...)     // not yet
	f(400, slack...)                     // interrupts
	f(400, times(4, Slack, Over)...)     // not yet
	f(400, times(9, Even, Slack)...)     // neither
	f(300, Over, Over)                   // φ1, with equality between
	f(300, times(4, Over, Slack)...)     // counters start again after firing
	f(225, Slack, Over)                  //
	f(100_000, times(3000, slack...)...) // the cap
	s.SetLimit(50_000)
	f(100_000, times(5, slack...)...) // a raise never lowers
	s.Init(PaperPlan(100, sched.Second))
	f(0, times(50, slack...)...) // no wish, no growth
}

func TestLoadOf(t *testing.T) {
	if LoadOf(99, 100) != Slack || LoadOf(100, 100) != Even || LoadOf(101, 100) != Over {
		t.Error("not strict")
	}
}

// TestFreeSource: unbounded until the first congestion, then from what is used.
func TestFreeSource(t *testing.T) {
	var s Source
	s.Init(DefaultPlan(1400, 100*sched.Millisecond))
	s.Want(1_000_000, 1_000_000)
	if !s.Free() || s.Allowed() != RateMax {
		t.Fatal("not free")
	}
	s.Exchange(Over, Slack)
	s.Exchange(Over, Slack)
	if s.Free() || s.Allowed() != 750_000 {
		t.Fatalf("τ = %d", s.Allowed())
	}
	s.Want(10_000, 10_000)
	n := 0
	for ; !s.Free() && n < 1000; n++ {
		s.Exchange(Slack, Slack)
	}
	if !s.Free() || n < calmFree {
		t.Errorf("free after %d", n)
	}
	for range 1000 { // never below the floor
		s.Exchange(Over, Over)
	}
	if s.Allowed() < 14_000 {
		t.Errorf("τ = %d, below the floor", s.Allowed())
	}
}
