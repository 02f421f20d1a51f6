package core

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A cookie is good for the address and port that it was sent to, and for nothing else.
func TestCookieNamesAddressAndPort(t *testing.T) {
	w := newNet(t, 1, 14, nil)
	c := &w.nodes[0].core
	c.now = 100 * sched.Second
	at := netip.MustParseAddrPort("10.1.2.3:4000")
	k := c.cookie(at, c.epoch())
	if !c.cookieValid(at, &k) {
		t.Fatal("its own")
	}
	for _, other := range []string{"10.1.2.3:4001", "10.1.2.3:4256", "10.1.2.4:4000", "11.1.2.3:4000", "[2001:db8::1]:4000"} {
		if c.cookieValid(netip.MustParseAddrPort(other), &k) {
			t.Errorf("the cookie of %v is good for %s", at, other)
		}
	}
}
