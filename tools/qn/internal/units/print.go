package units

import (
	"fmt"
	"strconv"
	"time"
)

// Span prints a span of time with three digits at most, in the unit that reads best: 780ns, 12.5µs,
// 1.20ms, 3.4s.
func Span(nanos int64) string {
	v, d := float64(nanos), time.Duration(nanos)
	switch {
	case d < time.Microsecond:
		return strconv.FormatInt(nanos, 10) + "ns"
	case d < time.Millisecond:
		return digits(v/1e3) + "µs"
	case d < time.Second:
		return digits(v/1e6) + "ms"
	}
	return digits(v/1e9) + "s"
}

// Bytes prints a number of bytes with three digits, in decimal units as networks are measured.
func Bytes(v float64) string {
	switch {
	case v >= 1e9:
		return digits(v/1e9) + " GB"
	case v >= 1e6:
		return digits(v/1e6) + " MB"
	case v >= 1e3:
		return digits(v/1e3) + " kB"
	}
	return digits(v) + " B"
}

// Count prints a whole number with its thousands set apart: 50,000.
func Count(v uint64) string {
	s := strconv.FormatUint(v, 10)
	for at := len(s) - 3; at > 0; at -= 3 {
		s = s[:at] + "," + s[at:]
	}
	return s
}

func digits(v float64) string {
	switch {
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	}
	return fmt.Sprintf("%.2f", v)
}
