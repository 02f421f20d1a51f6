package codec

import (
	"bytes"
	"fmt"
	"testing"
)

// What RunWriter makes, ParseRun takes: keys whose shared prefixes grow and shrink.
func TestKeysThatSharePrefixes(t *testing.T) {
	keys := []string{"k0", "k1", "k10", "k100", "k1000", "k10", "k2", "a/b", "a/b/c", "a/b/c/d", "a", "a/b/c/d/e"}
	var w RunWriter
	w.Begin(nil, 1400, RunHead{ID: 7})
	for i, k := range keys {
		if !w.Entry(&Entry{Version: uint64(i + 1), Key: []byte(k), Value: []byte(fmt.Sprint(i))}) {
			t.Fatal("does not fit")
		}
	}
	var r Run
	if err := ParseRun(w.End(uint64(len(keys)))[RecordBytes:], &r); err != nil {
		t.Fatal(err)
	}
	var it RunIter
	var e Entry
	it.Reset(&r)
	for i, k := range keys {
		if !it.Next(&e) || string(e.Key) != k {
			t.Fatalf("entry %d is %q, not %q", i, e.Key, k)
		}
	}
}

// An entry beyond the range of its digest.
func TestDigestEntryLiesInItsRange(t *testing.T) {
	for _, hi := range []OriginID{11, 10, 9, 8} {
		var w DigestWriter
		w.Begin(nil, 1400, DigestOffer, 1)
		w.Add(DigestEntry{ID: 10, Max: 1})
		b := w.End(10)
		for i := range 8 {
			b[RecordBytes+9+i] = byte(uint64(hi) >> (8 * i))
		}
		var d Digest
		if err := ParseDigest(b[RecordBytes:], &d); (err == nil) != (hi >= 10) {
			t.Errorf("entry 10 in a range up to %d: %v", hi, err)
		}
	}
}

// An end that says nothing beyond the last entry is not the valid form.
func TestRunEndIsCanonical(t *testing.T) {
	var w RunWriter
	w.Begin(nil, 1400, RunHead{ID: 7})
	w.Entry(&Entry{Version: 5, Key: []byte("k")})
	b := w.End(6)
	for to := uint64(4); to < 8; to++ {
		c := append([]byte(nil), b...)
		c[len(c)-7] = byte(to)
		var r Run
		if err := ParseRun(c[RecordBytes:], &r); (err == nil) != (to > 5) {
			t.Errorf("last entry 5, end %d: %v", to, err)
		}
	}
}

// Lists of origins ascend: one that comes twice, or after a higher one, has no valid form.
func TestOriginsAscend(t *testing.T) {
	var d DigestWriter
	d.Begin(nil, 1400, DigestOffer, 1)
	d.Add(DigestEntry{ID: 10, Max: 1})
	d.Add(DigestEntry{ID: 20, Max: 1})
	full := BeginRecord(nil, TypeFullAt)
	full = AppendFullAt(full, &FullAt{ID: 10, Version: 1, Through: 2, Missing: 1})
	full = EndRecord(AppendFullAt(full, &FullAt{ID: 20, Version: 1, Through: 2, Missing: 1}), 0)
	for name, x := range map[string]struct {
		record []byte
		parse  func(body []byte) error
	}{
		"digest":  {d.End(30), func(b []byte) error { var d Digest; return ParseDigest(b, &d) }},
		"full at": {full, func(b []byte) error { _, err := ParseFullAts(b); return err }},
	} {
		body := x.record[RecordBytes:]
		at := bytes.Index(body, []byte{20, 0, 0, 0, 0, 0, 0, 0})
		for id, want := range map[byte]error{20: nil, 11: nil, 10: ErrOrder, 9: ErrOrder} {
			if body[at] = id; x.parse(body) != want {
				t.Errorf("%s: %d after 10: %v", name, id, x.parse(body))
			}
		}
	}
}
