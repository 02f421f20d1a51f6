package enginetest

import (
	"net/netip"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/batch/simnet"
)

// TestLossFollowsItsSeed: under one seed the same datagrams are lost.
func TestLossFollowsItsSeed(t *testing.T) {
	lost := func(seed uint64) (list []bool) {
		n := newNetwork(simnet.NewNetwork(1, simnet.Link{}).Poller(), seed)
		n.setLoss(0.5)
		a, b := netip.MustParseAddrPort("127.0.0.1:1"), netip.MustParseAddrPort("127.0.0.1:2")
		for range 100 {
			list = append(list, n.passes(a, b))
		}
		return list
	}
	if !slices.Equal(lost(1), lost(1)) || slices.Equal(lost(1), lost(2)) || !slices.Contains(lost(1), true) || !slices.Contains(lost(1), false) {
		t.Errorf("%v\n%v\n%v", lost(1), lost(1), lost(2))
	}
}
