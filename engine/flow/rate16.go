package flow

import "math/bits"

// A credit in a header is a rate in 16 bits: 11 of mantissa below a leading
// one, 5 of exponent. 0 states nothing. Steps are below 0.05 %.

const (
	mantissaBits = 11
	mantissaOne  = 1 << mantissaBits
)

// Rate16 is the rate of a credit, in bytes a second; 0 for none.
func Rate16(c uint16) uint32 {
	if c == 0 {
		return 0
	}
	m := uint64(c&(mantissaOne-1)) | mantissaOne
	return clampRate(m << (c >> mantissaBits) >> mantissaBits)
}

// Credit16 is the credit that states a rate, rounded down; 1 B/s is the least.
func Credit16(rate uint32) uint16 {
	if rate <= 1 {
		return 1
	}
	e := bits.Len32(rate) - 1
	m := uint64(rate) << mantissaBits >> e & (mantissaOne - 1)
	return uint16(e<<mantissaBits) | uint16(m)
}
