package codec

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
)

// TestWhatIsReadCanBeWritten: at the bounds of each number in each record, a parser takes nothing that
// its writer refuses, and what it took is read again as the same.
func TestWhatIsReadCanBeWritten(t *testing.T) {
	bounds := []uint64{0, 1, 127, 128, 255, 256, 1<<14 - 1, 1 << 14, 1<<16 - 1, 1 << 16, 1<<32 - 1, 1 << 32, 1<<64 - 1}
	for _, b := range []uint64{VersionMax, GenerationMax, EventTimeMax} {
		bounds = append(bounds, b-1, b, b+1)
	}
	names, bytesOf := samples()
	var c recoder
	taken := 0
	for _, name := range names {
		if !strings.HasPrefix(name, "record/") {
			continue
		}
		typ, body, _ := NextRecord(bytesOf[name])
		for at := range body {
			_, n := uvarint(body[at:])
			for _, v := range bounds {
				x := append([]byte(nil), body[:at]...)
				x = append(appendUvarint(x, v), body[at+max(n, 1):]...)
				taken += reads(t, &c, fmt.Sprintf("%s with %d at %d", name, v, at), typ, x)
			}
			for _, v := range []byte{0, 1, 0x7f, 0x80, 0xff, body[at] + 1, body[at] - 1} {
				x := append([]byte(nil), body...)
				x[at] = v
				taken += reads(t, &c, fmt.Sprintf("%s with byte %d at %d", name, v, at), typ, x)
			}
		}
	}
	if taken < 10_000 {
		t.Errorf("only %d were taken", taken)
	}
}

// reads is 1 if a body is taken, and holds it to what can be written then.
func reads(t *testing.T, c *recoder, what string, typ Type, body []byte) (taken int) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil {
			t.Errorf("%s: it is taken, and not written: %v", what, r)
		}
	}()
	first, err := c.record(nil, typ, body)
	if err != nil {
		return 0
	}
	_, again, _ := NextRecord(first)
	second, err := c.record(nil, typ, again)
	if err != nil || !bytes.Equal(first, second) {
		t.Errorf("%s: what is written anew is read as something else: %v", what, err)
	}
	return 1
}
