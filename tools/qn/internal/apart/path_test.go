package apart

import (
	"net"
	"net/netip"
	"testing"
	"time"
)

// Members reach each other by the path's addresses, unless a cut or a loss is between them;
// strangers reach nobody.
func TestPath(t *testing.T) {
	p, err := newPath(2)
	if err != nil {
		t.Fatal(err)
	}
	defer p.close()
	var socks [3]*net.UDPConn
	for i := range socks {
		if socks[i], err = net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}); err != nil {
			t.Fatal(err)
		}
		defer socks[i].Close()
		if i < 2 {
			p.place(i, netip.MustParseAddrPort(socks[i].LocalAddr().String()))
		}
	}
	at := netip.MustParseAddrPort(p.addr(1))
	send := func(from int, text string) {
		t.Helper()
		if _, err := socks[from].WriteToUDPAddrPort([]byte(text), at); err != nil {
			t.Fatal(err)
		}
	}
	buf := make([]byte, 16)
	next := func() (string, string) {
		t.Helper()
		socks[1].SetReadDeadline(time.Now().Add(5 * time.Second))
		n, from, err := socks[1].ReadFromUDPAddrPort(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n]), from.String()
	}
	send(2, "stranger")
	send(0, "a")
	if text, from := next(); text != "a" || from != p.addr(0) {
		t.Errorf("%q from %s", text, from)
	}
	lost := func(r rules) {
		t.Helper()
		was := p.lost.Load()
		p.rules.Store(&r)
		send(0, "lost")
		for end := time.Now().Add(5 * time.Second); p.lost.Load() == was; {
			if time.Now().After(end) {
				t.Fatal("it was passed on")
			}
		}
	}
	lost(rules{group: []int{0, 1}})
	lost(rules{group: []int{0, 0}, loss: 1})
	p.rules.Store(&rules{group: []int{0, 0}})
	send(0, "b")
	if text, _ := next(); text != "b" {
		t.Errorf("%q", text)
	}
}
