package faults

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// heldMax is how many datagrams one socket holds back at most; what comes then is lost, as in a
// full queue.
const heldMax = 4096

// Rules are what is wrong now. Members are numbered from 0.
type Rules struct {
	Group  []int         // by member: members of different groups do not reach each other
	OneWay []bool        // by member: it sends, and hears nothing
	Frozen []bool        // by member: it does nothing
	Loss   float64       // share of datagrams
	Delay  time.Duration // of each datagram; some come later by a quarter
}

func (r *Rules) cut(from, to int) bool {
	return r.Group[from] != r.Group[to] || r.OneWay[to]
}

// Network has the rules of all members. Its methods are safe for any number of goroutines.
type Network struct {
	rules   atomic.Pointer[Rules]
	lost    atomic.Uint64
	mu      sync.Mutex
	changed chan struct{} // closed at the next change
	addrs   sync.Map      // netip.AddrPort → member
}

// NewNetwork makes one for n members, with nothing wrong.
func NewNetwork(n int) *Network {
	w := &Network{changed: make(chan struct{})}
	w.rules.Store(&Rules{Group: make([]int, n), OneWay: make([]bool, n), Frozen: make([]bool, n)})
	return w
}

// Rules are those of now. They are not to be changed.
func (w *Network) Rules() Rules { return *w.rules.Load() }

// Change lets f change a copy of the rules, which then count.
func (w *Network) Change(f func(r *Rules)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	r := *w.rules.Load()
	r.Group, r.OneWay, r.Frozen = slices.Clone(r.Group), slices.Clone(r.OneWay), slices.Clone(r.Frozen)
	f(&r)
	w.rules.Store(&r)
	close(w.changed)
	w.changed = make(chan struct{})
}

// Lost counts the datagrams that were lost on purpose.
func (w *Network) Lost() uint64 { return w.lost.Load() }

// Poller wraps the sockets of one member.
func (w *Network) Poller(inner batch.Poller, member int, seed uint64) *Poller {
	return &Poller{Poller: inner, network: w, member: member, random: rand.New(rand.NewPCG(seed, uint64(member)))}
}

// Poller gives out one socket whose datagrams are subject to the rules.
type Poller struct {
	batch.Poller
	network *Network
	member  int
	random  *rand.Rand
	conn    atomic.Pointer[Conn]
}

// Listen opens the member's socket.
func (p *Poller) Listen(bind netip.AddrPort, opt batch.Options) (batch.Conn, error) {
	inner, err := p.Poller.Listen(bind, opt)
	if err != nil {
		return nil, err
	}
	c := &Conn{Conn: inner, poller: p}
	p.network.addrs.Store(inner.LocalAddr(), p.member)
	p.conn.Store(c)
	return c, nil
}

// Wait is the wrapped Wait. It does not return while the member is frozen, and wakes for what is
// held back.
func (p *Poller) Wait(deadline sched.Instant, ready []batch.Conn) (int, error) {
	p.thaw()
	c := p.conn.Load()
	if c != nil && len(c.held) > 0 {
		deadline = min(deadline, c.held[0].due)
	}
	n, err := p.Poller.Wait(deadline, ready)
	p.thaw()
	if err != nil || c == nil {
		return n, err
	}
	if n > 0 || len(c.held) > 0 && c.held[0].due <= p.Now() {
		ready[0], n = c, 1 // there is one socket
	}
	return n, nil
}

func (p *Poller) thaw() {
	for {
		p.network.mu.Lock()
		changed := p.network.changed
		p.network.mu.Unlock()
		if !p.network.rules.Load().Frozen[p.member] {
			return
		}
		<-changed
	}
}

// Conn is the socket of one member.
type Conn struct {
	batch.Conn
	poller *Poller
	held   []held // in the order of due
	free   [][]byte
}

type held struct {
	due  sched.Instant
	buf  []byte
	addr netip.AddrPort
}

// Recv is the wrapped Recv without what is lost or held back, and with what was held back long
// enough.
func (c *Conn) Recv(ms []batch.Msg) (int, error) {
	kept := c.release(ms)
	n, err := c.Conn.Recv(ms[kept:])
	r, now := c.poller.network.rules.Load(), c.poller.Now()
	for i := kept; i < len(ms) && n > 0; i, n = i+1, n-1 {
		switch {
		case c.loses(r, ms[i].Addr):
			c.poller.network.lost.Add(1)
		case r.Delay > 0:
			c.hold(r, now, &ms[i])
		default:
			ms[kept], ms[i] = ms[i], ms[kept] // buffers change places, none gets lost
			kept++
		}
	}
	return kept, err
}

func (c *Conn) loses(r *Rules, from netip.AddrPort) bool {
	p := c.poller
	if member, ok := p.network.addrs.Load(from); ok && r.cut(member.(int), p.member) {
		return true
	}
	return r.Loss > 0 && p.random.Float64() < r.Loss
}

// hold keeps a copy for later.
func (c *Conn) hold(r *Rules, now sched.Instant, m *batch.Msg) {
	if len(c.held) == heldMax {
		c.poller.network.lost.Add(1)
		return
	}
	var buf []byte
	if n := len(c.free); n > 0 {
		buf, c.free = c.free[n-1], c.free[:n-1]
	}
	due := now + sched.Instant(float64(r.Delay)*(1+c.poller.random.Float64()/4))
	h := held{due, append(buf[:0], m.Buf[:m.N]...), m.Addr}
	at, _ := slices.BinarySearchFunc(c.held, due, func(x held, due sched.Instant) int { return int(min(1, max(-1, x.due-due))) })
	c.held = slices.Insert(c.held, at, h)
}

// release brings what is due.
func (c *Conn) release(ms []batch.Msg) (n int) {
	now := c.poller.Now()
	for n < len(ms) && n < len(c.held) && c.held[n].due <= now {
		h := &c.held[n]
		ms[n].N, ms[n].Addr = copy(ms[n].Buf, h.buf), h.addr
		c.free = append(c.free, h.buf)
		n++
	}
	c.held = slices.Delete(c.held, 0, n)
	return n
}
