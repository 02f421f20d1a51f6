package sim

import (
	"cmp"
	"net/netip"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// alarm is when a node has something to do.
func (n *Node) alarm() sched.Instant {
	switch {
	case !n.Up || n.paused:
		return sched.Never
	case n.turnAt != 0:
		return n.turnAt
	}
	return max(n.due, n.busy)
}

// arrive hands a frame to its node, or leaves it in the socket's buffer while
// the node is busy.
func (w *World) arrive(s *shard, n *Node, e *event) {
	switch {
	case !n.Up:
		s.stats.Nowhere++
		s.free = append(s.free, e.frame)
	case !n.paused && n.turnAt == 0 && n.busy <= n.now:
		w.receive(s, n, e)
		n.busy = n.now + n.Cost
		w.pump(s, n)
	case n.charged+simnet.ChargedBytes(int(e.size)) > n.Buffer:
		s.stats.Overflows++
		s.free = append(s.free, e.frame)
	default:
		n.charged += simnet.ChargedBytes(int(e.size))
		n.inbox = append(n.inbox, *e)
		n.wantTurn(n.busy)
	}
}

// receive gives one datagram to the core, and kills the bytes afterwards: they
// were only lent.
func (w *World) receive(s *shard, n *Node, e *event) {
	s.stats.Delivered++
	b := w.frames.bytes(e.frame)[:e.size]
	from := netip.AddrPortFrom(w.Nodes[e.from].Addr.Addr(), e.port)
	if w.opt.Check {
		n.gate(from).in += uint64(e.size)
		n.tally.got(b)
	}
	n.Core.Receive(n.now, from, b)
	if w.opt.Check {
		for i := range b {
			b[i] = 0xdb
		}
	}
	s.free = append(s.free, e.frame)
}

func (n *Node) wantTurn(at sched.Instant) {
	if n.turnAt == 0 {
		n.turnAt = max(at, n.now)
	}
}

// fire does what the alarm was for.
func (w *World) fire(s *shard, n *Node) {
	if n.turnAt != 0 {
		w.turn(s, n)
		return
	}
	if n.fired != n.now {
		n.fired, n.fires = n.now, 0
	}
	if n.fires++; n.fires > firesInPlace {
		w.broken("ticks", "node %d ticked %d times at one instant, its deadline is still not in the future", n.Index, n.fires)
		n.due = sched.Never
		return
	}
	n.Core.Tick(n.now, w.wall(n))
	w.pump(s, n)
}

// turn is one turn of a node's loop after it was busy or asleep.
func (w *World) turn(s *shard, n *Node) {
	n.turnAt = 0
	k := min(turnFrames, len(n.inbox))
	if k > 0 && n.inbox[0].at < n.now { // as the shell tells after a stall
		n.Core.Observe(core.Pressure{Waited: n.now - n.inbox[0].at})
	}
	for i := range k {
		e := &n.inbox[i]
		n.charged -= simnet.ChargedBytes(int(e.size))
		w.receive(s, n, e)
	}
	n.inbox = append(n.inbox[:0], n.inbox[k:]...)
	n.Core.Observe(core.Pressure{})
	if n.Core.Deadline() <= n.now {
		n.Core.Tick(n.now, w.wall(n))
	}
	n.busy = n.now + n.Cost*sched.Instant(k)
	if n.Cost > 0 {
		n.Core.Observe(core.Pressure{Queue: n.charged, Room: n.Buffer, Lag: n.Cost * sched.Instant(1+len(n.inbox))})
	}
	w.pump(s, n)
	if len(n.inbox) > 0 {
		n.wantTurn(n.busy)
	}
}

// pump sends what the core has to send, takes its events and asks when it wants
// to be called again.
func (w *World) pump(s *shard, n *Node) {
	if n.paused {
		return // it goes on with a turn
	}
	most := pumpFrames
	if n.Sends > 0 {
		most = n.Sends
	}
	sent := 0
	for ; sent < most; sent++ {
		k, to, ok := n.Core.Transmit(n.now, s.buf[:codec.FrameBytesMax])
		if !ok {
			break
		}
		s.send(n, to, s.buf[:k])
		if w.opt.Check {
			w.amplified(n, to, s.buf[:k])
			n.tally.told(s.buf[:k])
		}
	}
	if sent == pumpFrames {
		w.broken("pump", "node %d sends without end", n.Index)
	} else if sent == most {
		n.wantTurn(n.now + cmp.Or(n.Rest, chokedRetry))
	}
	var ev core.Event
	for n.Core.NextEvent(&ev) {
		w.happened(n, &ev)
	}
	n.due = n.Core.Deadline()
}

// send keeps a frame until the end of the window.
func (s *shard) send(n *Node, to netip.AddrPort, b []byte) {
	at := len(s.arena)
	s.arena = append(s.arena, b...)
	s.parcels = append(s.parcels, parcel{at: n.now, from: n, to: to, order: n.order, data: s.arena[at:len(s.arena):len(s.arena)]})
}
