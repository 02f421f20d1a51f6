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
