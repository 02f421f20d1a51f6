package lossy

import (
	"math/rand/v2"
	"net/netip"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// Poller gives out sockets that lose datagrams, each by dice of its own.
type Poller struct {
	batch.Poller
	share   float64
	seed    uint64
	made    uint64
	wrapped map[batch.Conn]*Conn // read by Wait on the loop, grown by Listen
	fresh   chan *Conn           // from Listen to Wait, which may run on different goroutines
	dropped atomic.Uint64
}

// socketsMax is how many sockets may be opened between two Waits.
const socketsMax = 4096

// New wraps p. share is between 0 and 1; the same seed and the same arrivals lose the same
// datagrams.
func New(p batch.Poller, share float64, seed uint64) *Poller {
	return &Poller{Poller: p, share: share, seed: seed, wrapped: map[batch.Conn]*Conn{}, fresh: make(chan *Conn, socketsMax)}
}

// Listen opens a socket of the wrapped Poller. One goroutine at a time.
func (p *Poller) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	inner, err := p.Poller.Listen(bind, opt)
	if err != nil {
		return nil, err
	}
	p.made++
	c := &Conn{Conn: inner, poller: p, threshold: uint64(p.share * (1 << 32)), random: rand.New(rand.NewPCG(p.seed, p.made))}
	p.fresh <- c
	return c, nil
}

// Wait is the wrapped Wait; what it reports are the sockets that Listen gave out.
func (p *Poller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	n, err := p.Poller.Wait(deadline, ready)
	for len(p.fresh) > 0 {
		c := <-p.fresh
		p.wrapped[c.Conn] = c
	}
	for i, inner := range ready[:n] {
		if c := p.wrapped[inner]; c != nil {
			ready[i] = c
		}
	}
	return n, err
}

// Dropped counts the datagrams lost so far. Any goroutine may ask.
func (p *Poller) Dropped() uint64 { return p.dropped.Load() }

// Conn is a socket that loses what it receives.
type Conn struct {
	batch.Conn
	poller    *Poller
	threshold uint64 // of 2^32
	random    *rand.Rand
}

// Reports is the wrapped Reports: what hosts say is not lost.
func (c *Conn) Reports(rs []batch.Report) int { return batch.Reports(c.Conn, rs) }

// Recv is the wrapped Recv without the datagrams that are lost. It may return 0 although more are
// waiting; Wait then reports the socket again.
func (c *Conn) Recv(ms []batch.Msg) (int, error) {
	n, err := c.Conn.Recv(ms)
	kept := 0
	for i := range ms[:n] {
		if uint64(c.random.Uint32()) < c.threshold {
			continue
		}
		ms[kept], ms[i] = ms[i], ms[kept] // buffers change places, none gets lost
		kept++
	}
	if kept < n {
		c.poller.dropped.Add(uint64(n - kept))
	}
	return kept, err
}
