package simnet

import (
	"fmt"
	"hash/crc32"
	"net/netip"
	"slices"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"
)

// StreamFaults are what may go wrong with streams, beside what the model does to
// paths: a path that is cut lets nothing through, and loss costs time. The zero
// value is perfect.
type StreamFaults struct {
	Reset    Chance // of each message: the connection breaks in its middle
	HalfOpen Chance // of each Open: it is accepted, and nothing more is heard
	Stall    Chance // of each message: it is held back by up to StallMax
	StallMax sched.Instant
	Forge    Chance // of each body: one bit of it turns over, by the sender's hand
	Rate     int    // bytes a second in each direction of a stream; 0: any
	Uplink   int    // bytes a second that all streams of a member send together; 0: any
	Policed  bool   // what the model loses by chance are datagrams alone
}

// The times of TCP that are not the path's.
const (
	streamOpenMax  = 2 * sched.Second
	streamStallMax = 10 * sched.Second
	retransmit     = 200 * sched.Millisecond
	retransmitsMax = 15
)

// SetStreamFaults replaces the faults of streams.
func (n *Network) SetStreamFaults(f StreamFaults) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.faults = f
}

// Streams is one member's streams on a host. It implements batch.Streams, with
// the same asks, answers, credit and ends as sockets have, in virtual time.
type Streams struct {
	poller *Poller
	node   int // of its datagrams' address, whose paths the streams take

	// Guarded by the network's mutex.
	setup  batch.StreamSetup
	at     netip.AddrPort
	lastID batch.StreamID
	open   map[batch.StreamID]*pipeEnd
	events []streamEvent // the next first
	order  uint64
	free   sched.Instant // its uplink has sent all
	stats  batch.StreamStats
	closed bool
}

var _ batch.Streams = (*Streams)(nil)

const (
	simStreamsIn  = 64
	simStreamsOut = 8
)

// streamEvent is one that is on its way to the reactor.
type streamEvent struct {
	at    sched.Instant
	order uint64
	end   *pipeEnd
	ev    batch.StreamEvent
}

// Streams makes streams for one engine on this host.
func (p *Poller) Streams() *Streams {
	p.net.mu.Lock()
	defer p.net.mu.Unlock()
	s := &Streams{poller: p, open: map[batch.StreamID]*pipeEnd{}}
	p.streams = append(p.streams, s)
	return s
}

// Start implements batch.Streams.
func (s *Streams) Start(setup batch.StreamSetup) error {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	addr := setup.Near.Addr()
	if addr.IsUnspecified() {
		addr = s.poller.host
	}
	for port := setup.Near.Port(); port != 0; port++ {
		if at := netip.AddrPortFrom(addr, port); n.listeners[at] == nil {
			s.setup, s.at, s.node = setup, at, n.node(netip.AddrPortFrom(addr, setup.Near.Port()))
			n.listeners[at] = s
			return nil
		}
	}
	return fmt.Errorf("simnet: no free port from %v on", setup.Near)
}

// Port implements batch.Streams.
func (s *Streams) Port() uint16 { return s.at.Port() }

// Open implements batch.Streams.
func (s *Streams) Open(to batch.StreamPeer) (batch.StreamID, error) {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.closed {
		return 0, batch.ErrClosed
	}
	opened := 0
	for _, e := range s.open {
		if e.side == 0 {
			opened++
		}
	}
	if opened >= simStreamsOut {
		return 0, batch.ErrStreamsFull
	}
	x := &pipe{}
	e := s.newEnd(x, 0)
	s.connect(n.now(), e, to)
	return e.id, nil
}

func (s *Streams) newEnd(x *pipe, side int) *pipeEnd {
	s.lastID++
	e := &pipeEnd{pipe: x, s: s, side: side, id: s.lastID}
	x.ends[side] = e
	s.open[e.id] = e
	return e
}

// connect decides what becomes of an Open.
func (s *Streams) connect(now sched.Instant, e *pipeEnd, to batch.StreamPeer) {
	n := s.poller.net
	peer := n.listeners[netip.AddrPortFrom(to.Addr.Addr().Unmap(), to.Addr.Port())]
	if peer == nil || peer.closed {
		s.fail(e, now+n.model.DelayMin()*2, batch.StreamUnreachable)
		return
	}
	at, ok := n.segment(now, s.node, peer.node, 100)
	back, heard := n.segment(at, peer.node, s.node, 100)
	at2, again := n.segment(back, s.node, peer.node, 100)
	id, known := s.sealsWith(peer)
	switch r := &n.model.rand; {
	case !ok || !heard || !again || n.faults.HalfOpen.draw(r):
		s.fail(e, now+streamOpenMax, batch.StreamLate)
		return
	case to.Salt != peer.setup.Salt || peer.setup.Cluster != s.setup.Cluster || !known:
		s.fail(e, back, batch.StreamStranger)
		return
	}
	if !peer.place(back) {
		s.fail(e, back, batch.StreamBusy)
		return
	}
	e.key = id
	far := peer.newEnd(e.pipe, 1)
	e.said, far.said = at2, back
	s.stats.Opened++
	peer.stats.Accepted++
	s.post(back, e, batch.StreamEvent{Kind: batch.StreamUp, Stream: e.id, Opened: true, Peer: to})
	peer.post(at2, far, batch.StreamEvent{
		Kind: batch.StreamUp, Stream: far.id,
		Peer: batch.StreamPeer{Addr: netip.AddrPortFrom(s.at.Addr(), 0), Salt: s.setup.Salt},
	})
}

