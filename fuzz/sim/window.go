package sim

import (
	"net/netip"
	"slices"
	"sync"

	"github.com/quidnunc/quidnunc/batch/simnet"
	"github.com/quidnunc/quidnunc/sched"
)

// A frame takes at least the base link's shortest delay. So what happens within
// one such span happens to each node by itself: a step of the world is a window
// of that span, in which every node does its own, one after the other or beside
// each other, and after which all frames that were sent are carried, in the
// order of their time. How many workers share the nodes changes nothing.

// parcel is a frame that a node has sent within a window.
type parcel struct {
	at    sched.Instant
	from  *Node
	to    netip.AddrPort
	data  []byte
	order int // of its node among those with something to do
}

// shard is what one worker has to itself.
type shard struct {
	arena   []byte // bytes of parcels
	parcels []parcel
	free    []frameRef // frames that were read
	stats   Stats
	buf     [2048]byte
}

// Run lets d pass. It stops early where a law is broken, and says whether none
// was.
func (w *World) Run(d sched.Instant) bool {
	until := w.now + d
	for w.err == nil && w.window(until) {
	}
	w.now = max(w.now, until)
	return w.err == nil
}

// window runs one step that begins not later than until.
func (w *World) window(until sched.Instant) bool {
	var e event
	if w.holding {
		w.holding = false
		e = w.held
	} else if !w.pop(until, &e) {
		return false
	}
	if e.kind == kindCall {
		w.call(&e)
		return true
	}
	span := max(1, w.Net.DelayMin()/simnet.QueueTick)
	horizon := min(until, (e.at/simnet.QueueTick+span)*simnet.QueueTick-1)
	horizon = max(horizon, e.at) // the queue rounds until up to its tick
	for {
		w.assign(&e)
		if !w.pop(horizon, &e) {
			break
		}
		if e.kind == kindCall {
			w.held, w.holding = e, true
			horizon = min(horizon, e.at)
			break
		}
	}
	w.work(horizon)
	w.now = max(w.now, horizon)
	w.settle()
	return true
}

// pop takes the next event.
func (w *World) pop(until sched.Instant, e *event) (ok bool) {
	e.at, ok = w.queue.Pop(until, &e.occurrence)
	return ok
}

func (w *World) call(e *event) {
	w.now = max(w.now, e.at)
	f := w.calls[e.from]
	w.calls[e.from] = nil
	w.idle = append(w.idle, e.from)
	f()
}

// assign gives an event to its node.
func (w *World) assign(e *event) {
	n := w.Nodes[e.node]
	if e.kind == kindAlarm {
		if e.at != n.queued {
			return // an earlier one was set since
		}
		n.queued = sched.Never
	} else {
		n.todo = append(n.todo, *e)
	}
	w.touch(n)
}

func (w *World) touch(n *Node) {
	if !n.touched {
		n.touched = true
		w.touched = append(w.touched, n)
	}
}

// fewNodes are worked off by one worker: sharing them costs more.
const fewNodes = 32

// work lets all nodes that have something to do do it.
func (w *World) work(horizon sched.Instant) {
	workers := len(w.shards)
	if workers == 1 || len(w.touched) < fewNodes || w.opt.Check || w.OnEvent != nil {
		w.share(horizon, 0, 1)
		return
	}
	var all sync.WaitGroup
	for k := range workers {
		all.Go(func() { w.share(horizon, k, workers) })
	}
	all.Wait()
}

// share works off every so many-th node.
func (w *World) share(horizon sched.Instant, k, of int) {
	s := w.shards[k]
	for i := k; i < len(w.touched); i += of {
		w.live(s, w.touched[i], i, horizon)
	}
}

// live lets a node live up to the horizon.
func (w *World) live(s *shard, n *Node, order int, horizon sched.Instant) {
	n.order = order
	k := 0
	for {
		at := n.alarm()
		if k < len(n.todo) && n.todo[k].at <= at {
			n.now = max(n.now, n.todo[k].at)
			w.arrive(s, n, &n.todo[k])
			k++
		} else if at <= horizon {
			n.now = max(n.now, at)
			w.fire(s, n)
		} else {
			break
		}
		s.stats.Events++
	}
	n.todo = n.todo[:0]
}

