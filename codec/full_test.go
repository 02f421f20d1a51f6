package codec

import "testing"

// TestFullAtThrough: a list tells how far each origin was seen, whatever stands around it.
func TestFullAtThrough(t *testing.T) {
	b := AppendFullAt(nil, &FullAt{ID: 3, Version: 5, Through: 9, Missing: 2})
	b = AppendFullAt(b, &FullAt{ID: 7, Version: 0, Through: VersionMax})
	l, err := ParseFullAts(b)
	if err != nil {
		t.Fatal(err)
	}
	f := func(id OriginID, want uint64) {
		t.Helper()
		if got := l.Through(id); got != want {
			t.Errorf("origin %d: through %d, want %d", id, got, want)
		}
	}
	f(2, 0)
	f(3, 9)
	f(5, 0)
	f(7, VersionMax)
	f(8, 0)
	if (FullAts{}).Through(3) != 0 {
		t.Error("an empty list says something")
	}
}
