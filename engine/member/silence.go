package member

import "github.com/quidnunc/quidnunc/sched"

// silence estimates the time between signs of life of a member: smoothed mean and mean deviation
// with the gains of RFC 6298, scaled by 8 and 4, in microseconds.
type silence struct {
	last         sched.Instant // 0: never heard
	mean8, dev4m uint32
}

const silenceBytes = 16

const (
	silenceGapMax = 1 << 28 // microseconds
	silenceGapMin = 1000    // frames of one burst are one sign of life
)

func (s *silence) heard(now sched.Instant) {
	gap := int64(now-s.last) / sched.Microsecond
	if s.last == 0 {
		s.last = max(now, 1)
		return
	}
	if gap < silenceGapMin {
		return
	}
	s.last = now
	gap = min(gap, silenceGapMax)
	if s.mean8 == 0 {
		s.mean8, s.dev4m = uint32(gap*8), uint32(gap)
		return
	}
	off := gap - int64(s.mean8/8)
	s.mean8 = uint32(int64(s.mean8) + off)
	s.dev4m = uint32(int64(s.dev4m) + max(off, -off) - int64(s.dev4m/4))
}

// LastHeard is when a frame of a member last came in, 0 for never. It needs Limits.Silence.
func (t *Table) LastHeard(h uint32) sched.Instant {
	if h < uint32(len(t.silence)) {
		return t.silence[h].last
	}
	return 0
}

// Phi is the suspicion level of a member's silence in thousandths, for people to read: with φ =
// 1000 a silence as long as this one would be a mistake in one of ten cases, with 2000 in one of a
// hundred (Hayashibara et al. 2004). It decides nothing. False: not heard often enough.
//
// With y = (t - mean)/deviation the normal tail is taken as a logistic one, as in Akka:
// φ = log10(1 + 10^z), z = log10(e)·y·(1.5976 + 0.070566·y²).
func (t *Table) Phi(h uint32, now sched.Instant) (thousandths uint32, ok bool) {
	if h >= uint32(len(t.silence)) || t.silence[h].mean8 == 0 {
		return 0, false
	}
	s := &t.silence[h]
	mean := int64(s.mean8 / 8)
	deviation := int64(s.dev4m) * 5 / 16 // mean deviation of a normal is 0.8 of its standard deviation
	return phi(int64(now-s.last)/sched.Microsecond, mean, max(deviation, mean/4)), true
}

// phi for a silence of t microseconds.
func phi(t, mean, deviation int64) uint32 {
	y := min(max((t-mean)*1024/max(deviation, 1), -32*1024), 32*1024) // in 1/1024
	z := (693828*y + 30646*(y*y>>10)*y>>10) >> 10                     // in millionths
	if z < 0 {
		return uint32(softplus(-z) / 1000)
	}
	return uint32((z + softplus(z)) / 1000)
}

// softplus is log10(1 + 10^-x), both in millionths, x ≥ 0: a table in steps of 1/16, straight
// between.
func softplus(x int64) int64 {
	const step = 62500
	i := x / step
	if i >= int64(len(softplusTable))-1 {
		return 0
	}
	a, b := int64(softplusTable[i]), int64(softplusTable[i+1])
	return a + (b-a)*(x%step)/step
}

var softplusTable = [...]uint32{
	301030, 270903, 243012, 217321, 193776, 172301, 152807, 135188, 119331, 105116,
	92418, 81114, 71082, 62203, 54365, 47461, 41393, 36068, 31404, 27324,
	23760, 20650, 17938, 15577, 13521, 11733, 10179, 8828, 7655, 6637,
	5753, 4986, 4321, 3745, 3245, 2811, 2435, 2110, 1828, 1583,
	1371, 1188, 1029, 891, 772, 668, 579, 501, 434, 376,
	326, 282, 244, 211, 183, 159, 137, 119, 103, 89,
	77, 67, 58, 50, 43,
}
