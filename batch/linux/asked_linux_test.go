package linux

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
)

// An answer leaves from the address that was asked, whichever the route would choose.
func TestAnswersLeaveFromTheAddressAsked(t *testing.T) {
	f := func(bind, from string, opt batch.Options) {
		t.Helper()
		p, err := newPoller(batch.PollerOptions{}, probed())
		if err != nil {
			t.Skip(err)
		}
		b := &batchtest.Bench{TB: t, Poller: p}
		server := b.Open(netip.MustParseAddrPort(bind), opt)
		client := b.Open(netip.MustParseAddrPort(from), batch.Options{})
		for _, host := range []string{"127.0.0.2", "127.0.0.1", "127.9.9.9", "127.0.0.2"} {
			asked := netip.AddrPortFrom(netip.MustParseAddr(host), server.LocalAddr().Port())
			out, in := batchtest.Messages(3, 100), batchtest.Messages(3, 100)
			for i := range out {
				batchtest.Fill(&out[i], 50, byte(i), asked)
			}
			b.Send(client, out)
			b.Collect(server, in)
			for i := range in {
				batchtest.Fill(&out[i], 50, byte(i), in[i].Addr)
			}
			b.Send(server, out) // segmented where that is on
			b.Collect(client, in)
			for i := range in {
				if in[i].Addr != asked {
					t.Errorf("%s, %+v: %v was asked, %v answers", bind, opt, asked, in[i].Addr)
				}
			}
		}
	}
	for _, bind := range []string{"0.0.0.0:0", "[::]:0"} {
		f(bind, "127.0.0.1:0", batch.Options{})
		f(bind, "127.0.0.1:0", batch.Options{GRO: batch.On})
	}
}

// A host that has lost the address that was asked answers from another one.
func TestLostAddressIsForgotten(t *testing.T) {
	p, err := newPoller(batch.PollerOptions{}, probed())
	if err != nil {
		t.Skip(err)
	}
	for _, bind := range []string{"0.0.0.0:0", "[::]:0"} {
		b := &batchtest.Bench{TB: t, Poller: p}
		server := b.Open(netip.MustParseAddrPort(bind), batch.Options{}).(*Conn)
		client := b.Open(netip.MustParseAddrPort("127.0.0.1:0"), batch.Options{})
		var to name
		if !server.family.put(&to, client.LocalAddr(), new(zones)) {
			t.Fatal("not reachable")
		}
		peer := server.family.key(&to)
		server.asked.note(peer, netip.MustParseAddr("192.0.2.7").As16(), 0)
		out, in := batchtest.Messages(5, 100), batchtest.Messages(5, 100)
		for i := range out {
			batchtest.Fill(&out[i], 50+i%2, byte(i), client.LocalAddr())
		}
		b.Send(server, out)
		b.Collect(client, in)
		if server.asked.of(peer) != nil {
			t.Errorf("%s: it is still remembered", bind)
		}
	}
}

func TestAskedIsBounded(t *testing.T) {
	var a asked
	peer := func(i int) peerKey {
		var n name
		dual.put(&n, netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}), 7946), new(zones))
		return dual.key(&n)
	}
	local := netip.MustParseAddr("192.0.2.7").As16()
	known := 0
	if n := testing.AllocsPerRun(1, func() {
		for i := range 300 {
			a.note(peer(i), local, 3)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
	for i := range 300 {
		if p := a.of(peer(i)); p != nil && p.local == local && p.iface == 0 {
			known++
		}
	}
	if known < 200 {
		t.Errorf("%d of 300 peers are remembered", known)
	}
	a.note(peer(1), netip.MustParseAddr("fe80::1").As16(), 3)
	if p := a.of(peer(1)); p == nil || p.iface != 3 {
		t.Errorf("the interface of a link-local address is lost: %+v", p)
	}
}
