package sched

import (
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestPacerSteps(t *testing.T) {
	var p Pacer
	p.Init(0, 1000, 100)
	f := func(what string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %d, want %d", what, got, want)
		}
	}
	f("full", p.Available(0), 100)
	if !p.Take(0, 60) || p.Take(0, 60) {
		t.Error("60 of 100 go once")
	}
	if got := p.When(60); got != 20*Millisecond {
		t.Errorf("When(60) = %d", got)
	}
	f("earned", p.Available(20*Millisecond), 60)
	p.Spend(20*Millisecond, 160)
	f("in debt", p.Available(20*Millisecond), -100)
	f("debt is worked off", p.Available(120*Millisecond), 0)
	f("capped", p.Available(10*Second), 100)
	if got := p.When(101); got != Never {
		t.Errorf("more than the burst: %d", got)
	}
	p.SetBurst(10)
	f("lower burst", p.Available(10*Second), 10)
	p.SetRate(10*Second, 0)
	f("rate", int(p.Rate()), 0)
	p.Spend(10*Second, 10)
	if got := p.When(1); got != Never {
		t.Errorf("When at rate 0: %d", got)
	}
	f("rate 0", p.Available(100*Second), 0)
	f("time that goes back", p.Available(99*Second), 0)
}

// Asking often must not cost fractions: the bucket earns exactly rate times
// time, and When is the first nanosecond at which Take succeeds.
func TestPacerIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.Uint64Range(1, 1<<36).Draw(t, "rate")
		var p Pacer
		now := Instant(rapid.Int64Range(0, 1<<40).Draw(t, "start"))
		p.Init(now, rate, math.MaxInt32)
		p.Spend(now, math.MaxInt32)
		start, spent := now, int64(0)
		for range rapid.IntRange(1, 30).Draw(t, "steps") {
			now += Instant(rapid.Int64Range(0, 1<<20).Draw(t, "wait"))
			earned := new(big.Int).Mul(big.NewInt(int64(now-start)), new(big.Int).SetUint64(rate))
			earned.Div(earned, big.NewInt(Second))
			if earned.Int64()-spent > math.MaxInt32 {
				t.Skip("bucket is full")
			}
			if got, want := int64(p.Available(now)), earned.Int64()-spent; got != want {
				t.Fatalf("available %d, want %d", got, want)
			}
			bytes := rapid.IntRange(0, 1<<14).Draw(t, "bytes")
			when := p.When(bytes)
			if when > now {
				early, late := p, p
				if early.Take(when-1, bytes) || !late.Take(when, bytes) {
					t.Fatalf("When(%d) = %d is not the first instant", bytes, when)
				}
				now = when
			}
			if !p.Take(now, bytes) {
				t.Fatalf("Take(%d) fails when it should not", bytes)
			}
			spent += int64(bytes)
		}
	})
}

// No input overflows.
func TestPacerExtremes(t *testing.T) {
	var p Pacer
	p.Init(-1<<62, math.MaxUint64, math.MaxInt)
	p.Spend(-1<<62, math.MaxInt)
	if got := p.Available(Never); got != math.MaxInt {
		t.Errorf("available %d", got)
	}
	p.Init(0, 1, math.MaxInt)
	p.Spend(0, math.MaxInt)
	if got := p.When(math.MaxInt); got != Never {
		t.Errorf("When = %d", got)
	}
}

func TestPacerAllocs(t *testing.T) {
	var p Pacer
	p.Init(0, 1e9, 1e6)
	now := Instant(0)
	if got := testing.AllocsPerRun(1000, func() { now += 999; p.Take(now, 1400); p.When(1400) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

func BenchmarkPacerTake(b *testing.B) {
	var p Pacer
	p.Init(0, 1e9, 1e6)
	now := Instant(0)
	b.ReportAllocs()
	for b.Loop() {
		now += 1500
		p.Take(now, 1400)
	}
}

// TestARateCountsFromNowOn: what was earned at one rate stays so when another begins, and the other
// counts for no moment before, however often rates change and whether anybody looks in between.
func TestARateCountsFromNowOn(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var p, looked Pacer
		now := Instant(0)
		p.Init(now, 0, 1<<40)
		p.Spend(now, 1<<40)
		looked = p
		want := new(big.Rat)
		rate := uint64(0)
		for range rapid.IntRange(1, 20).Draw(t, "changes") {
			span := Instant(rapid.Int64Range(0, int64(10*Second)).Draw(t, "span"))
			now += span
			want.Add(want, new(big.Rat).Mul(new(big.Rat).SetUint64(rate), big.NewRat(int64(span), int64(Second))))
			rate = rapid.Uint64Range(0, 1<<30).Draw(t, "rate")
			looked.Available(now)
			p.SetRate(now, rate)
			looked.SetRate(now, rate)
		}
		whole := new(big.Int).Quo(want.Num(), want.Denom()).Int64()
		if got := int64(p.Available(now)); got != whole {
			t.Fatalf("earned %d, want %d", got, whole)
		}
		if got := int64(looked.Available(now)); got != whole {
			t.Fatalf("who looks before earns %d, want %d", got, whole)
		}
	})
}
