package load

import (
	"math"

	hdr "github.com/HdrHistogram/hdrhistogram-go"
)

// histogramNanosMax is the longest time a histogram can tell apart from a longer one.
const histogramNanosMax = int64(3600e9)

// newHistogram holds nanoseconds to three digits. It is not safe for several goroutines.
func newHistogram() *hdr.Histogram { return hdr.New(1, histogramNanosMax, 3) }

func record(h *hdr.Histogram, nanos int64) {
	_ = h.RecordValue(min(max(nanos, 0), histogramNanosMax)) // in range: can't fail
}

// Quantiles are points of a distribution in microseconds.
type Quantiles struct {
	P50  float64 `json:"p50"`
	P99  float64 `json:"p99"`
	P999 float64 `json:"p999"`
	Max  float64 `json:"max"`
}

func quantiles(h *hdr.Histogram) Quantiles {
	return Quantiles{
		P50:  micros(h.ValueAtQuantile(50)),
		P99:  micros(h.ValueAtQuantile(99)),
		P999: micros(h.ValueAtQuantile(99.9)),
		Max:  micros(h.Max()),
	}
}

// micros has one decimal: a tenth of a microsecond is the finest that a clock read per turn can
// mean.
func micros(nanos int64) float64 { return round(float64(nanos)/1e3, 1) }

// round keeps JSON free of digits that mean nothing, and of NaN, which JSON can't say.
func round(v float64, digits int) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return 0
	}
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// ratio is a ÷ b to four digits, and 0 when b is.
func ratio(a, b float64) float64 { return round(a/b, 4) }
