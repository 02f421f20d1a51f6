package apart

import (
	"errors"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
)

// path stands between the members: each is advertised at a socket of the path, which passes on what
// comes to it, from the socket of who sent it. So members know each other by the path's addresses
// alone.
type path struct {
	sockets []*net.UDPConn
	real    []atomic.Pointer[netip.AddrPort] // where a member is, once it is known
	from    sync.Map                         // netip.AddrPort → member
	rules   atomic.Pointer[rules]
	lost    atomic.Uint64
	all     sync.WaitGroup
}

// rules are what is wrong now.
type rules struct {
	group []int // members of different groups do not reach each other
	loss  float64
}

const datagramMax = 64 << 10

func newPath(n int) (*path, error) {
	p := &path{real: make([]atomic.Pointer[netip.AddrPort], n)}
	p.rules.Store(&rules{group: make([]int, n)})
	for range n {
		c, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			p.close()
			return nil, err
		}
		p.sockets = append(p.sockets, c)
	}
	for i := range n {
		p.all.Go(func() { p.forward(i) })
	}
	return p, nil
}

// addr is where others find a member.
func (p *path) addr(i int) string { return p.sockets[i].LocalAddr().String() }

// place notes where a member is.
func (p *path) place(i int, at netip.AddrPort) {
	p.from.Store(at, i)
	p.real[i].Store(&at)
}

// forward passes on what comes for a member.
func (p *path) forward(to int) {
	buf := make([]byte, datagramMax)
	for {
		n, source, err := p.sockets[to].ReadFromUDPAddrPort(buf)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		from, known := p.from.Load(netip.AddrPortFrom(source.Addr().Unmap(), source.Port()))
		target := p.real[to].Load()
		if err != nil || !known || target == nil {
			continue // of one datagram, or of somebody who is not a member
		}
		r := p.rules.Load()
		if r.group[from.(int)] != r.group[to] || r.loss > 0 && rand.Float64() < r.loss {
			p.lost.Add(1)
			continue
		}
		_, _ = p.sockets[from.(int)].WriteToUDPAddrPort(buf[:n], *target) // who is dead is dead
	}
}

func (p *path) close() {
	for _, c := range p.sockets {
		c.Close()
	}
	p.all.Wait()
}
