package codec

import "encoding/binary"

// Ranges is the checked body of a Ranges record, a view of the frame: fingerprints of parts of the
// version vector. Each is over the origins whose identifiers have the same first Bits bits, the
// first those that begin like Lo.
type Ranges struct {
	Bits   int // 1 to 64
	Lo     OriginID
	prints []byte
}

const (
	rangesFixed     = 1 + 8
	rangePrintBytes = 8
)

// RangesBytes is the encoded size of a Ranges record of n parts.
func RangesBytes(n int) int { return RecordBytes + rangesFixed + n*rangePrintBytes }

// BeginRanges appends the start of a Ranges record. The caller appends at least one fingerprint by
// AppendRangePrint, and ends it with EndRecord. It panics where lo has bits behind the first.
func BeginRanges(dst []byte, bits int, lo OriginID) []byte {
	if bits < 1 || bits > 64 || lo<<bits != 0 {
		panic("codec: not the beginning of a range")
	}
	return binary.LittleEndian.AppendUint64(append(BeginRecord(dst, TypeRanges), uint8(bits)), uint64(lo))
}

// AppendRangePrint appends the fingerprint of the next part.
func AppendRangePrint(dst []byte, print uint64) []byte {
	return binary.LittleEndian.AppendUint64(dst, print)
}

// ParseRanges checks the body of a Ranges record. Afterwards its methods can't fail.
func ParseRanges(b []byte) (Ranges, error) {
	n := len(b) - rangesFixed
	if n < rangePrintBytes || n%rangePrintBytes != 0 {
		return Ranges{}, ErrBody
	}
	r := Ranges{int(b[0]), OriginID(binary.LittleEndian.Uint64(b[1:])), b[rangesFixed:]}
	if r.Bits < 1 || r.Bits > 64 || r.Lo<<r.Bits != 0 {
		return Ranges{}, ErrOrder
	}
	if first, last := r.Lo>>(64-r.Bits), ^OriginID(0)>>(64-r.Bits); OriginID(r.Len()-1) > last-first {
		return Ranges{}, ErrOrder // beyond the last identifier
	}
	return r, nil
}

// Len is the number of parts.
func (r Ranges) Len() int { return len(r.prints) / rangePrintBytes }

// At is where part i begins, and its fingerprint.
func (r Ranges) At(i int) (lo OriginID, print uint64) {
	return r.Lo + OriginID(i)<<(64-r.Bits), binary.LittleEndian.Uint64(r.prints[i*rangePrintBytes:])
}
