package codec

import (
	"net/netip"
	"testing"
)

func TestDialable(t *testing.T) {
	for text, want := range map[string]bool{
		"10.0.0.7:7946": true, "127.0.0.1:1": true, "169.254.1.1:65535": true, "223.255.255.255:7": true, "240.0.0.1:7": true,
		"192.0.2.1:7946": true, "[2001:db8::1]:7946": true, "[::1]:7946": true, "[fe80::1]:7946": true, "[fe80::1%eth0]:7946": true,
		"[::ffff:10.0.0.7]:7946": true, "255.255.255.254:7": true, "1.0.0.0:7": true,

		"10.0.0.7:0": false, "[2001:db8::1]:0": false, "0.0.0.0:7946": false, "0.1.2.3:7946": false, "[::]:7946": false,
		"[::ffff:0.0.0.0]:7946": false, "224.0.0.1:7946": false, "239.255.255.255:7946": false, "[::ffff:224.0.0.251]:5353": false,
		"[ff02::1]:7946": false, "[ff02::1%eth0]:7946": false, "[ff0e::1]:7946": false, "255.255.255.255:7946": false,
		"[::ffff:255.255.255.255]:7946": false,
	} {
		if got := Dialable(netip.MustParseAddrPort(text)); got != want {
			t.Errorf("%s: %v", text, got)
		}
	}
	if Dialable(netip.AddrPort{}) {
		t.Error("no address can be dialled")
	}
}
