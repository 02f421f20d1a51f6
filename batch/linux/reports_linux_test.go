package linux

import (
	"net"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"
	"github.com/quidnunc/quidnunc/sched"
)

// closedPort is an address at which nobody listens.
func closedPort(t *testing.T, ip string) netip.AddrPort {
	u, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(ip), 0)))
	if err != nil {
		t.Skip(err)
	}
	defer u.Close()
	a := u.LocalAddr().(*net.UDPAddr).AddrPort()
	return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
}

// What a host says of a closed port comes as a report, and costs no other
// datagram: neither one that leaves next nor one that arrives next.
func TestClosedPortIsReported(t *testing.T) {
	f := func(bind, host string) {
		t.Helper()
		p, err := newPoller(batch.PollerOptions{}, probed())
		if err != nil {
			t.Skip(err)
		}
		b := &batchtest.Bench{TB: t, Poller: p}
		from := b.Open(netip.MustParseAddrPort(bind), batch.Options{})
		to := b.Open(netip.AddrPortFrom(netip.MustParseAddr(host), 0), batch.Options{})
		gone := closedPort(t, host)
		out, in := batchtest.Messages(40, 100), batchtest.Messages(40, 100)
		for i := range out {
			addr := to.LocalAddr()
			if i%2 == 0 {
				addr = gone
			}
			batchtest.Fill(&out[i], 20+i, byte(i), addr)
		}
		b.Send(from, out)
		b.Collect(to, in[:20])
		reports := make([]batch.Report, batch.ReportsMax)
		n, ready := 0, make([]batch.Conn, 8)
		for end := p.Now() + 2*sched.Second; n == 0 && p.Now() < end; {
			if k, err := p.Wait(end, ready); err != nil || k == 0 {
				t.Fatalf("%s: %d, %v", bind, k, err)
			}
			if k, err := from.Recv(in); k != 0 || err != nil {
				t.Fatal(k, err)
			}
			n = from.(batch.Reporter).Reports(reports)
		}
		for _, r := range reports[:n] {
			if r != (batch.Report{Kind: batch.Refused, Addr: gone}) {
				t.Errorf("%s: %+v, want that %v is closed", bind, r, gone)
			}
		}
		if k, err := p.Wait(p.Now()+20*sched.Millisecond, ready); k != 0 || err != nil {
			t.Errorf("%s: reported again when nothing was there: %d, %v", bind, k, err)
		}
		var s batch.Stats
		if from.Stats(&s); s.Sent != 40 || s.Errors() != 0 {
			t.Errorf("%s: %d of 40 sent, errors %v", bind, s.Sent, s.SendErrors)
		}
	}
	f("127.0.0.1:0", "127.0.0.1")
	f("0.0.0.0:0", "127.0.0.1")
	f("[::]:0", "127.0.0.1")
	f("[::]:0", "::1")
	f("[::1]:0", "::1")
}