// place tells whether there is room for one more stream of another member. One on which nothing
// is open gives its place away.
func (s *Streams) place(now sched.Instant) bool {
	accepted, idle := 0, (*pipeEnd)(nil)
	for _, x := range s.open {
		if accepted += x.side; x.side == 0 || x.down || !x.up || x.owed+len(x.asks)+len(x.lent)+len(x.other().asks) > 0 {
			continue
		}
		if idle == nil || x.used < idle.used || x.used == idle.used && x.id < idle.id {
			idle = x
		}
	}
	if accepted < simStreamsIn {
		return true
	}
	if idle == nil {
		return false
	}
	idle.breaks(max(now, idle.said), batch.StreamEnded)
	return true
}

// sealsWith is the key that this side seals with, and whether the other has it.
func (s *Streams) sealsWith(peer *Streams) (id uint8, ok bool) {
	if s.setup.Keys == nil || peer.setup.Keys == nil {
		return 0, s.setup.Keys == nil && peer.setup.Keys == nil
	}
	id = s.setup.Keys.Primary()
	_, ok = peer.setup.Keys.Mark(id, nil)
	return id, ok
}

// segment is when so many bytes arrive that leave now, with what TCP does about
// loss; false: the path lets nothing through.
func (n *Network) segment(now sched.Instant, from, to, bytes int) (at sched.Instant, ok bool) {
	for range retransmitsMax {
		n.model.Send(now, from, to, min(bytes, 1200), &n.fate)
		switch n.fate.Cause {
		case Arrived:
			return n.fate.At[0], true
		case Lost, InBurst:
			if n.faults.Policed {
				return now + n.model.DelayMin(), true
			}
			now += retransmit
		default:
			return 0, false
		}
	}
	return 0, false
}

// Send implements batch.Streams.
func (s *Streams) Send(id batch.StreamID, m *batch.StreamMessage) error {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	e := s.open[id]
	switch {
	case e == nil || !e.up || e.finished || e.down:
		return batch.ErrClosed
	case len(m.Head) > batch.StreamHeadMax || m.Answer && e.owed == 0 || !m.Answer && m.Body != nil:
		panic("simnet: not a message that may be sent")
	case !m.Answer && len(e.asks) == batch.StreamAsksMax:
		return batch.ErrStreamFull
	}
	if m.Answer {
		e.owed--
		if m.Body != nil {
			e.lent = append(e.lent, loan{m.Tag, m.Body, crc32.ChecksumIEEE(m.Body)})
		}
	} else {
		a := openAsk{tag: m.Tag, want: m.Want, check: m.Sum != nil}
		if m.Sum != nil {
			a.sum = *m.Sum
		}
		e.asks = append(e.asks, a)
	}
	s.carry(n.now(), e, m)
	return nil
}

// Finish implements batch.Streams.
func (s *Streams) Finish(id batch.StreamID) {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if e := s.open[id]; e != nil && !e.finished {
		e.finished = true
		e.breaks(max(n.now(), e.said), batch.StreamEnded)
	}
}

// SetKeys implements batch.Streams.
func (s *Streams) SetKeys(k batch.StreamKeys) {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	s.setup.Keys = k
	for id := range s.lastID { // in an order that is the same each time
		e := s.open[id+1]
		if e == nil || e.key == 0 || k == nil {
			continue
		}
		if _, held := k.Mark(e.key, nil); !held || k.Primary() != e.key && e.side == 0 && len(e.asks)+e.owed == 0 {
			e.breaks(n.now(), batch.StreamRotated)
		}
	}
}

// Recycle implements batch.Streams. Who reads the body afterwards reads rubbish.
func (s *Streams) Recycle(body []byte) { spoil(body[:cap(body)]) }

// Release implements batch.Streams.
func (s *Streams) Release(ev *batch.StreamEvent) {
	spoil(ev.Head)
	spoil(ev.Body)
	ev.Head, ev.Body = nil, nil
}

// spoil overwrites what nobody may read any more.
func spoil(b []byte) {
	for i := range b {
		b[i] = 0xdb
	}
}

// Stats implements batch.Streams.
func (s *Streams) Stats(st *batch.StreamStats) {
	s.poller.net.mu.Lock()
	defer s.poller.net.mu.Unlock()
	*st = s.stats
}

// Close implements batch.Streams.
func (s *Streams) Close() error {
	n := s.poller.net
	n.mu.Lock()
	defer n.mu.Unlock()
	if s.closed {
		return batch.ErrClosed
	}
	s.closed = true
	delete(n.listeners, s.at)
	for id := range s.lastID {
		if e := s.open[id+1]; e != nil {
			e.breaks(n.now(), batch.StreamTruncated)
		}
	}
	s.events = nil
	s.poller.streams = slices.DeleteFunc(s.poller.streams, func(o *Streams) bool { return o == s })
	return nil
}
