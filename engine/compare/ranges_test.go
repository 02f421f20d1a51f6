package compare

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestRangesFollowTheDifference: among 2,000 origins the bytes of a comparison by ranges grow with
// what differs, whichever side lacks it, and no comparison comes down to the whole vector while
// that would take more.
func TestRangesFollowTheDifference(t *testing.T) {
	const origins = 2000
	a, b := newSide("a", usual(tune.DiffRanges)), newSide("b", usual(tune.DiffRanges))
	for _, n := range []*side{a, b} {
		for i := range origins {
			n.Put(fmt.Sprint("member", i), 1)
		}
	}
	talk := func() (bytes int) {
		before := a.Bytes + b.Bytes
		a.Begin()
		reconciletest.Talk(&a.Node, &b.Node, 1000, nil)
		return int(a.Bytes + b.Bytes - before)
	}
	for talk(); a.c.Fingerprint() != b.c.Fingerprint(); { // of themselves they know nothing yet
		talk()
	}
	vector := origins * vectorEntry
	for _, differ := range []int{1, 4, 16} {
		for i := range differ {
			[]*side{a, b}[i%2].Put(fmt.Sprint("member", i*origins/differ), 1)
		}
		falls := a.n.Fallbacks + b.n.Fallbacks
		bytes := talk()
		if a.c.Fingerprint() != b.c.Fingerprint() {
			t.Fatalf("%d differing: they differ still", differ)
		}
		if most := 600 + differ*500; bytes > most || a.n.Fallbacks+b.n.Fallbacks != falls {
			t.Errorf("%d differing: %d bytes, more than %d; the vector takes %d", differ, bytes, most, vector)
		}
		t.Logf("%d differing of %d: %d bytes; the vector takes %d", differ, origins, bytes, vector)
	}
	for i := range origins {
		a.Put(fmt.Sprint("member", i), 1)
	}
	falls := a.n.Fallbacks + b.n.Fallbacks
	for range 200 {
		if talk(); a.c.Fingerprint() == b.c.Fingerprint() {
			break
		}
	}
	if a.c.Fingerprint() != b.c.Fingerprint() || a.n.Fallbacks+b.n.Fallbacks == falls {
		t.Errorf("all differ: they differ still, or ranges were split for nothing (%d times the vector)", a.n.Fallbacks+b.n.Fallbacks-falls)
	}
}
