package simnet

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Conn is one socket. It implements batch.Conn. Everything is guarded by the
// network's mutex.
type Conn struct {
	poller *Poller
	local  netip.AddrPort
	any    bool // bound to a wildcard
	v6     bool // bound to an address of the other family
	node   int
	slot   int // longest datagram received
	limit  int // bytes of receive buffer, as the kernel charges them
	closed bool

	flights sched.Heap[flight] // on the way
	inbox   inbox              // arrived
	charged int                // of the inbox
	stats   batch.Stats
	said    []batch.Report // at most batch.ReportsMax
	heard   bool           // of something that Recv has not seen
}

var _ batch.Conn = (*Conn)(nil)

// Node is the number that the model knows this socket by.
func (c *Conn) Node() int { return c.node }

// LocalAddr implements batch.Conn.
func (c *Conn) LocalAddr() netip.AddrPort { return c.local }

// arrive moves what has arrived into the inbox, in order, and drops what finds
// the receive buffer full. Between two calls nothing leaves the inbox, so that
// looking late decides as looking at once would.
func (c *Conn) arrive(now sched.Instant) {
	for len(c.flights) > 0 && c.flights[0].at <= now {
		f := c.flights.Pop()
		if f.said {
			c.hear(batch.Report{Kind: batch.Refused, Addr: f.from})
			continue
		}
		switch charge := ChargedBytes(len(f.data)); {
		case c.charged+charge > c.limit:
			c.stats.KernelDrops++
			c.poller.net.release(f.data)
		case len(f.data) > c.slot:
			c.stats.Oversize++
			c.poller.net.release(f.data)
		default:
			c.charged += charge
			c.inbox.push(f)
		}
	}
}

// hear keeps a report; the oldest gives way.
func (c *Conn) hear(r batch.Report) {
	if len(c.said) == batch.ReportsMax {
		c.said = append(c.said[:0], c.said[1:]...)
	}
	c.said, c.heard = append(c.said, r), true
}

// Reports implements batch.Reporter.
func (c *Conn) Reports(rs []batch.Report) int {
	net := c.poller.net
	net.mu.Lock()
	defer net.mu.Unlock()
	n := copy(rs, c.said)
	c.said = append(c.said[:0], c.said[n:]...)
	return n
}

// Recv implements batch.Conn.
func (c *Conn) Recv(ms []batch.Msg) (n int, err error) {
	net := c.poller.net
	net.mu.Lock()
	defer net.mu.Unlock()
	if c.closed {
		return 0, batch.ErrClosed
	}
	c.stats.RecvCalls++
	c.arrive(net.now())
	c.heard = false
	for n < len(ms) && c.inbox.len() > 0 {
		f := c.inbox.pop()
		c.charged -= ChargedBytes(len(f.data))
		if m := &ms[n]; len(f.data) <= len(m.Buf) {
			m.N, m.Addr = copy(m.Buf, f.data), f.from
			c.stats.Received++
			c.stats.ReceivedBytes += uint64(m.N)
			n++
		} else {
			c.stats.Oversize++
		}
		net.release(f.data)
	}
	return n, nil
}

// Send implements batch.Conn. The socket is never full. A datagram to an
// address that nobody has bound is sent, and lost.
func (c *Conn) Send(ms []batch.Msg) (n int, err error) {
	net := c.poller.net
	net.mu.Lock()
	defer net.mu.Unlock()
	if c.closed {
		return 0, batch.ErrClosed
	}
	c.stats.SendCalls++
	now := net.now()
	for ; n < len(ms); n++ {
		m := &ms[n]
		to := netip.AddrPortFrom(m.Addr.Addr().Unmap(), m.Addr.Port())
		if kind, refused := c.refuses(to, m.N); refused {
			c.stats.SendErrors[kind]++
			return n, kind
		}
		net.carry(now, c, m.Buf[:m.N], to)
		c.stats.Sent++
		c.stats.SentBytes += uint64(m.N)
	}
	return n, nil
}

func (c *Conn) refuses(to netip.AddrPort, bytes int) (batch.ErrorKind, bool) {
	switch {
	case !to.Addr().IsValid(), to.Port() == 0:
		return batch.OtherError, true
	case to.Addr().Is6() != c.v6 && !(c.any && c.v6):
		return batch.Unreachable, true
	case bytes > batch.DatagramBytesMax:
		return batch.TooLong, true
	}
	return 0, false
}

// Stats implements batch.Conn.
func (c *Conn) Stats(s *batch.Stats) {
	c.poller.net.mu.Lock()
	defer c.poller.net.mu.Unlock()
	c.arrive(c.poller.net.now())
	c.stats.KernelReads++
	*s = c.stats
	s.ReceiveQueueBytes, s.ReceiveBufferBytes = uint64(c.charged), uint64(c.limit)
}

// Close implements batch.Conn.
func (c *Conn) Close() error {
	net := c.poller.net
	net.mu.Lock()
	defer net.mu.Unlock()
	if c.closed {
		return batch.ErrClosed
	}
	c.closed = true
	delete(net.conns, c.local)
	c.poller.forget(c)
	return nil
}
