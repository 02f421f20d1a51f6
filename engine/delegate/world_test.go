package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const (
	ms       = sched.Millisecond
	patience = 2 * ms
)

// node is a fake host: a replica of one origin each, and a tree.
type node struct {
	w     *world
	i     int
	tree  Tree
	peers []Peer
	due   []uint32
	alarm sched.Instant
	held  []uint64 // by origin
	got   int      // parcels that came
	count Counters

	frames uint32
	missed map[uint32]bool
}

func (n *node) Wall(now sched.Instant) sched.Wall                  { return sched.Wall(now) }
func (n *node) Peer(p uint32) *Peer                                { return &n.peers[p] }
func (n *node) Patience(uint32, sched.Instant, bool) sched.Instant { return patience }
func (n *node) Frame(p uint32) uint32                              { n.frames++; return n.frames }
func (n *node) Missed(_, frame uint32) bool                        { return n.missed[frame] }
func (n *node) WantParcels(p uint32)                               { n.due = append(n.due, p) }
func (n *node) WantAnswers(_ sched.Instant, p uint32, _ bool)      { n.due = append(n.due, p) }
func (n *node) Set(at sched.Instant)                               { n.alarm = min(n.alarm, at) }

// world is nodes whose frames take no time. Origin o is written by node o-1, and so is the
// handle of a node its index and one.
type world struct {
	nodes []*node
	ring  Ring
	now   sched.Instant
	rand  sched.Rand
	seed  uint64
	lost  func(from, to int) bool
	sent  int

	zones   int // members are in so many, in turn; 0: in none
	crossed int // parcels with news that left for another zone
	asked   int // parcels with nothing in them
}

func newWorld(n, fanout int, seed uint64) *world { return newZoned(n, fanout, seed, 0) }

func newZoned(n, fanout int, seed uint64, zones int) *world {
	w := &world{now: sched.Instant(sched.Second), seed: seed, lost: func(int, int) bool { return false }, zones: zones}
	w.rand.Seed(seed)
	for i := range n {
		w.ring.Add(Spot{Place: w.place(i), Peer: uint32(i + 1), Zone: w.zone(i)})
	}
	w.ring.Sort()
	for i := range n {
		x := &node{w: w, i: i, peers: make([]Peer, n+1), alarm: sched.Never, held: make([]uint64, n+1)}
		x.tree.Init(Config{Fanout: fanout, Flying: 1024, Blame: 96 * ms}, &Parts{Host: x, Ring: &w.ring, Place: w.place(i), Zone: w.zone(i), Seed: seed, Alarm: x, Count: &x.count})
		w.nodes = append(w.nodes, x)
	}
	return w
}

func (w *world) place(i int) uint64 { return PlaceOf(mix(uint64(i)+w.seed), w.zone(i)) }

func (w *world) zone(i int) uint32 {
	if w.zones == 0 {
		return 0
	}
	return uint32(1+i%w.zones) * 40503
}

// write makes a node write up to a version.
func (w *world) write(i int, to uint64) {
	n := w.nodes[i]
	n.tree.Learn(uint32(i+1), n.held[i+1], to)
	n.held[i+1] = to
	n.tree.Flush(w.now)
}

// run lets frames go until nothing is due, and the alarms until a time.
func (w *world) run(until sched.Instant) {
	for {
		for w.frames() {
		}
		first := sched.Never
		for _, n := range w.nodes {
			first = min(first, n.alarm)
		}
		if first > until {
			w.now = until
			return
		}
		w.now = max(w.now, first)
		for _, n := range w.nodes {
			if n.alarm <= w.now {
				n.alarm = sched.Never
				n.tree.Expire(w.now)
			}
		}
	}
}

// frames sends what is due everywhere.
func (w *world) frames() (any bool) {
	for _, n := range w.nodes {
		for len(n.due) > 0 {
			p := n.due[0]
			n.due = n.due[1:]
			any = true
			n.send(int(p - 1))
		}
	}
	return any
}