// settle carries what was sent, sets alarms, and gathers what workers counted.
func (w *World) settle() {
	w.outbox = w.outbox[:0]
	for _, s := range w.shards {
		w.outbox = append(w.outbox, s.parcels...)
		for _, r := range s.free {
			w.frames.release(r)
		}
		w.Stats.add(&s.stats)
		s.parcels, s.free, s.stats = s.parcels[:0], s.free[:0], Stats{}
	}
	if len(w.touched) > 1 {
		slices.SortStableFunc(w.outbox, func(a, b parcel) int {
			if a.at != b.at {
				return int(a.at - b.at)
			}
			return a.order - b.order
		})
	}
	for i := range w.outbox {
		w.carry(&w.outbox[i])
	}
	for _, s := range w.shards {
		s.arena = s.arena[:0]
	}
	for _, n := range w.touched {
		n.touched = false
		w.renewed(n)
		if at := n.alarm(); at < n.queued {
			n.queued = max(at, w.now)
			w.queue.Push(n.queued, occurrence{kind: kindAlarm, node: uint32(n.Index)})
		}
	}
	w.touched = w.touched[:0]
	if w.opt.Check {
		w.auditSome()
		w.look()
		w.calm()
	}
}

// storm is what is counted to tell a storm from work.
type storm struct {
	span, frames uint64            // the current span, and the frames before it
	late         map[uint64]uint64 // frames that arrive in a span and were held up for longer than one
}

// calm checks that nodes do not answer each other without end. What was held up and arrives at once
// may be answered at once, frame by frame.
func (w *World) calm() {
	x := &w.storm
	if span := uint64(w.now / stormSpan); span != x.span {
		delete(x.late, x.span-1)
		x.span, x.frames = span, w.Stats.Frames
	}
	if n := w.Stats.Frames - x.frames; n > stormFrames*uint64(len(w.Nodes))+x.late[x.span]+x.late[x.span-1] {
		w.broken("storm", "%d frames within %v", n, clock(stormSpan))
	}
}

// A node that sends more than this is not working but echoing: the swarm writes
// at most 5,000 keys a second.
const (
	stormSpan   = 100 * sched.Millisecond
	stormFrames = 2000
)

// carry puts a frame on its way.
func (w *World) carry(p *parcel) {
	if w.liar != nil {
		var again *parcel
		if p.data, again = w.liar.twist(w, p); again != nil {
			w.convey(again)
		}
	}
	w.convey(p)
}

// convey lets a frame meet its fate.
func (w *World) convey(p *parcel) {
	n, b := p.from, p.data
	w.Stats.Frames++
	w.Stats.Bytes += uint64(len(b))
	if w.opt.Check && len(b) > n.cfg.Frame {
		w.broken("frame", "node %d sends %d bytes, its limit is %d", n.Index, len(b), n.cfg.Frame)
	}
	d := w.at(p.to)
	f := &w.frame
	*f = Frame{At: p.at - Start, From: n.Index, To: -1, Data: b}
	if d != nil {
		f.To, f.Fate = d.Index, &w.fate
		w.Net.Send(p.at, n.Index, d.Index, len(b), &w.fate)
	}
	w.trace(f)
	if w.OnFrame != nil && !w.OnFrame(f) {
		return
	}
	if d == nil {
		w.Stats.Nowhere++
		return
	}
	w.Stats.Fates[w.fate.Cause]++
	for k := range w.fate.Copies {
		r := w.frames.put(b)
		if bit := w.fate.Flip[k]; bit >= 0 {
			w.frames.bytes(r)[bit/8] ^= 1 << (bit % 8)
		}
		if at := w.fate.At[k]; at-p.at > stormSpan {
			w.storm.late[uint64(at/stormSpan)]++
		}
		w.queue.Push(w.fate.At[k], occurrence{
			kind: kindArrive, node: uint32(d.Index), from: uint32(n.Index),
			port: n.Addr.Port(), frame: r, size: uint16(len(b)),
		})
	}
}

func (s *Stats) add(t *Stats) {
	s.Delivered += t.Delivered
	s.Nowhere += t.Nowhere
	s.Overflows += t.Overflows
	s.Events += t.Events
}

// do lets something be done to a node now, between two windows.
func (w *World) do(n *Node, f func(s *shard)) {
	n.now = max(n.now, w.now)
	n.order = 0
	f(w.shards[0])
	w.touch(n)
	w.settle()
}
