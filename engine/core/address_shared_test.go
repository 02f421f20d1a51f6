package core

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestTwoHaveOneAddress: what goes to an address that two machines have by mistake is delivered to either of
// them, for a while. The other one hears nobody, and accuses everybody; but those who reach each other never
// suspect one another.
func TestTwoHaveOneAddress(t *testing.T) {
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		seeds := uint64(40)
		if testing.Short() {
			seeds = 5
		}
		for seed := range seeds {
			twoHaveOneAddress(t, 300+seed, sealed)
		}
	})
}

func twoHaveOneAddress(t *testing.T, seed uint64, sealed func(int, *Config)) {
	const well, nodes = 3, 5
	w := newNet(t, nodes, seed, sealed)
	shared := netip.MustParseAddrPort("10.77.0.9:7946")
	for i := well; i < nodes; i++ {
		w.move(i, shared)
	}
	w.joinAll()
	suspicions := 0
	for turn := range 60 {
		w.set(turn%well, "k", "v")
		if w.rnd.IntN(4) == 0 {
			w.at[shared] = w.nodes[well+w.rnd.IntN(nodes-well)]
		}
		w.run(500 * sched.Millisecond)
		for i := range well {
			for k := range well {
				if k == i {
					continue
				}
				if s := w.statusOf(i, k); s != member.Alive {
					t.Errorf("seed %d: after %d ms node %d holds node %d for %v", seed, 500*(turn+1), i, k, s)
				}
			}
			for p := range w.nodes[i].events {
				ev := &w.nodes[i].events[p]
				if ev.Kind != MemberSuspected {
					continue
				}
				suspicions++
				for k := range well {
					if k != i && ev.Peer == w.peer(i, k) {
						t.Errorf("seed %d: after %d ms node %d suspects node %d", seed, 500*(turn+1), i, k)
					}
				}
			}
		}
		w.forgetEvents()
	}
	if suspicions == 0 {
		t.Errorf("seed %d: nobody suspects anybody", seed)
	}
	t.Logf("%d suspicions of the two", suspicions)
}
