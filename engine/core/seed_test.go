package core

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A seed that is a second address of its host answers from the first. It is credited
// for what it gave back, which only who was greeted there can know; and nobody else is.
func TestLawSeedsAreCreditedByChallenge(t *testing.T) {
	w := newNet(t, 3, 71, nil)
	second := netip.MustParseAddrPort("10.9.9.9:7946")
	dead := netip.MustParseAddrPort("10.9.9.8:7946")
	w.at[second] = w.nodes[1]
	a := &w.nodes[0].core
	a.Join(w.now, second)
	a.Join(w.now, dead)
	w.pump(w.nodes[0])
	w.run(2 * sched.Second)
	if p, ok := a.Peer(a.Parts().Door.Seeds.Peer(second)); !ok || !p.Proven || p.Addr != w.nodes[1].addr {
		t.Errorf("the seed that answers from elsewhere: %+v, %v", p, ok)
	}
	if p, ok := a.Peer(a.Parts().Door.Seeds.Peer(dead)); ok {
		t.Errorf("the dead seed is credited: %+v", p)
	}
	greeted := 0
	w.carried = func(from *node, to netip.AddrPort, _ []byte) {
		if to == second && from.i == 0 {
			greeted++
		}
	}
	w.run(30 * sched.Second)
	if greeted > 0 {
		t.Errorf("the seed is in touch and was greeted %d times more", greeted)
	}
}
