package compare

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile/reconciletest"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// TestFloorsAgree: a floor that moved while nothing was written is news like any other,
// whoever begins and whichever way the comparison moves state.
func TestFloorsAgree(t *testing.T) {
	for way := range tune.DiffRanges + 1 {
		for _, kind := range []codec.SyncKind{codec.SyncPush, codec.SyncPull, codec.SyncPushPull} {
			cfg := usual(way)
			cfg.Kind = kind
			a, b := pair(cfg)
			for range 4 {
				a.Begin()
				reconciletest.Talk(&a.Node, &b.Node, 100, nil)
				b.Begin()
				reconciletest.Talk(&a.Node, &b.Node, 100, nil)
			}
			if a.c.Fingerprint() != b.c.Fingerprint() {
				t.Errorf("way %d, kind %d: they differ before the floor moves", way, kind)
				continue
			}
			a.Store.Collect(a.Self, 1)
			if a.c.Fingerprint() == b.c.Fingerprint() {
				t.Fatal("the floor did not move")
			}
			for range 4 {
				a.Begin()
				reconciletest.Talk(&a.Node, &b.Node, 100, nil)
				b.Begin()
				reconciletest.Talk(&a.Node, &b.Node, 100, nil)
			}
			if a.c.Fingerprint() != b.c.Fingerprint() {
				t.Errorf("way %d, kind %d: the floor is not told", way, kind)
			}
		}
	}
}
