package attack

import (
	"bytes"
	"net/netip"
	"sync"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine"
	"github.com/quidnunc/quidnunc/sched"
)

// tap is a Poller between engines and their sockets: it records what arrives,
// and lets datagrams arrive from any source.
type tap struct {
	batch.Poller
	mu    sync.Mutex
	conns map[batch.Conn]*tapConn
}

// seen is a datagram as it arrived.
type seen struct {
	from, to netip.AddrPort
	data     []byte
}

type tapConn struct {
	batch.Conn
	tap    *tap
	forged []seen // guarded by tap.mu, as are the others
	record []seen
	most   int // datagrams recorded
	sent   map[netip.AddrPort]int
}

func newTap() (t *tap, lock bool) {
	p, lock := engine.Sockets(batch.Idle{})
	return &tap{Poller: p, conns: map[batch.Conn]*tapConn{}}, lock
}

func (t *tap) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	under, err := t.Poller.Listen(bind, opt)
	if err != nil {
		return nil, err
	}
	c := &tapConn{Conn: under, tap: t, sent: map[netip.AddrPort]int{}}
	t.mu.Lock()
	t.conns[under] = c
	t.mu.Unlock()
	return c, nil
}

func (t *tap) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	t.mu.Lock()
	for _, c := range t.conns {
		if len(c.forged) > 0 {
			deadline = 0
		}
	}
	t.mu.Unlock()
	n, err := t.Poller.Wait(deadline, ready)
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range ready[:n] {
		if c := t.conns[ready[i]]; c != nil {
			ready[i] = c
		}
	}
	for _, c := range t.conns {
		listed := false
		for _, r := range ready[:n] {
			listed = listed || r == batch.Conn(c)
		}
		if len(c.forged) > 0 && !listed && n < len(ready) {
			ready[n] = c
			n++
		}
	}
	return n, err
}

// forge lets a datagram arrive at an engine as if it came from a source.
func (t *tap) forge(from, to netip.AddrPort, data []byte) {
	c := t.at(to)
	t.mu.Lock()
	c.forged = append(c.forged, seen{from, to, bytes.Clone(data)})
	t.mu.Unlock()
	t.Wake()
}

func (t *tap) at(addr netip.AddrPort) *tapConn {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.conns {
		if c.LocalAddr() == addr {
			return c
		}
	}
	panic("no engine at " + addr.String())
}

// recordAt keeps the next datagrams that arrive at an engine.
func (t *tap) recordAt(addr netip.AddrPort, most int) {
	c := t.at(addr)
	t.mu.Lock()
	c.record, c.most = nil, most
	t.mu.Unlock()
}

func (t *tap) recorded(addr netip.AddrPort) []seen {
	c := t.at(addr)
	t.mu.Lock()
	defer t.mu.Unlock()
	return append([]seen(nil), c.record...)
}

// sentTo is how many bytes an engine has sent to an address.
func (t *tap) sentTo(from, to netip.AddrPort) int {
	c := t.at(from)
	t.mu.Lock()
	defer t.mu.Unlock()
	return c.sent[to]
}

func (c *tapConn) Recv(ms []batch.Msg) (n int, err error) {
	c.tap.mu.Lock()
	for n < len(ms) && len(c.forged) > 0 {
		f := c.forged[0]
		c.forged = c.forged[1:]
		ms[n].N, ms[n].Addr = copy(ms[n].Buf, f.data), f.from
		n++
	}
	c.tap.mu.Unlock()
	k, err := c.Conn.Recv(ms[n:])
	c.tap.mu.Lock()
	defer c.tap.mu.Unlock()
	for i := range ms[n : n+k] {
		if m := &ms[n+i]; len(c.record) < c.most {
			c.record = append(c.record, seen{m.Addr, c.LocalAddr(), bytes.Clone(m.Buf[:m.N])})
		}
	}
	return n + k, err
}

func (c *tapConn) Send(ms []batch.Msg) (int, error) {
	n, err := c.Conn.Send(ms)
	c.tap.mu.Lock()
	for i := range ms[:n] {
		c.sent[ms[i].Addr] += ms[i].N
	}
	c.tap.mu.Unlock()
	return n, err
}

func (c *tapConn) Close() error {
	c.tap.mu.Lock()
	delete(c.tap.conns, c.Conn)
	c.tap.mu.Unlock()
	return c.Conn.Close()
}
