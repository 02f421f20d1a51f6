package compare

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestUpdatesLargerThanAFrameLeaveTheList: an update of which a frame shows the beginning alone is
// needless like any other where that is known. What differs may be a floor, which no update tells:
// who offers the same for ever leaves little room for the digest that finds it.
func TestUpdatesLargerThanAFrameLeaveTheList(t *testing.T) {
	a, b := newSide("a", usual(tune.DiffUpdates)), newSide("b", usual(tune.DiffUpdates))
	for _, n := range []*side{a, b} {
		for _, name := range []string{"one", "two", "three"} {
			n.Put(name, 300) // some four frames each
		}
	}
	o := a.Origin("one")
	for floor := range uint64(2 * UpdatesLimitDefault) {
		a.Store.Advance(o, a.Store.Max(o), floor+1)
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 100, nil)
		if a.c.Fingerprint() != b.c.Fingerprint() {
			t.Fatalf("floor %d is not told", floor+1)
		}
	}
	if n, m := a.c.updates.Len(), b.c.updates.Len(); n+m > 0 {
		t.Errorf("%d and %d updates that both have are offered still", n, m)
	}
}
