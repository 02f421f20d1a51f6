package codec

import (
	"encoding/binary"
	"math/bits"
)

// A uvarint is a prefix varint: the number of trailing zero bits of its first byte, plus one, is
// its length n; the number follows in the upper 7n bits, little endian. A zero first byte says n =
// 9: eight whole bytes follow. It has the sizes of LEB128 (and 9 bytes, not 10, for the largest),
// but decodes with one load and one shift.

// appendUvarint appends v in its shortest form.
func appendUvarint(dst []byte, v uint64) []byte {
	if v < 1<<7 {
		return append(dst, byte(v<<1|1))
	}
	return appendUvarintLong(dst, v)
}

func appendUvarintLong(dst []byte, v uint64) []byte {
	n := uvarintBytes(v)
	if n == 9 {
		return binary.LittleEndian.AppendUint64(append(dst, 0), v)
	}
	x := v<<n | 1<<(n-1)
	if at := len(dst); cap(dst)-at >= 8 { // what is beyond the end of dst is nobody's
		binary.LittleEndian.PutUint64(dst[at:at+8], x)
		return dst[:at+n]
	}
	for range n {
		dst = append(dst, byte(x))
		x >>= 8
	}
	return dst
}

// orUvarint sets bits of the encoded number at the start of b that are below its highest: it stays
// as long as it is.
func orUvarint(b []byte, set uint64) {
	n := bits.TrailingZeros8(b[0]) + 1
	if n == 9 {
		b, n = b[1:], 0
	}
	for set <<= n; set != 0; set >>= 8 {
		b[0] |= byte(set)
		b = b[1:]
	}
}

// uvarintBytes is the encoded size of v: 1 to 9.
func uvarintBytes(v uint64) int {
	if v >= 1<<56 {
		return 9
	}
	return (bits.Len64(v|1) + 6) / 7
}

// uvarint decodes the number at the start of b and its length; the length is 0 if the number is cut
// off or is not in its shortest form.
func uvarint(b []byte) (v uint64, n int) {
	if len(b) > 0 && b[0]&1 != 0 {
		return uint64(b[0] >> 1), 1
	}
	return uvarintLong(b)
}

func uvarintLong(b []byte) (v uint64, n int) {
	if len(b) == 0 {
		return 0, 0
	}
	n = bits.TrailingZeros8(b[0]) + 1
	if len(b) < n {
		return 0, 0
	}
	if n == 9 {
		v = binary.LittleEndian.Uint64(b[1:9])
		if v < 1<<56 {
			return 0, 0
		}
		return v, 9
	}
	v = load(b, n) >> n
	if v>>(7*(n-1)) == 0 && n > 1 {
		return 0, 0
	}
	return v, n
}

// load reads n bytes, 1 to 8, little endian; len(b) ≥ n.
func load(b []byte, n int) uint64 {
	if len(b) >= 8 {
		return binary.LittleEndian.Uint64(b) & (1<<(8*n) - 1)
	}
	var v uint64
	for i := n - 1; i >= 0; i-- {
		v = v<<8 | uint64(b[i])
	}
	return v
}
