package sched

import "testing"

// The first samples by hand, from RFC 6298 §2.
func TestRTTVectors(t *testing.T) {
	var e RTT
	f := func(what string, got, want Instant) {
		t.Helper()
		if got != want {
			t.Errorf("%s = %d, want %d", what, got, want)
		}
	}
	f("RTO before", e.RTO(0, 10*Second), Second)
	f("RTO before, capped", e.RTO(0, 300*Millisecond), 300*Millisecond)
	if e.Known() {
		t.Error("knows before the first sample")
	}
	e.Sample(100 * Millisecond)
	if !e.Known() {
		t.Error("does not know after the first sample")
	}
	f("mean", e.Smoothed(), 100*Millisecond)
	f("deviation", e.Deviation(), 50*Millisecond)
	f("RTO", e.RTO(0, 10*Second), 300*Millisecond)
	e.Sample(180 * Millisecond) // dev = 50*3/4 + 80/4, mean = 100*7/8 + 180/8
	f("mean", e.Smoothed(), 110*Millisecond)
	f("deviation", e.Deviation(), 57500*Microsecond)
	f("RTO", e.RTO(0, 10*Second), 340*Millisecond)
	f("least", e.Min(), 100*Millisecond)
	f("RTO held up", e.RTO(Second, 10*Second), Second)
	f("RTO held down", e.RTO(0, 50*Millisecond), 50*Millisecond)
}

func TestRTTBackoff(t *testing.T) {
	var e RTT
	e.Sample(100 * Millisecond)
	for _, want := range []Instant{600, 1200, 2400, 4000, 4000} {
		e.Backoff()
		if got := e.RTO(0, 4*Second); got != want*Millisecond {
			t.Errorf("RTO = %d, want %d ms", got, want)
		}
	}
	for range 300 {
		e.Backoff()
	}
	if got := e.RTO(0, Never); got <= 0 {
		t.Errorf("RTO overflows: %d", got)
	}
	e.Sample(100 * Millisecond)
	if got := e.RTO(0, 4*Second); got > 300*Millisecond {
		t.Errorf("a sample does not end the backoff: %d", got)
	}
}

// A steady path settles: the mean meets the sample without bias, and the
// timeout stays a tick above it instead of closing in.
func TestRTTSettles(t *testing.T) {
	for _, d := range []Instant{1, 7, 1000, 123457, Second, 1 << 60, -5} {
		var e RTT
		e.Sample(3*d + 11)
		for range 400 {
			e.Sample(d)
		}
		want := min(max(d, 1), rttSampleMax)
		if got := e.Smoothed(); got < want || got > want+1 {
			t.Errorf("mean of %d = %d", want, got)
		}
		if got := e.RTO(0, Never); got < want+Tick || got > want+Tick+1 {
			t.Errorf("RTO of a steady %d = %d", want, got)
		}
	}
}

func TestRTTAllocs(t *testing.T) {
	var e RTT
	if got := testing.AllocsPerRun(1000, func() { e.Sample(Second); e.Backoff(); e.RTO(0, Second) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkRTTSample(b *testing.B) {
	var e RTT
	b.ReportAllocs()
	for b.Loop() {
		e.Sample(Millisecond)
	}
}

// A path that became longer is a long one after two windows of samples, and a short one again
// with the first short sample.
func TestRTTMinIsOfTheLastSamples(t *testing.T) {
	for _, d := range []Instant{1, 1000, 123_457, 300 * Microsecond, 90 * Millisecond} {
		var e RTT
		for range 100 {
			e.Sample(d)
			if got := e.Min(); got > d || got < d-d%1024-1024 && d > 1024 || got < 1 {
				t.Fatalf("least of %d is %d", d, got)
			}
		}
		long := 200*Millisecond + d
		for n := range 2 * rttWindow {
			if e.Sample(long); n < rttWindow-1 && e.Min() > d {
				t.Fatalf("%d is forgotten after %d samples", d, n)
			}
			if longer := n%rttWindow != rttWindow-1 && e.Min() < long-rttLonger-1024; e.Longer() != longer {
				t.Errorf("after %d samples of %d in place of %d: longer %v", n+1, long, d, !longer)
			}
		}
		if got := e.Min(); got < long-1024 || got > long {
			t.Errorf("least is %d after %d samples of %d", got, 2*rttWindow, long)
		}
		if e.Sample(d + 5); e.Min() != d+5 {
			t.Errorf("least is %d after one sample of %d", e.Min(), d+5)
		}
	}
}
