package simnet

import "github.com/quidnunc/quidnunc/sched"

// Shape is how delays lie between Delay.Min and Delay.Max.
type Shape uint8

// The shapes. Uniform is the zero value. LogNormal has a long tail, as paths
// across a loaded network do: 99 of 100 delays lie between Min and Max, the
// median at a tenth of the way, and the worst of 65,536 six times as far.
const (
	Uniform Shape = iota
	LogNormal
)

// Delay is the time on the way.
type Delay struct {
	Min, Max sched.Instant
	Shape    Shape
	// Hiccup is the chance that a datagram is held back by up to HiccupMax
	// more: a scheduler, a garbage collection, a radio.
	Hiccup    Chance
	HiccupMax sched.Instant
}

// draw returns one delay.
func (d *Delay) draw(r *sched.Rand) sched.Instant {
	at := d.Min
	switch d.Shape {
	case LogNormal:
		at += (d.Max - d.Min) / 1024 * logNormal(uint32(r.Uint64()>>32)) / 64
	default:
		at = r.Between(d.Min, d.Max)
	}
	if d.Hiccup.draw(r) {
		at += r.Between(0, d.HiccupMax)
	}
	return at
}

// logNormal maps a uniform number to a log-normal one of sigma 1, in units of
// 2^-16 of its 99th percentile, by straight lines between quantiles. A table,
// because a computed exponential may differ in its last bit between processors.
func logNormal(u uint32) sched.Instant {
	const fine = 63 << 26 // the last 64th has a table of its own
	table, at, shift := &body, u, 26
	if u >= fine {
		table, at, shift = &tail, (u-fine)<<6, 26
	}
	i := at >> shift
	a, b := int64(table[i]), int64(table[i+1])
	part := int64(at & (1<<shift - 1))
	return sched.Instant(a + (b-a)*part>>shift)
}

// body[i] is the quantile i/64, tail[i] the quantile 63/64 + i/4096 of
// exp(z - z99) * 2^16 for a normal z. The first is that of 1/512, the last
// that of 1 - 2^-16.
var (
	body = [65]uint32{
		357, 743, 994, 1198, 1380, 1550, 1713, 1871, 2026, 2179, 2331, 2483, 2636, 2789, 2944, 3101, 3260, 3422,
		3586, 3754, 3925, 4101, 4280, 4464, 4653, 4848, 5048, 5255, 5468, 5689, 5917, 6154, 6400, 6655, 6922, 7200,
		7490, 7794, 8113, 8448, 8801, 9174, 9569, 9988, 10434, 10910, 11420, 11969, 12563, 13207, 13911, 14684,
		15540, 16495, 17571, 18798, 20219, 21892, 23909, 26418, 29677, 34199, 41222, 55154, 55154,
	}
	tail = [65]uint32{
		55154, 55501, 55854, 56215, 56584, 56960, 57344, 57737, 58138, 58549, 58969, 59399, 59839, 60290, 60752,
		61226, 61712, 62211, 62723, 63250, 63791, 64348, 64921, 65512, 66121, 66749, 67398, 68068, 68761, 69479,
		70222, 70994, 71795, 72627, 73494, 74398, 75341, 76327, 77359, 78442, 79579, 80777, 82042, 83379, 84798,
		86307, 87918, 89643, 91498, 93502, 95678, 98053, 100665, 103559, 106796, 110455, 114650, 119541, 125370,
		132524, 141673, 154132, 173027, 209214, 413981,
	}
)
