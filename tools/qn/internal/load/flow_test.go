package load

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/tools/qn/internal/term"
)

// TestHeavyWriter runs the scenario on real sockets, briefly.
func TestHeavyWriter(t *testing.T) {
	o := testOptions()
	o.Nodes, o.Rate, o.Size, o.Duration, o.Drain = 5, 3000, 128, time.Second, 30*time.Second
	run := func(o *Options) (*Report, error) {
		return measure(t.Context(), o, startEngines, clock, &term.Progress{})
	}
	h, err := heavyWriter(o, run)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", h)
	if !h.Passed() || h.LostKeys != 0 || h.Jain <= 0 || h.LightP99 <= 0 || h.HeavyP99 <= 0 || h.ReceiveRate <= 0 || h.Unseen != 0 {
		t.Errorf("%+v", h)
	}
	var b strings.Builder
	if err := h.WriteTable(&b); err != nil || !strings.Contains(b.String(), "tau") {
		t.Error(err, b.String())
	}
}

// TestStalledReceiver runs one pair on real sockets: the node that stops does not hold up the
// others, and catches up.
func TestStalledReceiver(t *testing.T) {
	o := testOptions()
	o.Nodes, o.Pairs, o.Duration, o.Drain = 4, 1, time.Second, 30*time.Second
	run := func(o *Options) (*Report, error) {
		return measure(t.Context(), o, startEngines, clock, &term.Progress{})
	}
	s, err := stalledReceiver(t.Context(), o, run)
	if err != nil {
		t.Fatal(err)
	}
	p := s.Pairs[0]
	t.Logf("%+v", s)
	if !s.Passed() || p.With.P99 <= 0 || p.Without.P99 <= 0 || p.With.P99 > 500_000 {
		t.Errorf("%+v", s)
	}
	var b strings.Builder
	if err := s.WriteTable(&b); err != nil || !strings.Contains(b.String(), "result") {
		t.Error(err, b.String())
	}
}

func TestHeavyNodeIsPicked(t *testing.T) {
	o := testOptions()
	o.Nodes, o.heavy = 11, 40
	d := newDriver(o, nil, testClock, newTracker(o.Nodes, 1, testClock))
	n := make([]int, o.Nodes)
	for range 50_000 {
		n[d.pick()]++
	}
	if n[0] < 39_000 || n[0] > 41_000 || n[10] < 800 || n[10] > 1200 {
		t.Errorf("%v", n)
	}
	o.heavy, o.stopper = 0, &stopper{}
	d = newDriver(o, nil, testClock, newTracker(o.Nodes, 1, testClock))
	for range 10_000 {
		if d.pick() == 10 {
			t.Fatal("the node that stops writes")
		}
	}
}

func TestJain(t *testing.T) {
	f := func(want float64, x ...float64) {
		t.Helper()
		if got := jain(x); math.Abs(got-want) > 1e-9 {
			t.Errorf("%v: %v, want %v", x, got, want)
		}
	}
	f(1, 3, 3, 3)
	f(0.25, 1, 0, 0, 0)
	f(0)
}
