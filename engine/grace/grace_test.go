package grace

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

func TestFloorFollowsAcknowledgements(t *testing.T) {
	var k Keeper
	f := func(now sched.Instant, o Owner, want uint64) {
		t.Helper()
		if got := k.Floor(now, &o); got != want {
			t.Errorf("at %v, %+v: %d, want %d", now, o, got, want)
		}
	}
	s := sched.Instant(sched.Second)
	f(1, Owner{Max: 100, Confirmed: 80, Budget: 50}, 0)                                       // nothing was deleted
	f(1, Owner{Max: 100, Confirmed: 80, Budget: 50, Tombstones: 25}, 0)                       // or little
	f(1, Owner{Max: 100, Confirmed: 30, Budget: 50, Tombstones: 2, Spent: 40}, 30)            // but what is spent goes
	f(1, Owner{Max: 100, Floor: 30, Confirmed: 30, Budget: 50, Tombstones: 2, Spent: 30}, 30) // no further
	k = Keeper{}
	f(1, Owner{Max: 100, Confirmed: 80, Budget: 50, Tombstones: 30}, 80)                       // everybody has it
	f(2, Owner{Max: 110, Floor: 80, Confirmed: 110, Budget: 50, Tombstones: 30}, 80)           // not so soon again
	f(2, Owner{Max: 110, Floor: 80, Confirmed: 110, Budget: 2, Tombstones: 3}, 110)            // but above the budget
	f(3, Owner{Max: 200, Floor: 110, Confirmed: 0, Budget: 2, Tombstones: 3}, 155)             // even if nobody has it: the older half
	f(2*s, Owner{Max: 200, Floor: 155, Confirmed: 150, Budget: 50, Tombstones: 30}, 155)       // somebody lacks it
	f(40*s, Owner{Max: 300, Floor: 155, Confirmed: 150, Budget: 50, Tombstones: 30}, 155)      // and still does
	f(75*s, Owner{Max: 400, Floor: 155, Confirmed: 150, Budget: 50, Tombstones: 30}, 155)      // what was new a minute ago is below
	f(101*s, Owner{Max: 400, Floor: 155, Confirmed: 150, Budget: 50, Tombstones: 30}, 300)     // for longer than the grace
	f(102*s, Owner{Max: 400, Floor: 300, Confirmed: 1 << 40, Budget: 50, Tombstones: 26}, 400) // never beyond what there is
}

// TestFloorDoesNotAllocate: an owner asks once a turn.
func TestFloorDoesNotAllocate(t *testing.T) {
	var k Keeper
	o := Owner{Budget: 50}
	now := sched.Instant(1)
	if n := testing.AllocsPerRun(1000, func() {
		now += sched.Second
		o.Max, o.Confirmed, o.Tombstones = o.Max+100, o.Max, 60
		o.Floor = k.Floor(now, &o)
	}); n != 0 || o.Floor == 0 {
		t.Errorf("%v allocations, floor %d", n, o.Floor)
	}
}
