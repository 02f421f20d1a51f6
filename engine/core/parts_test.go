package core

import "testing"

// A shell may look at the parts as often as it likes.
func TestPartsAllocs(t *testing.T) {
	w := newNet(t, 1, 1, nil)
	c := &w.nodes[0].core
	var gens uint64
	if got := testing.AllocsPerRun(1000, func() { gens += c.Parts().Self.Gen }); got != 0 {
		t.Errorf("%v allocations", got)
	}
	if gens == 0 {
		t.Error("no generation")
	}
}
