package engine

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
)

// A staged write that a later one of its key replaces leaves its urgency to that.
func TestAStagedWriteKeepsTheUrgencyOfItsKey(t *testing.T) {
	var b stageBuffer
	b.init(4 << 10)
	classes := []tune.Class{tune.ClassBulk, tune.ClassUrgent, tune.ClassNormal, tune.ClassBulk}
	for i, c := range classes {
		appendRecord(&b, 7, uint64(i+1), &stagedWrite{op: opDelete, class: c}, "key")
	}
	appendRecord(&b, 9, 5, &stagedWrite{op: opLease, class: tune.ClassBulk}, "other")
	var r record
	at := 0
	for i, want := range []tune.Class{tune.ClassBulk, tune.ClassUrgent, tune.ClassUrgent, tune.ClassUrgent, tune.ClassBulk} {
		at = b.at(at, &r)
		if r.class != want || r.dead != (i < 3) || r.op != [...]uint8{opDelete, opLease}[i/4] {
			t.Errorf("record %d: class %v, dead %v, op %d", i+1, r.class, r.dead, r.op)
		}
	}
}
