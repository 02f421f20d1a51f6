package linux

import (
	"net/netip"
	"testing"
)

// TestPeersAreToldApart: no two addresses that differ in anything, the port and the link of a
// link-local one included, are one peer, and each is itself again.
func TestPeersAreToldApart(t *testing.T) {
	addrs := []string{"10.0.0.1", "10.0.0.2", "10.0.1.1", "192.0.2.1", "127.0.0.1"}
	six := []string{"::1", "2001:db8::1", "2001:db8::2", "2001:db8:1::1", "2001:db8:0:0:1::1", "fe80::1", "fe80::2", "fe80::1:1"}
	for _, f := range []family{four, dual} {
		all := map[peerKey]name{}
		add := func(a string, port uint16, scope uint32) {
			t.Helper()
			var n name
			if !f.put(&n, netip.AddrPortFrom(netip.MustParseAddr(a), port), new(zones)) {
				t.Fatal(a, "is not reachable")
			}
			if scope != 0 {
				n.Scope_id = scope
			}
			k := f.key(&n)
			if other, ok := all[k]; ok {
				t.Errorf("%v: %s, port %d, link %d is one with %+v", f, a, port, scope, other)
			}
			if all[k] = n; f.key(&n) != k {
				t.Errorf("%s is not itself", a)
			}
		}
		for _, port := range []uint16{1, 2, 256, 7946, 1<<16 - 1} {
			for _, a := range addrs {
				add(a, port, 0)
			}
			if f == four {
				continue
			}
			for _, a := range six {
				add(a, port, 0)
				for _, scope := range []uint32{1, 2, 1 << 8, 1 << 16, 1 << 31} {
					add(a, port, scope)
				}
			}
		}
	}
}
