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
	for _, through := range []uint64{0, 9} { // of those who have no seat
		all, _ := ParseFullAts(AppendFullAt(b[:len(b):len(b)], &FullAt{ID: Strangers, Through: through}))
		if shut, away := all.Strangers(); !away || shut != (through > 0) || !all.Origins() {
			t.Errorf("through %d: shut %v, away %v", through, shut, away)
		}
		one, _ := ParseFullAts(AppendFullAt(nil, &FullAt{ID: Strangers, Through: through}))
		if shut, away := one.Strangers(); !away || shut != (through > 0) || one.Origins() || one.Through(7) != 0 {
			t.Errorf("alone, through %d: shut %v, away %v", through, shut, away)
		}
	}
	if shut, away := l.Strangers(); shut || away || !l.Origins() {
		t.Error("nothing is said of strangers")
	}
	if (FullAts{}).Through(3) != 0 {
		t.Error("an empty list says something")
	}
}
