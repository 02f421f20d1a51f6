package flowcontrol

import (
	"math/rand/v2"
	"net/netip"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// world is a network in virtual time.
type world struct {
	now   sched.Instant
	rnd   *rand.Rand
	peers []*peer
	at    map[netip.AddrPort]*peer
	queue sched.Heap[happening]
	order uint64
	event core.Event
	spare [][]byte // of frames that arrived
}

type peer struct {
	core core.Core
	addr netip.AddrPort
	wake sched.Instant // the timer event that is queued for it
}

// happening is a frame that arrives, or, without bytes, a peer's deadline.
type happening struct {
	at    sched.Instant
	order uint64
	to    *peer
	from  netip.AddrPort
	data  []byte
}

// Before implements sched.Timed.
func (h happening) Before(o happening) bool { return h.at < o.at || h.at == o.at && h.order < o.order }

func newWorld(seed uint64) *world {
	return &world{now: second, rnd: rand.New(rand.NewPCG(seed, 2)), at: map[netip.AddrPort]*peer{}}
}

func (w *world) start(c *core.Config) *peer {
	i := len(w.peers)
	p := &peer{addr: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 7946), wake: sched.Never}
	c.Advertise = p.addr
	p.core.Init(c, w.now, 0)
	w.peers, w.at[p.addr] = append(w.peers, p), p
	w.pump(p)
	return p
}

func (w *world) join(p *peer, seed netip.AddrPort) {
	p.core.Join(w.now, seed)
	w.pump(p)
}

func (w *world) push(h happening) {
	w.order++
	h.order = w.order
	w.queue.Push(h)
}

// pump sends what a peer has to send and sets its next deadline.
func (w *world) pump(p *peer) {
	var buf [codec.FrameBytesMax]byte
	for {
		n, to, ok := p.core.Transmit(w.now, buf[:])
		if !ok {
			break
		}
		if dst := w.at[to]; dst != nil {
			delay := 10*sched.Millisecond + sched.Instant(w.rnd.Int64N(40*sched.Millisecond))
			w.push(happening{at: w.now + delay, to: dst, from: p.addr, data: append(w.buffer(), buf[:n]...)})
		}
	}
	for p.core.NextEvent(&w.event) {
	}
	if d := p.core.Deadline(); d < p.wake {
		p.wake = d
		w.push(happening{at: d, to: p})
	}
}

func (w *world) buffer() []byte {
	if n := len(w.spare); n > 0 {
		b := w.spare[n-1]
		w.spare = w.spare[:n-1]
		return b
	}
	return make([]byte, 0, codec.FrameBytesMax)
}

// run lets everything happen until then.
func (w *world) run(until sched.Instant) {
	for len(w.queue) > 0 && w.queue[0].at <= until {
		h := w.queue.Pop()
		w.now = max(w.now, h.at)
		if h.data != nil {
			h.to.core.Receive(w.now, h.from, h.data)
			w.spare = append(w.spare, h.data[:0])
		} else {
			h.to.wake = sched.Never
			h.to.core.Tick(w.now, 0)
		}
		w.pump(h.to)
	}
	w.now = max(w.now, until)
}
