package portable

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/ring"
)

// slotsDefault times batch.SlotBytesDefault is 256 KiB for a Conn.
const slotsDefault = 128

// errorsInRowMax failed receives in a row make the reader pause between two
// tries, so that a broken socket does not spend a core.
const (
	errorsInRowMax = 8
	errorPause     = time.Millisecond
)

// Conn is one net.UDPConn with a reader goroutine.
type Conn struct {
	poller  *Poller
	udp     *net.UDPConn
	local   netip.AddrPort
	inbox   inbox
	slot    int // longest datagram received
	notices []string
	quit    chan struct{} // closed by Close
	gone    chan struct{} // closed by the reader when it has left
	bad     int           // receives in a row that failed; the reader's

	sent, sentBytes, received, receivedBytes atomic.Uint64
	oversize, recvErrors                     atomic.Uint64
	sendErrors                               [batch.ErrorKinds]atomic.Uint64
}

// Listen implements batch.Poller.
func (p *Poller) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	if p.done.Load() {
		return nil, batch.ErrClosed
	}
	network, err := family(bind)
	if err != nil {
		return nil, err
	}
	udp, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(bind))
	if err != nil {
		return nil, fmt.Errorf("batch: cannot bind %v: %w", bind, err)
	}
	c := newConn(p, udp, opt.WithDefaults())
	p.conns.Change(func(cs []*Conn) []*Conn { return append(cs, c) })
	go c.read()
	return c, nil
}

// family names the network that serves bind: a wildcard IPv6 address serves
// both families where the system can.
func family(bind netip.AddrPort) (string, error) {
	a := bind.Addr()
	switch {
	case !a.IsValid():
		return "", fmt.Errorf("batch: cannot bind %v: not an address", bind)
	case a.Is4():
		return "udp4", nil
	case a == netip.IPv6Unspecified():
		return "udp", nil
	default:
		return "udp6", nil
	}
}

func newConn(p *Poller, udp *net.UDPConn, opt batch.Options) *Conn {
	slots := opt.Slots
	if slots == 0 {
		slots = slotsDefault
	}
	local := udp.LocalAddr().(*net.UDPAddr).AddrPort()
	c := &Conn{
		poller: p,
		udp:    udp,
		local:  unmap(local),
		slot:   opt.SlotBytes,
		quit:   make(chan struct{}),
		gone:   make(chan struct{}),
	}
	c.inbox.init(slots, opt.SlotBytes+1) // one more byte shows what is too long
	c.notices = setBuffers(udp, opt)
	return c
}

// setBuffers asks for the buffer sizes, for half as much where the system
// refuses, and says what it got.
func setBuffers(udp *net.UDPConn, opt batch.Options) (notices []string) {
	f := func(name string, bytes int, set func(int) error) {
		for n := bytes; n >= 4096; n /= 2 {
			if set(n) != nil {
				continue
			}
			if n < bytes {
				notices = append(notices, fmt.Sprintf("%s buffer: %d bytes wanted, %d granted; raise the system's limit", name, bytes, n))
			}
			return
		}
	}
	f("receive", opt.ReceiveBufferBytes, udp.SetReadBuffer)
	f("send", opt.SendBufferBytes, udp.SetWriteBuffer)
	return notices
}

// unmap shows IPv4 as IPv4.
func unmap(a netip.AddrPort) netip.AddrPort {
	if a.Addr().Is4In6() {
		return netip.AddrPortFrom(a.Addr().Unmap(), a.Port())
	}
	return a
}

// read is the reader goroutine.
func (c *Conn) read() {
	defer close(c.gone)
	for {
		slot, ok := c.inbox.free(c.quit)
		if !ok {
			return
		}
		n, from, err := c.udp.ReadFromUDPAddrPort(c.inbox.slots.Bytes(slot))
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if c.took(slot, n, from, err) {
			time.Sleep(errorPause)
		}
	}
}

// took takes what a receive into a slot gave. It reports whether the reader is to pause before the next.
func (c *Conn) took(slot ring.Handle, n int, from netip.AddrPort, err error) (pause bool) {
	if err != nil && !tooLong(err) {
		c.inbox.slots.Put(slot)
		c.recvErrors.Add(1)
		c.bad++
		return c.bad > errorsInRowMax
	}
	c.bad = 0
	if err != nil || n > c.slot {
		c.inbox.slots.Put(slot)
		c.oversize.Add(1)
		return false
	}
	c.inbox.publish(slot, n, unmap(from))
	c.poller.arrived()
	return false
}

// Recv implements batch.Conn.
func (c *Conn) Recv(ms []batch.Msg) (n int, err error) {
	if err := c.closed(); err != nil {
		return 0, err
	}
	var bytes int
	for n < len(ms) {
		m := &ms[n]
		size, from, fits, ok := c.inbox.take(m.Buf)
		if !ok {
			break
		}
		if !fits {
			c.oversize.Add(1)
			continue
		}
		m.N, m.Addr = size, from
		bytes += size
		n++
	}
	c.inbox.refill()
	if n > 0 {
		c.received.Add(uint64(n))
		c.receivedBytes.Add(uint64(bytes))
	}
	return n, nil
}

// Send implements batch.Conn.
func (c *Conn) Send(ms []batch.Msg) (n int, err error) {
	if err := c.closed(); err != nil {
		return 0, err
	}
	var bytes int
	for ; n < len(ms); n++ {
		m := &ms[n]
		if _, werr := c.udp.WriteToUDPAddrPort(m.Buf[:m.N], m.Addr); werr != nil {
			if err = c.closed(); err == nil {
				kind := kindOf(werr)
				c.sendErrors[kind].Add(1)
				err = kind
			}
			break
		}
		bytes += m.N
	}
	c.sent.Add(uint64(n))
	c.sentBytes.Add(uint64(bytes))
	return n, err
}

// LocalAddr implements batch.Conn.
func (c *Conn) LocalAddr() netip.AddrPort { return c.local }

// Notices implements batch.Noticer.
func (c *Conn) Notices() []string { return c.notices }

// Stats implements batch.Conn. A system call is made for each datagram, so
// SendCalls and RecvCalls equal the datagrams.
func (c *Conn) Stats(s *batch.Stats) {
	*s = batch.Stats{
		Sent:          c.sent.Load(),
		SentBytes:     c.sentBytes.Load(),
		Received:      c.received.Load(),
		ReceivedBytes: c.receivedBytes.Load(),
		Oversize:      c.oversize.Load(),
		RecvErrors:    c.recvErrors.Load(),
	}
	s.SendCalls, s.RecvCalls = s.Sent, s.Received
	for k := range s.SendErrors {
		s.SendErrors[k] = c.sendErrors[k].Load()
	}
}

// Close implements batch.Conn. It returns after the reader has left.
func (c *Conn) Close() error {
	if c.closed() != nil {
		return batch.ErrClosed
	}
	close(c.quit)
	c.poller.conns.Change(func(cs []*Conn) []*Conn {
		return slices.DeleteFunc(cs, func(o *Conn) bool { return o == c })
	})
	err := c.udp.Close()
	<-c.gone
	return err
}

func (c *Conn) closed() error {
	select {
	case <-c.quit:
		return batch.ErrClosed
	default:
		return nil
	}
}