func (n *node) send(to int) {
	w := n.w
	for n.tree.Owes(uint32(to + 1)) {
		covers := true
		serial, ok := n.tree.Answer(uint32(to+1), true)
		if !ok {
			serial, covers = n.refusal(uint32(to+1)), false
		}
		if !w.lost(n.i, to) {
			w.nodes[to].tree.Answered(w.now, uint32(n.i+1), serial, covers)
		}
	}
	var p Parcel
	for n.tree.Next(uint32(to+1), &p) {
		if p.Asks {
			p.From = p.To
		} else {
			p.To = n.held[p.Origin]
		}
		n.tree.Sent(w.now, uint32(to+1), p.To, false)
		if w.sent++; p.Asks {
			w.asked++
		} else if w.zone(n.i) != w.zone(to) {
			w.crossed++
		}
		if !w.lost(n.i, to) {
			w.nodes[to].take(n.i, &p)
		}
	}
}

func (n *node) refusal(p uint32) uint32 {
	serial, _ := n.tree.Answer(p, false)
	return serial
}

// answer is what a peer is owed: an acknowledgement before a refusal.
func (n *node) answer(p uint32) (serial uint32, covers, ok bool) {
	if serial, ok = n.tree.Answer(p, true); ok {
		return serial, true, true
	}
	serial, ok = n.tree.Answer(p, false)
	return serial, false, ok
}

// take takes a parcel with its run.
func (n *node) take(from int, p *Parcel) Verdict {
	n.got++
	before := n.held[p.Origin]
	if p.From <= before {
		n.held[p.Origin] = max(before, p.To)
	}
	v := n.tree.Take(n.w.now, &Offer{
		Parcel: *p, Peer: uint32(from + 1), Sender: n.w.place(from), Author: n.w.place(int(p.Origin) - 1),
		Before: before, Held: n.held[p.Origin],
	})
	n.tree.Moved(n.w.now, p.Origin, n.held[p.Origin])
	n.tree.Flush(n.w.now)
	return v
}

// total sums up the counters.
func (w *world) total() (c Counters) {
	for _, n := range w.nodes {
		c.DelegationsSent += n.count.DelegationsSent
		c.DelegationsTaken += n.count.DelegationsTaken
		c.DelegationsReplaced += n.count.DelegationsReplaced
		c.DelegationsRefused += n.count.DelegationsRefused
		c.DelegationsLost += n.count.DelegationsLost
		c.DelegationsForged += n.count.DelegationsForged
		c.DelegationsStale += n.count.DelegationsStale
		c.DelegationsFalse += n.count.DelegationsFalse
		c.DelegationsBusy += n.count.DelegationsBusy
	}
	return c
}

// check holds what is always true of a table.
func (w *world) check(t *testing.T) {
	t.Helper()
	for _, n := range w.nodes {
		busy, listed := 0, 0
		for i := range n.tree.parcels.slots {
			s := &n.tree.parcels.slots[i]
			if s.stage != queued && s.stage != flying {
				continue
			}
			if busy++; s.accused != 0 && s.peer == s.accused {
				t.Fatalf("node %d: %d is asked about itself", n.i, s.peer)
			}
		}
		for p := range n.peers {
			for s := n.peers[p].head; s != 0; s = n.tree.parcels.slot(s).next {
				q := n.tree.parcels.slot(s)
				if q.stage != queued || q.serial != s || q.peer != uint32(p) {
					t.Fatalf("node %d: %+v in the queue of %d", n.i, *q, p)
				}
				if q.next == 0 && n.peers[p].tail != s {
					t.Fatalf("node %d: the queue of %d ends with %d, not with %d", n.i, p, s, n.peers[p].tail)
				}
				listed++
			}
		}
		if busy != n.tree.parcels.busy || listed > busy {
			t.Fatalf("node %d: %d parcels are busy, %d are counted, %d are listed", n.i, busy, n.tree.parcels.busy, listed)
		}
	}
}
