package gaps

import "testing"

// A gap ends with its last version, and what is found later makes it no shorter.
func TestAGapEndsWithItsLastVersion(t *testing.T) {
	g, h, s := newGaps(t, 4, 1)
	o := h.first()
	g.Found(0, o, 1, 9)
	g.Found(0, o, 1, 7)
	for _, top := range []uint64{6, 7, 8} {
		s.Advance(o, top, 0)
		if !h.chase(g, 0) {
			t.Fatalf("of a gap that ends at 9 nothing is missing after %d", top)
		}
	}
	s.Advance(o, 9, 0)
	if h.chase(g, 0) {
		t.Error("it does not end")
	}
}
