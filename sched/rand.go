package sched

import "math/bits"

// Rand is the PCG-DXSM generator: a 128-bit linear congruential state with the
// "double xorshift multiply" output (O'Neill; the variant of NumPy and of Go's
// math/rand/v2.PCG, to which it is equal bit for bit). 16 bytes, about 3 ns a
// number. It is fast and well distributed, not secret: never use it for keys,
// cookies or salts.
//
// The zero value works and is the same stream in every process, so seed it.
type Rand struct{ hi, lo uint64 }

const (
	pcgMulHi, pcgMulLo = 2549297995355413924, 4865540595714422341
	pcgIncHi, pcgIncLo = 6364136223846793005, 1442695040888963407
	pcgCheapMul        = 0xda942042e4dd58b5
)

// Seed starts the stream named by seed. Both halves of the state come from
// SplitMix64, so that neighbouring seeds give unrelated streams.
func (r *Rand) Seed(seed uint64) {
	r.hi = splitMix(seed + splitGamma)
	r.lo = splitMix(seed + 2*splitGamma%(1<<64))
}

// Uint64 returns the next number of the stream.
func (r *Rand) Uint64() uint64 {
	hi, lo := bits.Mul64(r.lo, pcgMulLo)
	hi += r.hi*pcgMulLo + r.lo*pcgMulHi
	lo, carry := bits.Add64(lo, pcgIncLo, 0)
	hi, _ = bits.Add64(hi, pcgIncHi, carry)
	r.hi, r.lo = hi, lo

	hi ^= hi >> 32
	hi *= pcgCheapMul
	hi ^= hi >> 48
	return hi * (lo | 1)
}

// Uint32n returns a number in [0, n), each with the same probability (Lemire's
// multiply and reject; no division but for one call in 2^32/n). It panics when
// n is 0.
func (r *Rand) Uint32n(n uint32) uint32 {
	if n == 0 {
		panic("sched: Uint32n(0)")
	}
	product := (r.Uint64() >> 32) * uint64(n)
	if uint32(product) < n {
		for reject := -n % n; uint32(product) < reject; {
			product = (r.Uint64() >> 32) * uint64(n)
		}
	}
	return uint32(product >> 32)
}

// Uint64n returns a number in [0, n), each with the same probability. It panics
// when n is 0.
func (r *Rand) Uint64n(n uint64) uint64 {
	if n == 0 {
		panic("sched: Uint64n(0)")
	}
	hi, lo := bits.Mul64(r.Uint64(), n)
	if lo < n {
		for reject := -n % n; lo < reject; {
			hi, lo = bits.Mul64(r.Uint64(), n)
		}
	}
	return hi
}

// Between returns an instant in [from, to], each with the same probability. It
// returns from when to is not later.
func (r *Rand) Between(from, to Instant) Instant {
	if to <= from {
		return from
	}
	return from + Instant(r.Uint64n(uint64(to)-uint64(from)+1))
}

// Jitter is uniform in [d/2, 3d/2).
func (r *Rand) Jitter(d Instant) Instant {
	return d/2 + Instant(r.Uint64()%uint64(max(1, d)))
}

// JitterLittle is uniform in d ± d/8, so that nodes do not march in step.
func (r *Rand) JitterLittle(d Instant) Instant {
	return d - d/8 + Instant(r.Uint64()%uint64(max(1, d/4)))
}

// Chance is true with probability p / 2^32.
func (r *Rand) Chance(p uint32) bool { return uint32(r.Uint64()>>32) < p }

const splitGamma = 0x9e3779b97f4a7c15

// splitMix is the output function of SplitMix64 (Steele, Lea, Flood 2014).
func splitMix(z uint64) uint64 {
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}
