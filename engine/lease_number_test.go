package engine

import (
	"context"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/quidnunc/quidnunc/batch/simnet"
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

// TestEndedLeasesAreForgotten: a lease that has ended gives its number back, and one that is renewed in
// time does not end.
func TestEndedLeasesAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := Local()
		c.Name, c.LeaveTimeout, c.Transport = "one", -1, simnet.NewNetwork(1, simnet.Link{}).Poller()
		e, err := Start(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		defer e.Close()
		kept, err := e.Grant(time.Second)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 20 {
			if _, err := e.Grant(time.Second); err != nil {
				t.Fatal(err)
			}
			if _, err := kept.Set("k", []byte{byte(i)}); err != nil {
				t.Fatal(err)
			}
			time.Sleep(700 * time.Millisecond)
			if _, err := kept.Renew(); err != nil {
				t.Fatalf("round %d: %v", i, err)
			}
		}
		time.Sleep(900 * time.Millisecond)
		e.Stats()
		e.leases.mu.Lock()
		n := len(e.leases.live)
		e.leases.mu.Unlock()
		if n != 1 || len(e.Leases()) != 1 {
			t.Errorf("%d leases are held, %d shown, of one", n, len(e.Leases()))
		}
	})
}
