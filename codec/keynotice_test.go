package codec

import "testing"

func TestKeyNotice(t *testing.T) {
	var s KeySet
	for _, id := range []uint8{200, 1, 7, 1, 255, 3, 4, 5, 6} {
		if !s.Add(id) {
			t.Fatalf("no room for %d in %v", id, s)
		}
	}
	if s != (KeySet{1, 3, 4, 5, 6, 7, 200, 255}) || s.Len() != 8 || s.Add(9) || s.Has(9) || s.Has(0) || !s.Add(7) {
		t.Fatal(s)
	}
	in := KeyNotice{Primary: 200, Held: s, Serial: 3}
	b := AppendKeyNotice(nil, &in)
	if len(b) != KeyNoticeBytesMax {
		t.Errorf("%d bytes", len(b))
	}
	_, body, _ := NextRecord(b)
	var out KeyNotice
	if err := ParseKeyNotice(body, &out); err != nil || out != in {
		t.Fatal(err, out)
	}
	for _, bad := range [][]byte{{}, {1, 1}, {1, 2, 1}, {1, 1, 0, 1}, {1, 1, 1, 1}, {1, 1, 2, 1}, make([]byte, 11)} {
		if ParseKeyNotice(bad, &out) == nil {
			t.Errorf("%v was taken", bad)
		}
	}
}
