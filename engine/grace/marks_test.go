package grace

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestTheGraceRuns: without an acknowledgement a tombstone goes once it is as old as the grace, to
// the nanosecond, and marks are half of one apart.
func TestTheGraceRuns(t *testing.T) {
	const begin = sched.Instant(7)
	o := Owner{Max: 100, Tombstones: 30, Budget: 50}
	floor := func(at sched.Instant) uint64 {
		var k Keeper
		k.Floor(begin, &o)
		later := o
		later.Max = 200
		k.Floor(begin+After/2-1, &later) // no mark yet
		k.Floor(begin+After/2, &later)
		return k.Floor(at, &later)
	}
	for at, want := range map[sched.Instant]uint64{begin + After - 1: 0, begin + After: 100, begin + 3*After/2 - 1: 100, begin + 3*After/2: 200} {
		if got := floor(at); got != want {
			t.Errorf("%v after it was written the floor is %d, want %d", at-begin, got, want)
		}
	}
	var none Keeper
	if got := none.Floor(2*After, &o); got != 0 {
		t.Errorf("what was never marked has a floor of %d", got)
	}
}

// TestTheBudgetPresses: only more than the budget makes the owner collect what is not acknowledged,
// at least one version, and never above what there is.
func TestTheBudgetPresses(t *testing.T) {
	f := func(tombstones int, top, floor, want uint64) {
		t.Helper()
		var k Keeper
		if got := k.Floor(1, &Owner{Max: top, Floor: floor, Tombstones: tombstones, Budget: 10}); got != want {
			t.Errorf("%d tombstones, floor %d of %d: %d, want %d", tombstones, floor, top, got, want)
		}
	}
	f(10, 100, 50, 50)
	f(11, 100, 50, 75)
	f(11, 51, 50, 51)
	f(11, 50, 50, 50)
	var k Keeper
	if got := k.Floor(1, &Owner{Max: 100, Floor: 50, Confirmed: 50, Tombstones: 11, Budget: 10}); got != 75 {
		t.Errorf("acknowledged as far as the floor: %d", got)
	}
}
