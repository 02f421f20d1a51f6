package linux

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"

	"golang.org/x/sys/unix"
)

// Conn is one UDP socket on a Poller.
type Conn struct {
	poller *Poller
	fd     int
	family family
	local  netip.AddrPort
	lease  lease
	shut   func()
	index  int   // place in the Poller's table
	serial int32 // tells apart two Conns that had the same place

	rx      receiver
	gro     *coalescer // nil: off
	pending atomic.Bool
	tx      sender
	waiting atomic.Bool // for the socket to drain
	asked   *asked      // nil: one address, or the route chooses
	said    *reporter   // nil: the kernel does not pass on what others say
	erring  atomic.Bool // its queue has something

	count counters
	lines atomic.Pointer[[]string]
}

var serials atomic.Int32

// Listen implements batch.Poller.
func (p *Poller) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	if !bind.Addr().IsValid() {
		return nil, fmt.Errorf("batch: cannot bind %v: not an address", bind)
	}
	if !p.lease.enter(p.shut) {
		return nil, batch.ErrClosed
	}
	defer p.lease.leave(p.shut)
	c, err := p.open(bind, opt.WithDefaults())
	if err != nil {
		return nil, fmt.Errorf("batch: cannot bind %v: %w", bind, err)
	}
	p.add(c)
	ev := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(c.index), Pad: c.serial}
	if err := unix.EpollCtl(p.epoll, unix.EPOLL_CTL_ADD, c.fd, &ev); err != nil {
		p.remove(c)
		unix.Close(c.fd)
		return nil, fmt.Errorf("batch: cannot watch %v: %w", bind, err)
	}
	return c, nil
}

// open makes the socket. A wildcard IPv6 address serves both families, or IPv4
// alone on a host without IPv6.
func (p *Poller) open(bind netip.AddrPort, opt batch.Options) (*Conn, error) {
	bind = netip.AddrPortFrom(bind.Addr().Unmap(), bind.Port())
	c := &Conn{poller: p, fd: -1, serial: serials.Add(1)}
	c.shut = c.giveBack
	c.lines.Store(new([]string))
	switch {
	case bind.Addr().Is4():
		c.family = four
	case bind.Addr() == netip.IPv6Unspecified():
		c.family = dual
	default:
		c.family = six
	}
	err := c.bind(bind, opt)
	if c.family == dual && (err == unix.EAFNOSUPPORT || err == unix.EADDRNOTAVAIL) {
		c.family = four
		c.notice("IPv6 is not available on this host: listening on IPv4 only")
		err = c.bind(netip.AddrPortFrom(netip.IPv4Unspecified(), bind.Port()), opt)
	}
	if err != nil {
		return nil, err
	}
	c.rx.init(c.family, p.feat.recvmmsg)
	c.tx.init(c.family, p.feat.sendmmsg)
	c.offload(opt)
	c.hear(c.family)
	c.remember(bind.Addr())
	return c, nil
}

// bind opens a socket of c's family, sets it up and binds it.
func (c *Conn) bind(to netip.AddrPort, opt batch.Options) (err error) {
	c.fd, err = unix.Socket(c.family.domain(), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.IPPROTO_UDP)
	if err != nil {
		return err
	}
	if c.family == dual {
		err = unix.SetsockoptInt(c.fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 0)
	}
	if err == nil {
		c.configure(opt)
		err = c.bindTo(to)
	}
	if err != nil {
		unix.Close(c.fd)
		c.fd = -1
	}
	return err
}

func (c *Conn) bindTo(to netip.AddrPort) error {
	var at, got unix.Sockaddr
	if c.family == four {
		at = &unix.SockaddrInet4{Port: int(to.Port()), Addr: to.Addr().As4()}
	} else {
		zone := uint32(0)
		if name := to.Addr().Zone(); name != "" {
			zone = new(zones).id(name)
		}
		at = &unix.SockaddrInet6{Port: int(to.Port()), Addr: to.Addr().As16(), ZoneId: zone}
	}
	err := unix.Bind(c.fd, at)
	if err == nil {
		got, err = unix.Getsockname(c.fd)
	}
	if err != nil {
		return err
	}
	switch got := got.(type) {
	case *unix.SockaddrInet4:
		c.local = netip.AddrPortFrom(netip.AddrFrom4(got.Addr), uint16(got.Port))
	case *unix.SockaddrInet6:
		c.local = netip.AddrPortFrom(to.Addr(), uint16(got.Port))
	}
	return nil
}

// LocalAddr implements batch.Conn.
func (c *Conn) LocalAddr() netip.AddrPort { return c.local }

// Notices implements batch.Noticer.
func (c *Conn) Notices() []string { return *c.lines.Load() }

// notice adds a line. It is rare and may allocate.
func (c *Conn) notice(line string) {
	fresh := append(slices.Clone(c.Notices()), line)
	c.lines.Store(&fresh)
}

// Close implements batch.Conn. Unlike the contract asks, it may run beside Recv
// and Send: the descriptor is closed when they are done.
func (c *Conn) Close() error {
	if !c.lease.end(c.shut) {
		return batch.ErrClosed
	}
	c.poller.remove(c)
	return nil
}

// giveBack closes the socket, which also takes it out of the epoll.
func (c *Conn) giveBack() {
	if c.pending.Swap(false) {
		c.poller.backlog.Add(-1)
	}
	unix.Close(c.fd)
}

// drain asks Wait to report c when its send buffer has room again.
func (c *Conn) drain() {
	if !c.waiting.Swap(true) {
		c.watch(unix.EPOLLIN | unix.EPOLLOUT)
	}
}

// drained is called by Wait, which reports c right after.
func (c *Conn) drained() {
	c.watch(unix.EPOLLIN)
	c.waiting.Store(false)
}

func (c *Conn) watch(events uint32) {
	if !c.poller.lease.enter(c.poller.shut) {
		return
	}
	ev := unix.EpollEvent{Events: events, Fd: int32(c.index), Pad: c.serial}
	unix.EpollCtl(c.poller.epoll, unix.EPOLL_CTL_MOD, c.fd, &ev)
	c.poller.lease.leave(c.poller.shut)
}
