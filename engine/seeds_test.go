package engine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
)

// fakeDNS answers from two tables and remembers how often it was asked.
type fakeDNS struct {
	hosts map[string][]string
	srv   map[string][]*net.SRV
}

var errNoSuchHost = errors.New("no such host")

func (d *fakeDNS) LookupNetIP(_ context.Context, _, host string) (out []netip.Addr, err error) {
	ips, ok := d.hosts[host]
	if !ok {
		return nil, errNoSuchHost
	}
	for _, ip := range ips {
		out = append(out, netip.MustParseAddr(ip))
	}
	return out, nil
}

func (d *fakeDNS) LookupSRV(_ context.Context, _, _, name string) (string, []*net.SRV, error) {
	records, ok := d.srv[name]
	if !ok {
		return "", nil, errNoSuchHost
	}
	return name, records, nil
}

func TestSeeds(t *testing.T) {
	dns := &fakeDNS{
		hosts: map[string][]string{
			"web":   {"10.0.0.1", "::ffff:10.0.0.1", "2001:db8::1"},
			"a.web": {"10.0.0.2"},
			"empty": {},

			"groups": {"224.0.0.1", "10.0.0.3", "ff0e::1", "0.0.0.1"},
		},
		srv: map[string][]*net.SRV{
			"_gossip._udp.web":  {{Target: "a.web.", Port: 7000}, {Target: "gone.", Port: 7001}, {Target: "web.", Port: 7002}},
			"_gossip._udp.gone": {{Target: "gone.", Port: 7001}},
		},
	}
	f := func(text, want string) {
		t.Helper()
		s, err := parseSeed(text)
		var addrs []netip.AddrPort
		if err == nil {
			addrs, err = s.resolve(t.Context(), dns)
		}
		got := strings.Trim(fmt.Sprint(addrs), "[]")
		if len(addrs) == 1 {
			got = addrs[0].String()
		}
		if err != nil {
			got = "error: " + err.Error()
		}
		if len(addrs) > 1 {
			got = fmt.Sprint(addrs)
		}
		if !strings.Contains(got, want) || want == "" {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	f("10.0.0.7:7946", "10.0.0.7:7946")
	f("10.0.0.7", "10.0.0.7:7946")
	f("::1", "[::1]:7946")
	f("[::1]:80", "[::1]:80")
	f("[::ffff:10.0.0.7]:80", "10.0.0.7:80")
	f("web:80", "[10.0.0.1:80 [2001:db8::1]:80]")
	f("dns://web:80", "[10.0.0.1:80 [2001:db8::1]:80]")
	f("a.web", "10.0.0.2:7946")
	f("dns+srv://_gossip._udp.web", "[10.0.0.2:7000 10.0.0.1:7002 [2001:db8::1]:7002]")
	f("dns+srv://_gossip._udp.gone", "error: no such host")
	f("dns+srv://other", "error: no such host")
	f("dns+srv://", "error: want")
	f("dns+srv://a:1", "error: want")
	f("http://web:80", "error: want")
	f("gone:1", "error: no such host")
	f("empty:1", "error: no address records")
	f("web:0", `error: port "0"`)
	f("web:99999", `error: port "99999"`)
	f(":80", "error: want")
	f("", "error: want")
	f("0.0.0.0:80", "error: an unspecified address")
	f("224.0.0.1:80", "error: a group")
	f("[ff02::1]:80", "error: a group")
	f("255.255.255.255", "error: a group")
	f("groups:80", "10.0.0.3:80")
}

// A DNS answer is data from outside: it is bounded.
func TestSeedAddressesAreBounded(t *testing.T) {
	dns := &fakeDNS{hosts: map[string][]string{}}
	for i := range 1000 {
		dns.hosts["many"] = append(dns.hosts["many"], fmt.Sprintf("10.0.%d.%d", i/256, i%256))
	}
	addrs, err := seed{kind: seedHost, host: "many", port: 1}.resolve(t.Context(), dns)
	if err != nil || len(addrs) != seedAddrsMax {
		t.Errorf("%d addresses, %v", len(addrs), err)
	}
}

func FuzzParseSeed(f *testing.F) {
	for _, s := range []string{"a:1", "dns://a", "dns+srv://_a._udp.b", "[::1]:2", "::1", "10.0.0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSeed(text)
		if err == nil && s.kind == seedLiteral && (!s.addr.IsValid() || s.addr.Port() == 0) {
			t.Errorf("%q gives %v", text, s.addr)
		}
	})
}

// TestWhyAServiceHasNoAddress: where no record is there, that is said; where records are there and
// their hosts are not, what became of those is said, of each, and nothing else.
func TestWhyAServiceHasNoAddress(t *testing.T) {
	dns := &fakeDNS{
		hosts: map[string][]string{"empty": {}},
		srv:   map[string][]*net.SRV{"_none": {}, "_gone": {{Target: "gone.", Port: 1}, {Target: "empty.", Port: 1}}},
	}
	for name, want := range map[string]string{"_none": "no SRV records", "_gone": errNoSuchHost.Error() + "\nno address records"} {
		if got, err := (seed{host: name}).resolveSRV(t.Context(), dns); err == nil || err.Error() != want || got != nil {
			t.Errorf("%s: %v, %v, want %q", name, got, err, want)
		}
	}
}
