package interval

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/state"
)

// TestEachFindIsCountedAsWhatItIs: what an audit finds is in the count of its kind alone, and adds up.
func TestEachFindIsCountedAsWhatItIs(t *testing.T) {
	var m Mender
	m.Count = new(Audited)
	for _, h := range []state.Healed{{Missing: 1}, {Damaged: 10}, {Removed: 100}, {Foreign: 1000}, {Missing: 1, Damaged: 10, Removed: 100, Foreign: 1000}} {
		m.count(0, &h)
	}
	if want := (Audited{AuditMissing: 2, AuditDamaged: 20, AuditRemoved: 200, AuditForeign: 2000}); *m.Count != want {
		t.Errorf("%+v, want %+v", *m.Count, want)
	}
}
