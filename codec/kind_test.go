package codec

import (
	"bytes"
	"testing"
)

func TestLeaseKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, n := range []uint32{0, 1, 127, 128, 1 << 14, 1 << 21, 1 << 28, 1<<32 - 1} {
		key := AppendLeaseKey(nil, n)
		if got, ok := ParseLeaseKey(key); !ok || got != n || !Reserved(key) || len(key) > LeaseKeyBytesMax || seen[string(key)] {
			t.Errorf("%d: %q gives %d, %v", n, key, got, ok)
		}
		seen[string(key)] = true
		for i := range key {
			if got, ok := ParseLeaseKey(key[:i]); ok {
				t.Errorf("%q cut to %d bytes is lease %d", key, i, got)
			}
		}
		if _, ok := ParseLeaseKey(append(key, 0)); ok {
			t.Errorf("%q is a lease with a byte more", key)
		}
	}
	for _, key := range []string{"", "lease/1", "\x00lease/", "\x00left", "\x00lease/\x02\x00"} { // the last: not minimal
		if n, ok := ParseLeaseKey([]byte(key)); ok {
			t.Errorf("%q is lease %d", key, n)
		}
	}
}

// TestEntriesOfNoValidForm: each meaning has one encoding, and what has none is refused, not
// guessed.
func TestEntriesOfNoValidForm(t *testing.T) {
	lease := string(AppendLeaseKey(nil, 5))
	keyed := func(s string) string { return string(byte(len(s)<<4)) + s }
	for name, c := range map[string]struct {
		entry string // after the origin and a head of 5: from 0, level
		want  error
	}{
		"flags that are none":     {"\x03\x00" + keyed("k") + "\x01", ErrFlags},
		"an unknown flag":         {"\x03\x40" + keyed("k") + "\x01", ErrFlags},
		"the bit of by reference": {"\x03\x80" + keyed("k") + "\x01", ErrFlags},
		"a delete with a kind":    {"\x03\x09\x07" + keyed("k"), ErrFlags},
		"kind 0":                  {"\x03\x08\x00" + keyed("k") + "\x01", ErrFlags},
		"no kind":                 {"\x03\x08", ErrBody},
		"a lease with a value":    {"\x03\x0a\x01\x03\x03" + keyed(lease) + "\x03v", ErrEntry},
		"a lease under a key":     {"\x03\x0a\x01\x03\x03" + keyed("k") + "\x01", ErrEntry},
		"a lease that is leased":  {"\x03\x1a\x01\x03\x03\x03" + keyed(lease) + "\x01", ErrEntry},
		"a lease without a term":  {"\x03\x08\x01" + keyed(lease) + "\x01", ErrEntry},
		"a lease by reference":    {"\x07\x0a\x01\x03\x03\x03\x01", ErrEntry},
		"a term beyond 32 bits":   {"\x03\x02\x20\x00\x00\x00\x00\x01\x03" + keyed("k") + "\x01", ErrVarint},
		"a stamp cut off":         {"\x03\x04\x00\x01", ErrVarint},
		"a stamp that is long":    {"\x03\x04\x02\x00" + keyed("k") + "\x01", ErrVarint},
	} {
		body := append(bytes.Repeat([]byte{1}, 8), 4<<1|1)
		var r Run
		if _, err := parseRun(append(body, c.entry...), &r); err != c.want {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// TestLevelIsSaidOnce: a run whose sender holds no more says so by a bit, in no other way.
func TestLevelIsSaidOnce(t *testing.T) {
	var w RunWriter
	w.Begin(nil, 100, RunHead{ID: 1, Max: 5})
	body := w.End(3)[RecordBytes:]
	for most := range uint64(9) {
		copy(body[len(body)-versionBytes:], appendVersion(nil, most))
		var r Run
		if err := ParseRun(body, &r); (err == nil) != (most > 3) || err == nil && (r.Max != most || r.To != 3 || r.Level()) {
			t.Errorf("to 3, the sender holds %d: %+v, %v", most, r, err)
		}
	}
}
