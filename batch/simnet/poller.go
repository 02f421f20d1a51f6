package simnet

import (
	"fmt"
	"net/netip"
	"slices"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Poller is one host of a Network. It implements batch.Poller.
type Poller struct {
	net   *Network
	host  netip.Addr
	woken atomic.Bool // a Wake is due
	bell  chan struct{}

	// Guarded by the network's mutex.
	conns   []*Conn
	streams []*Streams
	next    uint16 // last port given out
	from    int    // where the next scan starts, so that all Conns get their turn
	parked  bool
	until   sched.Instant // what the sleeper waits for
	done    bool
	timer   *time.Timer // of the caller of Wait
}

var _ batch.Poller = (*Poller)(nil)

// Host is the address that a wildcard bind gets.
func (p *Poller) Host() netip.Addr { return p.host }

// Now implements batch.Poller. All Pollers of a Network share one clock.
func (p *Poller) Now() sched.Instant { return p.net.now() }

// Listen implements batch.Poller. A wildcard address is the host's own; a
// loopback address is heard by all hosts.
func (p *Poller) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	if err := opt.Check(); err != nil {
		return nil, err
	}
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if p.done {
		return nil, batch.ErrClosed
	}
	local, wild, err := n.bind(p, bind)
	if err != nil {
		return nil, err
	}
	opt = opt.WithDefaults()
	c := &Conn{
		poller: p, local: local, any: wild, v6: bind.Addr().Is6() && !bind.Addr().Is4In6(),
		node: n.node(local), slot: opt.SlotBytes, limit: opt.ReceiveBufferBytes,
	}
	n.conns[local] = c
	p.conns = append(p.conns, c)
	return c, nil
}

// Wait implements batch.Poller.
func (p *Poller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	n := p.net
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.now()
	k, next := p.scan(now, ready)
	if k > 0 || p.done || p.woken.Swap(false) {
		return k, p.closed()
	}
	if p.until = min(deadline, next); p.until > now {
		p.sleep(now)
		k, _ = p.scan(n.now(), ready)
		p.woken.Store(false)
	}
	return k, p.closed()
}

// sleep gives the mutex up until the bell rings or p.until comes.
func (p *Poller) sleep(now sched.Instant) {
	p.parked = true
	var alarm <-chan time.Time
	if p.until != sched.Never {
		p.timer.Reset(time.Duration(p.until - now))
		alarm = p.timer.C
	}
	p.net.mu.Unlock()
	select {
	case <-p.bell:
	case <-alarm:
	}
	p.net.mu.Lock()
	p.timer.Stop()
	p.parked = false
	select {
	case <-p.bell: // one that rang beside the alarm
	default:
	}
}

// scan takes in what has arrived, fills ready with the Conns that hold
// something, and tells when the next datagram arrives.
func (p *Poller) scan(now sched.Instant, ready []batch.Conn) (n int, next sched.Instant) {
	next = sched.Never
	for _, s := range p.streams {
		next = min(next, s.next())
	}
	for i := range p.conns {
		c := p.conns[(p.from+i)%len(p.conns)]
		c.arrive(now)
		if len(c.flights) > 0 {
			next = min(next, c.flights[0].at)
		}
		if (c.inbox.len() > 0 || c.heard) && n < len(ready) {
			ready[n] = c
			n++
		}
	}
	if n > 0 {
		p.from = (p.from + n) % len(p.conns)
	}
	return n, next
}

// Wake implements batch.Poller.
func (p *Poller) Wake() {
	if p.woken.Swap(true) {
		return
	}
	p.net.mu.Lock()
	if p.parked {
		p.ring()
	}
	p.net.mu.Unlock()
}

func (p *Poller) ring() {
	select {
	case p.bell <- struct{}{}:
	default:
	}
}

// Close implements batch.Poller.
func (p *Poller) Close() error {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	if p.done {
		return batch.ErrClosed
	}
	p.done = true
	p.ring()
	return nil
}

func (p *Poller) closed() error {
	if p.done {
		return batch.ErrClosed
	}
	return nil
}

// String names the host.
func (p *Poller) String() string { return fmt.Sprintf("simnet host %v", p.host) }

func (p *Poller) forget(c *Conn) {
	p.conns = slices.DeleteFunc(p.conns, func(o *Conn) bool { return o == c })
	p.from = 0
}
