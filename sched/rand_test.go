package sched

import (
	"math"
	"math/rand/v2"
	"testing"
)

// The standard library has the same generator: it is the reference.
func TestRandIsPCG(t *testing.T) {
	for seed := range uint64(100) {
		var r Rand
		r.Seed(seed)
		ref := rand.NewPCG(r.hi, r.lo)
		for i := range 1000 {
			if got, want := r.Uint64(), ref.Uint64(); got != want {
				t.Fatalf("seed %d, number %d: %#x, want %#x", seed, i, got, want)
			}
		}
	}
}

// Streams must stay what they are: a recorded seed is a promise.
func TestSeedVectors(t *testing.T) {
	// SplitMix64 from state 0 and from 1234567, as published with the algorithm.
	f := func(got, want uint64) {
		t.Helper()
		if got != want {
			t.Errorf("%#x, want %#x", got, want)
		}
	}
	var r Rand
	r.Seed(0)
	f(r.hi, 0xe220a8397b1dcdaf)
	f(r.lo, 0x6e789e6aa1b965f4)
	r.Seed(1234567)
	f(r.hi, 6457827717110365317)
	f(r.lo, 3203168211198807973)
}

// uniform fails where counts are not plausibly equal shares: Pearson's
// chi-square against its mean plus six standard deviations.
func uniform(t *testing.T, what string, counts []int) {
	t.Helper()
	total := 0
	for _, c := range counts {
		total += c
	}
	share := float64(total) / float64(len(counts))
	chi := 0.0
	for _, c := range counts {
		chi += (float64(c) - share) * (float64(c) - share) / share
	}
	freedom := float64(len(counts) - 1)
	if limit := freedom + 6*math.Sqrt(2*freedom) + 6; chi > limit {
		t.Errorf("%s: chi-square %.1f > %.1f: %v", what, chi, limit, counts)
	}
}

func TestUint32nIsUniform(t *testing.T) {
	var r Rand
	r.Seed(1)
	for _, n := range []uint32{1, 2, 3, 7, 10, 64, 1000} {
		counts, wide := make([]int, n), make([]int, n)
		for range 200 * n {
			counts[r.Uint32n(n)]++
			wide[r.Uint64n(uint64(n))]++
		}
		uniform(t, "Uint32n", counts)
		uniform(t, "Uint64n", wide)
	}
	// A bound just above 2^31: plain scaling would make the low half twice as likely.
	thirds := make([]int, 3)
	for range 30000 {
		thirds[r.Uint32n(3<<30)>>30]++
	}
	uniform(t, "3<<30", thirds)
}

func TestChance(t *testing.T) {
	var r Rand
	r.Seed(2)
	hits := 0
	for range 100000 {
		if r.Chance(1 << 30) {
			hits++
		}
		if r.Chance(0) {
			t.Fatal("Chance(0)")
		}
	}
	uniform(t, "quarter", []int{hits, (100000 - hits) / 3, (100000 - hits) / 3, (100000 - hits) / 3})
}

func TestBetween(t *testing.T) {
	var r Rand
	r.Seed(3)
	counts := make([]int, 5)
	for range 5000 {
		counts[r.Between(-2, 2)+2]++
	}
	uniform(t, "Between", counts)
	if got := r.Between(9, 9); got != 9 {
		t.Errorf("Between(9, 9) = %d", got)
	}
	if got := r.Between(9, 3); got != 9 {
		t.Errorf("Between(9, 3) = %d", got)
	}
}

func TestSampleIsUniform(t *testing.T) {
	var r Rand
	r.Seed(4)
	const n, k = 10, 3
	from := make([]uint32, n)
	for i := range from {
		from[i] = uint32(i)
	}
	single, pairs := make([]int, n), make([]int, n*n)
	var dst [k]uint32
	for range 50000 {
		if got := Sample(&r, from, dst[:]); got != k {
			t.Fatalf("Sample = %d, want %d", got, k)
		}
		for _, v := range dst {
			single[v]++
		}
		if dst[0] == dst[1] || dst[1] == dst[2] || dst[0] == dst[2] {
			t.Fatalf("twice the same: %v", dst)
		}
		pairs[dst[0]*n+dst[1]]++
	}
	uniform(t, "elements", single)
	distinct := pairs[:0]
	for i, c := range pairs {
		if i/n != i%n {
			distinct = append(distinct, c)
		}
	}
	uniform(t, "ordered pairs", distinct)

	var all [2 * n]uint32
	if got := Sample(&r, from, all[:]); got != n {
		t.Errorf("Sample of more than there are = %d, want %d", got, n)
	}
	if got := Sample(&r, nil, all[:]); got != 0 {
		t.Errorf("Sample of nothing = %d", got)
	}
}

func TestShuffleIsUniform(t *testing.T) {
	var r Rand
	r.Seed(5)
	orders := make([]int, 27)
	for range 60000 {
		s := []uint32{0, 1, 2}
		Shuffle(&r, s)
		orders[s[0]*9+s[1]*3+s[2]]++
	}
	var seen []int
	for _, c := range orders {
		if c > 0 {
			seen = append(seen, c)
		}
	}
	if len(seen) != 6 {
		t.Fatalf("%d orders of three elements: %v", len(seen), orders)
	}
	uniform(t, "orders", seen)
}

func TestRandAllocs(t *testing.T) {
	var r Rand
	from, dst := make([]uint32, 100), make([]uint32, 8)
	if got := testing.AllocsPerRun(1000, func() {
		r.Uint32n(100)
		Sample(&r, from, dst)
		Shuffle(&r, dst)
	}); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// Both jitters reach their bounds, nearly, and never leave them; nothing is spread to nothing.
func TestJitter(t *testing.T) {
	var r Rand
	r.Seed(1)
	f := func(name string, jitter func(Instant) Instant, from, to Instant) {
		least, most := Never, Instant(0)
		for range 10_000 {
			d := jitter(1000)
			least, most = min(least, d), max(most, d)
		}
		if least < from || most >= to || least > from+5 || most < to-5 {
			t.Errorf("%s: from %d to %d, want [%d, %d)", name, least, most, from, to)
		}
		if d := jitter(0); d != 0 {
			t.Errorf("%s of nothing: %d", name, d)
		}
	}
	f("Jitter", r.Jitter, 500, 1500)
	f("JitterLittle", r.JitterLittle, 875, 1125)
}

func BenchmarkUint64(b *testing.B) {
	var r Rand
	for b.Loop() {
		r.Uint64()
	}
}

func BenchmarkUint32n(b *testing.B) {
	var r Rand
	for b.Loop() {
		r.Uint32n(1000)
	}
}

// Three partners of a thousand.
func BenchmarkSample3(b *testing.B) {
	var r Rand
	from := make([]uint32, 1000)
	for i := range from {
		from[i] = uint32(i)
	}
	var dst [3]uint32
	b.ReportAllocs()
	for b.Loop() {
		Sample(&r, from, dst[:])
	}
}
