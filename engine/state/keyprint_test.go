package state

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestKeyPrintIsOfContent: it is the same for the same entries, in whatever
// order they came and whatever Max is, across origins' removal and renaming.
func TestKeyPrintIsOfContent(t *testing.T) {
	fill := func(versions []uint64) *Store {
		s := new(Store)
		s.Init(LimitsDefault(), versions[0])
		s.PrintKeys()
		o, _ := s.Add(5, 1, []byte("node"))
		for _, v := range versions {
			s.ApplyAny(o, &codec.Entry{Version: v, Key: fmt.Append(nil, v%3)})
		}
		return s
	}
	a, b := fill([]uint64{1, 2, 3, 4, 5, 6}), fill([]uint64{6, 2, 5, 4, 1, 3})
	print := a.KeyPrint()
	if print != b.KeyPrint() || print == 0 || print != a.RecomputeKeys() {
		t.Errorf("%x and %x", print, b.KeyPrint())
	}
	a.Advance(1, 6, 0)
	if a.KeyPrint() != print {
		t.Error("it depends on Max")
	}
	o, _ := a.Add(6, 1, []byte("other"))
	if a.KeyPrint() == print {
		t.Error("an origin without entries does not count")
	}
	a.Remove(o)
	a.Rename(1, 7, 2)
	if a.KeyPrint() == print || a.KeyPrint() != a.RecomputeKeys() {
		t.Error("another generation has the same print")
	}
	a.Rename(1, 5, 1)
	if a.KeyPrint() != print {
		t.Error("it did not come back")
	}
}

// TestEntriesFromBelowAFloorAreDoubted: where entries come one by one, one at or below a floor that
// is known already may have been deleted since; so the replica is to be mended, in whatever order
// floor and entries came.
func TestEntriesFromBelowAFloorAreDoubted(t *testing.T) {
	f := func(max, floor, version uint64, want bool) {
		t.Helper()
		s := new(Store)
		s.Init(LimitsDefault(), 1)
		s.PrintKeys()
		o, _ := s.Add(5, 1, []byte("node"))
		s.Advance(o, max, floor)
		if st := s.ApplyAny(o, &codec.Entry{Version: version, Key: []byte("k")}); st != OK {
			t.Fatal(st)
		}
		if s.Dirty(o) != want {
			t.Errorf("max %d, floor %d, version %d: dirty is %v", max, floor, version, !want)
		}
	}
	f(0, 28, 6, true)
	f(0, 28, 28, true)
	f(0, 28, 29, false)
	f(0, 0, 6, false)
	f(28, 28, 30, false)
}
