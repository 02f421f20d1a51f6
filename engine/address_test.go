package engine

import (
	"net/netip"
	"strings"
	"testing"
)

// Every spelling means the same in a seed, in Bind and in Advertise, or is
// refused in all of them.
func TestSpellingsOfAddresses(t *testing.T) {
	f := func(text, want string) {
		t.Helper()
		a, err := parseAddress(text)
		got := a.name
		switch {
		case err != nil:
			got = "error: " + err.Error()
		case a.ip.IsValid():
			got = a.ip.String()
			if a.port >= 0 {
				got = netip.AddrPortFrom(a.ip, uint16(a.port)).String()
			}
		case a.port >= 0:
			got += ":" + string(rune('0'+a.port))
		}
		if got != want && (!strings.HasPrefix(want, "error") || !strings.Contains(got, strings.TrimPrefix(want, "error: "))) {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("10.0.0.7", "10.0.0.7")
	f("10.0.0.7:80", "10.0.0.7:80")
	f(" 10.0.0.7:80\n", "10.0.0.7:80")
	f("10.0.0.7:0", "10.0.0.7:0")
	f(":7", ":7")
	f("::", "::")
	f("::1", "::1")
	f("2001:DB8::1", "2001:db8::1")
	f("[::1]", "::1")
	f("[::1]:80", "[::1]:80")
	f("[0:0:0:0:0:0:0:1]:80", "[::1]:80")
	f("[::1%lo]:80", "[::1]:80")
	f("[fe80::1%eth0]:8000", "[fe80::1%eth0]:8000")
	f("[fe80::1%eth0.17]:8000", "[fe80::1%eth0.17]:8000")
	f("[fe80::1%3]:8000", "[fe80::1%3]:8000")
	f("[fe80::1%eth0]", "fe80::1%eth0")
	f("fe80::1%eth0", "fe80::1%eth0")
	f("[::ffff:10.0.0.7]:80", "10.0.0.7:80")
	f("[::FFFF:A00:7]:80", "10.0.0.7:80")
	f("::ffff:10.0.0.7", "10.0.0.7")
	f("localhost:7", "localhost:7")
	f("LocalHost:7", "LocalHost:7")
	f("web-1.example.:7", "web-1.example.:7")
	f("_gossip._udp.web:7", "_gossip._udp.web:7")
	f("3com:7", "3com:7")
	f("1.web", "1.web")

	f("::1:7946", "error: [::1]:7946")
	f("fe80::1:80", "error: [fe80::1]:80")
	f("fe80::1%eth0:80", "error: [address]:port")
	f("[fe80::1%eth0]:8000]", `error: port "8000]"`)
	f("[fe80::1%a:b]:80", "error: not an IPv6 address")
	f("[fe80::1%]:80", "error: not an IPv6 address")
	f("[::1:80", "error: a bracket is not closed")
	f("[::1]80", `error: "80" follows`)
	f("[::1]]:80", `error: "]:80" follows`)
	f("[10.0.0.7]:80", "error: not an IPv6 address")
	f("[web]:80", "error: not an IPv6 address")
	f("[]:80", "error: not an IPv6 address")
	f("10.0.0.07:80", "error: not an IP address")
	f("10.0.0.256:80", "error: not an IP address")
	f("127.1:80", "error: not an IP address")
	f("2130706433:80", "error: not an IP address")
	f("10.0.0.7%eth0:80", "error: neither an IP address nor a name")
	f("10.0.0.7:80,10.0.0.8:80", "error: IPv6 address")
	f("a,b:80", "error: neither an IP address nor a name")
	f("a b:80", "error: neither an IP address nor a name")
	f("-a:80", "error: neither")
	f("a..b:80", "error: neither")
	f("höhle:80", "error: neither")
	f(strings.Repeat("a", 64)+":80", "error: neither")
	f(strings.Repeat("a.", 130)+":80", "error: longer than 253")
	f("10.0.0.7:", `error: port ""`)
	f("10.0.0.7:+80", `error: port "+80"`)
	f("10.0.0.7: 80", `error: port " 80"`)
	f("10.0.0.7:080000", `error: port "080000"`)
	f("10.0.0.7:65536", `error: port "65536"`)
	f("10.0.0.7:-1", `error: port "-1"`)
	f("10.0.0.7:http", `error: port "http"`)
	f("udp://10.0.0.7", "error: port")
}

func FuzzParseAddress(f *testing.F) {
	for _, s := range []string{"a:1", "[fe80::1%eth0]:8000", "[::1]:2", "::1", "10.0.0.1", ":7"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		a, err := parseAddress(text)
		if err != nil {
			return
		}
		if a.ip.IsValid() && (a.name != "" || a.ip.Is4In6()) || a.port > 65535 {
			t.Fatalf("%q gives %+v", text, a)
		}
		if !a.ip.IsValid() || a.port < 0 {
			return
		}
		again, err := parseAddress(netip.AddrPortFrom(a.ip, uint16(a.port)).String())
		if err != nil || again != a {
			t.Errorf("%q gives %+v, and that gives %+v, %v", text, a, again, err)
		}
	})
}
