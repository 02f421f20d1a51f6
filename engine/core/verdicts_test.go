package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/reconcile"
)

// TestEachVerdictHasItsReason: what becomes of a record is counted under its own reason, and under
// no other.
func TestEachVerdictHasItsReason(t *testing.T) {
	w := newNet(t, 1, 1, nil)
	c := &w.nodes[0].core
	for v, why := range map[reconcile.Verdict]Drop{
		reconcile.Taken: DropReasons, reconcile.Malformed: DropReasons, // no record: the caller counts it
		reconcile.OtherMode: DropMode, reconcile.Forged: DropForged, reconcile.Unknown: DropUnknown,
	} {
		want := c.counters.Drops
		if why < DropReasons {
			want[why]++
		}
		if parsed := c.judge(v); parsed == (v == reconcile.Malformed) || c.counters.Drops != want {
			t.Errorf("verdict %d: parsed %v, dropped %v, want %v", v, parsed, c.counters.Drops, want)
		}
	}
}
