package codec

import (
	"errors"
	"testing"
)

// TestRangesOnTheWire: what was written is read, and nothing that lies outside the identifiers.
func TestRangesOnTheWire(t *testing.T) {
	body := func(bits int, lo OriginID, prints ...uint64) []byte {
		b := BeginRanges(nil, bits, lo)
		for _, p := range prints {
			b = AppendRangePrint(b, p)
		}
		if len(b) != RangesBytes(len(prints)) {
			t.Errorf("%d bytes, not %d", len(b), RangesBytes(len(prints)))
		}
		return b[RecordBytes:]
	}
	r, err := ParseRanges(body(4, 14<<60, 7, 0))
	if err != nil || r.Bits != 4 || r.Len() != 2 {
		t.Fatal(r, err)
	}
	for i, want := range [][2]uint64{{14 << 60, 7}, {15 << 60, 0}} {
		if lo, print := r.At(i); lo != OriginID(want[0]) || print != want[1] {
			t.Errorf("part %d: %x %x", i, lo, print)
		}
	}
	bad := func(b []byte, want error) {
		t.Helper()
		if _, err := ParseRanges(b); !errors.Is(err, want) {
			t.Errorf("%x: %v, want %v", b, err, want)
		}
	}
	set := func(i int, v byte) []byte { b := body(4, 14<<60, 7, 0); b[i] = v; return b }
	bad(nil, ErrBody)
	bad(body(4, 0), ErrBody)
	bad(append(body(4, 0, 1), 0), ErrBody)
	bad(set(0, 0), ErrOrder)
	bad(set(0, 65), ErrOrder)
	bad(set(0, 3), ErrOrder) // the second part is not an identifier
	bad(set(0, 2), ErrOrder) // lo is not where a range of 2 bits begins
	bad(body(4, 15<<60, 1, 2), ErrOrder)
	bad(body(1, 0, 1, 2, 3, 4), ErrOrder)
	bad(body(64, 1<<64-1, 1, 2), ErrOrder)
	bad(body(64, 1<<64-1, 1), nil)
}
