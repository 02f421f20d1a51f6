package simnet

import (
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Network carries datagrams between the Conns of its Pollers as a Model says.
// All its methods are safe for any goroutine.
type Network struct {
	start time.Time

	mu    sync.Mutex // guards all below, and the Pollers and Conns
	model Model
	nodes map[netip.AddrPort]int // numbers stay with addresses, so that rules outlive a restart
	conns map[netip.AddrPort]*Conn
	hosts []*Poller

	listeners map[netip.AddrPort]*Streams
	faults    StreamFaults

	order   uint64 // of sending, for datagrams that arrive at one instant
	free    [][]byte
	fate    Fate
	causes  [Causes]uint64
	nowhere uint64
	answers bool // hosts say that a port is closed
}

// NewNetwork makes a network whose every path is the link. Used in a synctest
// bubble, it must be made there.
func NewNetwork(seed uint64, link Link) *Network {
	n := &Network{start: time.Now(), nodes: map[netip.AddrPort]int{}, conns: map[netip.AddrPort]*Conn{}, listeners: map[netip.AddrPort]*Streams{}}
	n.model.Init(seed, link)
	return n
}

// Do changes the model: rules, filters, the base link. f must not keep it.
func (n *Network) Do(f func(m *Model)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	f(&n.model)
}

// ClosedPorts lets hosts answer datagrams to a port that was bound once and is
// not bound any more, as the hosts of ended processes do: the sender hears it as
// a batch.Report with batch.Refused, if neither way loses it. At first they are
// silent, as hosts are that went down.
func (n *Network) ClosedPorts(answer bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers = answer
}

// Node is the number that the model knows an address by. Addresses are numbered
// from 0 in the order in which they were first bound, or asked for here.
func (n *Network) Node(a netip.AddrPort) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.node(a)
}

func (n *Network) node(a netip.AddrPort) int {
	i, ok := n.nodes[a]
	if !ok {
		i = len(n.nodes)
		n.nodes[a] = i
	}
	return i
}

// Fates counts the datagrams by what became of them. Those to an address that
// nobody has bound are counted apart.
func (n *Network) Fates() (causes [Causes]uint64, nowhere uint64) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.causes, n.nowhere
}

// Poller makes one more host with an address of its own, 10.0.0.1 being that of
// the first. Engines that share a reactor share its Poller.
func (n *Network) Poller() *Poller {
	n.mu.Lock()
	defer n.mu.Unlock()
	i := len(n.hosts) + 1
	p := &Poller{
		net:  n,
		host: netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)}),
		bell: make(chan struct{}, 1),
		next: 20000,
	}
	p.timer = time.NewTimer(time.Hour)
	p.timer.Stop()
	n.hosts = append(n.hosts, p)
	return p
}

func (n *Network) now() sched.Instant { return sched.Instant(time.Since(n.start)) }

// bind gives a Conn its address.
func (n *Network) bind(p *Poller, bind netip.AddrPort) (a netip.AddrPort, any bool, err error) {
	addr := bind.Addr().Unmap()
	if !addr.IsValid() {
		return a, false, fmt.Errorf("batch: cannot bind %v: not an address", bind)
	}
	if any = addr.IsUnspecified(); any {
		addr = p.host
	}
	if !addr.IsLoopback() && addr != p.host {
		return a, false, fmt.Errorf("batch: cannot bind %v: this host is %v; fix: bind that, a loopback address or 0.0.0.0", bind, p.host)
	}
	a = netip.AddrPortFrom(addr, bind.Port())
	for bind.Port() == 0 {
		p.next++
		if a = netip.AddrPortFrom(addr, p.next); n.conns[a] == nil {
			break
		}
	}
	if n.conns[a] != nil {
		return a, false, fmt.Errorf("batch: cannot bind %v: the address is in use", bind)
	}
	return a, any, nil
}

// find is who hears what c sends to an address.
func (n *Network) find(c *Conn, to netip.AddrPort) *Conn {
	if d := n.conns[to]; d != nil {
		return d
	}
	if to.Addr().IsLoopback() { // a wildcard of the same host
		if d := n.conns[netip.AddrPortFrom(c.poller.host, to.Port())]; d != nil && d.any {
			return d
		}
	}
	return nil
}

// source is the address that a receiver sees.
func (c *Conn) source(to netip.Addr) netip.AddrPort {
	if c.any && to.IsLoopback() {
		return netip.AddrPortFrom(to, c.local.Port())
	}
	return c.local
}

// carry sends one datagram.
func (n *Network) carry(now sched.Instant, c *Conn, b []byte, to netip.AddrPort) {
	d := n.find(c, to)
	if d == nil {
		n.nowhere++
		n.answer(now, c, to, len(b))
		return
	}
	f := &n.fate
	n.model.Send(now, c.node, d.node, len(b), f)
	n.causes[f.Cause]++
	for k := range f.Copies {
		data := append(n.buffer(), b...)
		if f.Flip[k] >= 0 {
			data[f.Flip[k]/8] ^= 1 << (f.Flip[k] % 8)
		}
		n.order++
		d.flights.Push(flight{at: f.At[k], order: n.order, from: c.source(to.Addr()), data: data})
		if p := d.poller; p.parked && f.At[k] < p.until {
			p.ring()
		}
	}
}

// answer lets the host of a closed port say so, if the datagram reaches it and
// its word reaches c.
func (n *Network) answer(now sched.Instant, c *Conn, to netip.AddrPort, bytes int) {
	node, known := n.nodes[to]
	if !n.answers || !known {
		return
	}
	f := &n.fate
	n.model.Send(now, c.node, node, bytes, f)
	if f.Copies == 0 {
		return
	}
	there := f.At[0]
	if n.model.Send(there, node, c.node, answerBytes, f); f.Copies == 0 {
		return
	}
	n.order++
	c.flights.Push(flight{at: f.At[0], order: n.order, from: to, said: true})
	if p := c.poller; p.parked && f.At[0] < p.until {
		p.ring()
	}
}

// answerBytes is an ICMP port unreachable with the headers of what it answers.
const answerBytes = 56

// buffer takes an empty slice from the free list, or makes one.
func (n *Network) buffer() []byte {
	if k := len(n.free); k > 0 {
		b := n.free[k-1]
		n.free = n.free[:k-1]
		return b
	}
	return make([]byte, 0, batch.SlotBytesDefault)
}

func (n *Network) release(b []byte) {
	if cap(b) <= batch.SlotBytesDefault {
		n.free = append(n.free, b[:0])
	}
}
