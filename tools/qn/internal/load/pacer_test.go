package load

import (
	"slices"
	"testing"
	"time"
)

func TestPacerTimes(t *testing.T) {
	f := func(rate, n uint64, want int64) {
		t.Helper()
		p := newPacer(nil, 1000, rate)
		if got := p.at(n); got != want {
			t.Errorf("rate %d: write %d at %d, want %d", rate, n, got, want)
		}
	}
	f(1, 0, 1000)
	f(1, 3, 3_000_001_000)
	f(3, 1, 333_334_333)
	f(100_000, 360_000_000, 3_600_000_001_000)
	f(1_000_000_000, 7, 1007)
}

func TestPacerDueMatchesTimes(t *testing.T) {
	for _, rate := range []uint64{1, 3, 7, 999, 1000, 100_000, 1_000_003} {
		p := newPacer(nil, 5, rate)
		for n := range uint64(5000) {
			at := p.at(n)
			if got := p.due(at); got < n+1 {
				t.Fatalf("rate %d: %d due at %d, want at least %d", rate, got, at, n+1)
			}
			if got := p.due(at - 1); got > n {
				t.Fatalf("rate %d: %d due before %d, want at most %d", rate, got, at, n)
			}
		}
	}
}

// TestPacerNeverEarly also reports how late it is: its own delay must stay far below half a
// millisecond on a quiet machine.
func TestPacerNeverEarly(t *testing.T) {
	base := time.Now()
	clock := func() int64 { return int64(time.Since(base)) }
	p := newPacer(clock, clock(), 2000)
	p.lock()
	defer p.unlock()
	late := make([]int64, 0, 200)
	for n := range uint64(200) {
		now := p.wait(p.at(n))
		if now < p.at(n) {
			t.Fatalf("write %d issued %d ns early", n, p.at(n)-now)
		}
		late = append(late, now-p.at(n))
	}
	slices.Sort(late)
	t.Logf("late by p50 %d ns, p99 %d ns, max %d ns; early %d ns", late[100], late[197], late[199], p.early)
}
