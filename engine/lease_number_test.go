package engine

import (
	"math"
	"testing"
)

// Numbers of leases begin anew after the last one, and leave out those that are in use.
func TestLeaseNumbersComeRound(t *testing.T) {
	x := leases{last: math.MaxUint32 - 1, live: map[uint32]*Lease{1: {}, 2: {}}}
	for _, want := range []uint32{math.MaxUint32, 3, 4} {
		if got := x.free(); got != want {
			t.Fatalf("%d, want %d", got, want)
		}
		x.last = want
	}
}
