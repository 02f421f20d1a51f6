package main

import (
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// link gives a host another device, with one IPv6 address that is of its link alone, and gives what
// leaves it. The device is there when the host's namespace is, and no longer.
func (h *host) link(name string, addr netip.Addr) (tun *os.File, err error) {
	err = h.in(func() (err error) {
		tun, err = openLink(name, addr)
		return err
	})
	return tun, err
}

// openLink is called from the thread of the host.
func openLink(name string, addr netip.Addr) (*os.File, error) {
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	err = change(name, func(r *unix.Ifreq) error {
		r.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		return unix.IoctlIfreq(fd, unix.TUNSETIFF, r)
	})
	tun := os.NewFile(uintptr(fd), "tun")
	const noneOfItsOwn = "1"
	err = errors.Join(err, os.WriteFile("/proc/sys/net/ipv6/conf/"+name+"/addr_gen_mode", []byte(noneOfItsOwn), 0), up(name), address6(name, addr))
	if err != nil {
		tun.Close()
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return tun, nil
}

// address6 gives a device an address.
func address6(name string, addr netip.Addr) error {
	var index uint32
	err := change(name, func(r *unix.Ifreq) error {
		err := ask(unix.SIOCGIFINDEX, r)
		index = r.Uint32()
		return err
	})
	if err != nil {
		return err
	}
	fd, err := unix.Socket(unix.AF_INET6, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	r := struct { // in6_ifreq
		addr  [16]byte
		bits  uint32
		index uint32
	}{addr.As16(), 64, index}
	if _, _, no := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.SIOCSIFADDR, uintptr(unsafe.Pointer(&r))); no != 0 {
		return no
	}
	return nil
}

// joinLinks carries packets from one device to the other and back, until one is closed.
func joinLinks(a, b *os.File) {
	carry := func(from, to *os.File) {
		buf := make([]byte, 1<<16)
		for {
			n, err := from.Read(buf)
			if err != nil {
				return
			}
			to.Write(buf[:n])
		}
	}
	go carry(a, b)
	go carry(b, a)
}

// linked gives two hosts a link of that name, and the same two addresses as on any other link.
func (c *cluster) linked(t *testing.T, name string, i, j int, first, second netip.Addr) (a, b *os.File) {
	t.Helper()
	a, err := c.hosts[i].link(name, first)
	allowed(t, err)
	b, err = c.hosts[j].link(name, second)
	allowed(t, err)
	t.Cleanup(func() { a.Close(); b.Close() })
	joinLinks(a, b)
	return a, b
}

var fe80 = [...]netip.Addr{netip.MustParseAddr("fe80::1"), netip.MustParseAddr("fe80::2")}

// everywhere starts a member at all addresses of its host, without seeds.
func (c *cluster) everywhere(t *testing.T, places ...int) {
	t.Helper()
	for _, i := range places {
		if err := c.bootAs(i, order{Do: "start", Name: nameOf(i), Bind: fmt.Sprintf(":%d", port), Rate: c.rate}); err != nil {
			t.Fatal(err)
		}
	}
}

// joins makes a member join seeds, of which so many take it in.
func (c *cluster) joins(t *testing.T, i, want int, seeds ...string) {
	t.Helper()
	r, err := c.members[i].tell(order{Do: "join", Seeds: seeds})
	if err != nil || r.Joined != want {
		t.Errorf("%s joins %v: %d, %v", nameOf(i), seeds, r.Joined, err)
	}
}

// Two links between the same two members, with the same two addresses on both: they are told apart by
// their zones, and when one goes the other is used.
func TestTwoLinksWithTheSameAddresses(t *testing.T) {
	c := newCluster(t, 2)
	a, b := c.linked(t, "link0", 0, 1, fe80[0], fe80[1])
	c.linked(t, "link1", 0, 1, fe80[0], fe80[1])
	c.everywhere(t, 0, 1)
	c.joins(t, 0, 2, "[fe80::2%link0]:7946", "[fe80::2%link1]:7946")
	first := c.agree(t, everybody)
	a.Close()
	b.Close()
	began := time.Now()
	w := everybody
	w.doubts = func(int, int) bool { return true } // until the other link is found
	c.agree(t, w)
	c.agree(t, everybody)
	t.Logf("all news after %v; over the other link %v after the first one went", first, time.Since(began))
}

// A member between two links, and on both another one with the same address: both are members to it
// and it to both, what the one writes comes to the other by it, and the two, who can't reach each
// other, show each other as unknown.
func TestAMemberBetweenTwoLinks(t *testing.T) {
	c := newCluster(t, 3)
	c.linked(t, "link0", 0, 1, fe80[0], fe80[1])
	c.linked(t, "link1", 2, 1, fe80[0], fe80[1])
	c.everywhere(t, 0, 1, 2)
	c.joins(t, 0, 1, "[fe80::2%link0]:7946")
	c.joins(t, 2, 1, "[fe80::2%link1]:7946")
	c.agreeBut(t, func(by, about int) bool { return by != 1 && about != 1 })
}

// agreeBut waits until all have all news, and show each other as alive, or as unknown where they
// can't reach each other.
func (c *cluster) agreeBut(t *testing.T, apart func(by, about int) bool) {
	t.Helper()
	w := everybody
	w.apart = apart
	took := c.agree(t, w)
	owns, err := c.all(order{Do: "report"}, nobody)
	for began := time.Now(); ; passes(tickEvery) {
		if err != nil {
			t.Fatal(err)
		}
		missing := ""
		var reports []report
		reports, err = c.all(order{Do: "report"}, nobody)
		for i, r := range reports {
			for j, own := range owns {
				if s := r.Sees[own.Name]; r.Name != "" && own.Name != "" && i != j && apart(i, j) && (s.State != "unknown" || !s.has(own.Own, false)) {
					missing = fmt.Sprintf("%s shows %s as %+v, which was at %+v", r.Name, own.Name, s, own.Own)
				}
			}
		}
		if missing == "" {
			t.Logf("all news after %v, and of those who are apart after %v", took, time.Since(began))
			return
		}
		if time.Since(began) > patience {
			t.Fatal(missing)
		}
	}
}

// beside starts another member on a host, bound somewhere of its own.
func (c *cluster) beside(t *testing.T, i int, bind string) (place int) {
	t.Helper()
	p, err := spawn(c.hosts[i])
	if err != nil {
		t.Fatal(err)
	}
	place = len(c.members)
	c.members = append(c.members, p)
	if _, err := p.tell(order{Do: "start", Name: nameOf(place), Bind: bind, Rate: c.rate}); err != nil {
		t.Fatal(err)
	}
	return place
}

// A member that is bound to the loopback address of its host is a member to those on this host,
// wherever they are bound. Others hear of it by these and have its news, and it theirs; they show each
// other as unknown. Its Join of somebody elsewhere says why that comes to nothing.
func TestLoopbackBesideOthers(t *testing.T) {
	c := newCluster(t, 2)
	c.start()
	c.everywhere(t, 1)
	loop := c.beside(t, 0, "127.0.0.1:7947")
	lan := c.beside(t, 0, "10.99.0.1:7948")
	every := c.beside(t, 0, ":7949")
	c.joins(t, lan, 1, "127.0.0.1:7947")
	c.joins(t, every, 1, "127.0.0.1:7947")
	c.joins(t, lan, 1, "10.99.0.2:7946")
	_, err := c.members[loop].tell(order{Do: "join", Seeds: []string{"10.99.0.2:7946"}})
	if err == nil || !strings.Contains(err.Error(), "loopback") {
		t.Errorf("Join of somebody on another host: %v", err)
	}
	c.agreeBut(t, func(by, about int) bool { return by+about == 1+loop && by*about == loop })
}
