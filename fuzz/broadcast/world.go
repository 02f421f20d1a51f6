package broadcast

import "github.com/quidnunc/quidnunc/sched"

// frame is one datagram. Frames are used again.
type frame struct {
	from, to int32
	kind     kind
	runs     []run
	acks     []ack
}

// kind says what a frame of the policies that only model is for.
type kind uint8

const (
	payload  kind = iota // runs, and acknowledgements
	announce             // Plumtree: a run's versions without it
	graft                // Plumtree: send me that, and more from now on
	prune                // Plumtree: no more
	pull                 // send me runs from these versions on
)

// run is one author's versions after from, up to to.
type run struct {
	author   int32
	from, to uint32
	given    parcel // of delegation
}

type ack struct {
	serial uint32
	covers bool
}

// event is what happens at a time: a frame arrives, or a node turns.
type event struct {
	at    sched.Instant
	order uint64
	frame *frame // nil: node turns, or its alarm goes
	node  int32
	alarm bool
}

// Before orders events by time, and those of one time as they were made.
func (e event) Before(o event) bool { return e.at < o.at || e.at == o.at && e.order < o.order }

// node is a loop that takes Proc for each datagram that it receives or sends.
type node struct {
	inbox   []*frame
	busy    sched.Instant // until then
	working bool          // a turn is planned
	dead    bool          // it neither receives nor sends, and nobody knows
	deaf    bool          // it receives and neither answers nor passes on
	liar    bool          // it acknowledges and does not pass on
}

// world is N nodes on a virtual network.
type world struct {
	plan   *Plan
	rand   sched.Rand
	now    sched.Instant
	events sched.Heap[event]
	made   uint64
	nodes  []node
	free   []*frame
	held   [][]uint32          // by author, of those that write, by node
	whole  []uint32            // by author: versions written
	took   func(n, author int) // a node got further in an author's log
	policy policy

	sent     int // frames
	received int // entries, by those that live
}

// policy is one way to spread.
type policy interface {
	// write tells that an author wrote a version, at the world's now.
	write(author int, to uint32)
	// take takes a frame at a node.
	take(n int, f *frame)
	// turn lets a node send, after it took what came.
	turn(n int)
	// alarm is a node's timer.
	alarm(n int)
}

func (w *world) init(p *Plan) {
	*w = world{plan: p, nodes: make([]node, p.Nodes)}
	w.rand.Seed(p.Seed)
	w.whole = make([]uint32, p.Authors)
	for range p.Authors {
		w.held = append(w.held, make([]uint32, p.Nodes))
	}
}

// author is the node of an author.
func (w *world) author(a int) int { return a * (len(w.nodes) / w.plan.Authors) }

// push plans an event.
func (w *world) push(e event) {
	w.made++
	e.order = w.made
	w.events.Push(e)
}

// frame gives an empty frame.
func (w *world) frame(k kind) *frame {
	n := len(w.free)
	if n == 0 {
		return &frame{kind: k}
	}
	f := w.free[n-1]
	w.free = w.free[:n-1]
	*f = frame{kind: k, runs: f.runs[:0], acks: f.acks[:0]}
	return f
}

// send lets a frame leave a node whose turn it is.
func (w *world) send(from, to int, f *frame) {
	n := &w.nodes[from]
	n.busy = max(n.busy, w.now) + w.plan.Proc
	w.sent++
	f.from, f.to = int32(from), int32(to)
	if w.rand.Chance(w.plan.loss()) || w.nodes[to].dead {
		w.free = append(w.free, f)
		return
	}
	hop := w.rand.Between(w.plan.Hop-w.plan.Hop/5, w.plan.Hop+w.plan.Hop/5)
	w.push(event{at: n.busy + hop, frame: f})
}

// wake plans a turn of a node.
func (w *world) wake(n int) {
	if x := &w.nodes[n]; !x.working {
		x.working = true
		w.push(event{at: max(w.now, x.busy), node: int32(n)})
	}
}

// batchMost is how many datagrams a loop takes before it sends.
const batchMost = 32

// step lets the next event happen; false: there is none before a time.
func (w *world) step(until sched.Instant) bool {
	if len(w.events) == 0 || w.events[0].at > until {
		w.now = max(w.now, until)
		return false
	}
	e := w.events.Pop()
	w.now = e.at
	switch {
	case e.frame != nil:
		n := int(e.frame.to)
		w.nodes[n].inbox = append(w.nodes[n].inbox, e.frame)
		w.wake(n)
	case e.alarm:
		w.policy.alarm(int(e.node))
		w.policy.turn(int(e.node))
	default:
		w.turn(int(e.node))
	}
	return true
}

// turn is one duty cycle of a node: it takes a batch, and then sends what is due.
func (w *world) turn(i int) {
	n := &w.nodes[i]
	n.working = false
	for _, f := range n.inbox[:min(batchMost, len(n.inbox))] {
		w.now += w.plan.Proc
		n.busy = w.now
		if f.kind == payload && !n.deaf {
			for k := range f.runs {
				w.received += int(f.runs[k].to - f.runs[k].from)
			}
		}
		if !n.deaf {
			w.policy.take(i, f)
		}
		w.free = append(w.free, f)
	}
	n.inbox = n.inbox[:copy(n.inbox, n.inbox[min(batchMost, len(n.inbox)):])]
	if !n.deaf {
		w.policy.turn(i)
	}
	if len(n.inbox) > 0 {
		w.wake(i)
	}
}

// apply takes a run into a node's replica. It reports what was held before, and whether it
// was applied: not so beyond a hole.
func (w *world) apply(n int, r *run) (before uint32, ok bool) {
	held := &w.held[r.author][n]
	before = *held
	if r.from > before {
		return before, false
	}
	if r.to > before {
		*held = r.to
		w.took(n, int(r.author))
	}
	return before, true
}
