package broadcast

import (
	"github.com/quidnunc/quidnunc/engine/delegate"
	"github.com/quidnunc/quidnunc/sched"
)

type parcel = delegate.Parcel

// delegated is package delegate at every node.
type delegated struct {
	w       *world
	ring    delegate.Ring
	count   delegate.Counters
	members []*member
	places  []uint64
}

// member is one node: the host of its tree.
type member struct {
	d     *delegated
	i     int
	tree  delegate.Tree
	peers map[uint32]*delegate.Peer
	due   []int32 // nodes that something is due to
	holes []hole
}

// hole is a log that a run came beyond the end of.
type hole struct {
	author, sender int32
	at             sched.Instant // when it is pulled, unless it is filled
	to             uint32
}

// A node's handle is its index and one.
func (m *member) Peer(p uint32) *delegate.Peer {
	x := m.peers[p]
	if x == nil {
		x = new(delegate.Peer)
		m.peers[p] = x
	}
	return x
}

// Wall is what all clocks show.
func (m *member) Wall(now sched.Instant) sched.Wall { return sched.Wall(now) }

// Patience is four times the round trip of two idle nodes; where news goes out twice, with the time
// that it takes to send.
func (m *member) Patience(uint32, sched.Instant, bool) sched.Instant {
	p := m.d.w.plan
	if p.Urgent {
		return 8*(p.Hop+p.Proc) + sched.Instant(len(m.due))*p.Proc
	}
	return 8 * (p.Hop + p.Proc)
}

// Frame and Missed: an acknowledgement names no frame here.
func (m *member) Frame(uint32) uint32     { return 0 }
func (m *member) Missed(_, _ uint32) bool { return false }

func (m *member) WantParcels(p uint32)                          { m.want(p) }
func (m *member) WantAnswers(_ sched.Instant, p uint32, _ bool) { m.want(p) }

func (m *member) want(p uint32) {
	for _, q := range m.due {
		if q == int32(p-1) {
			return
		}
	}
	m.due = append(m.due, int32(p-1))
}

// Set is the alarm.
func (m *member) Set(at sched.Instant) {
	m.d.w.push(event{at: max(at, m.d.w.now), node: int32(m.i), alarm: true})
}

func newDelegated(w *world) policy {
	d := &delegated{w: w, members: make([]*member, len(w.nodes)), places: make([]uint64, len(w.nodes))}
	for i := range d.places {
		d.places[i] = w.rand.Uint64()
		d.ring.Add(delegate.Spot{Place: d.places[i], Peer: uint32(i + 1)})
	}
	d.ring.Sort()
	return d
}

// member gives the host of a node, and makes it with its first frame.
func (d *delegated) member(i int) *member {
	m := d.members[i]
	if m == nil {
		m = &member{d: d, i: i, peers: map[uint32]*delegate.Peer{}}
		m.tree.Init(delegate.Config{Fanout: d.w.plan.Fanout, Flying: 4 * d.w.plan.Fanout}, &delegate.Parts{
			Host: m, Ring: &d.ring, Place: d.places[i], Seed: d.w.plan.Seed, Alarm: m, Count: &d.count,
		})
		d.members[i] = m
	}
	return m
}

func (d *delegated) write(a int, to uint32) {
	i := d.w.author(a)
	d.member(i).tree.Learn(uint32(a+1), uint64(to-1), uint64(to))
	if d.w.plan.Urgent {
		d.member(i).tree.Urge(uint32(a+1), int32(d.w.plan.Loss*(1<<16)))
	}
	d.w.wake(i)
}

func (d *delegated) take(i int, f *frame) {
	m, w := d.member(i), d.w
	from := uint32(f.from + 1)
	for _, a := range f.acks {
		m.tree.Answered(w.now, from, a.serial, a.covers)
	}
	if f.kind == pull {
		out := w.frame(payload)
		for _, r := range f.runs {
			out.runs = append(out.runs, run{author: r.author, from: r.from, to: w.held[r.author][i]})
		}
		w.send(i, int(f.from), out)
		return
	}
	for k := range f.runs {
		r := &f.runs[k]
		before, ok := w.apply(i, r)
		held := w.held[r.author][i]
		if ok && held > before {
			m.tree.Moved(w.now, uint32(r.author+1), uint64(held))
		}
		if r.given.Serial == 0 {
			continue
		}
		if !ok {
			h := hole{r.author, f.from, w.now + w.plan.Hop, r.to}
			m.holes = append(m.holes, h)
			m.Set(h.at)
		}
		o := delegate.Offer{
			Parcel: r.given, Peer: from, Sender: d.places[f.from], Author: d.places[w.author(int(r.author))],
			Before: uint64(before), Held: uint64(held),
		}
		if w.nodes[i].liar {
			o.Alone = true
		}
		m.tree.Take(w.now, &o)
	}
}

// turn flushes, and sends a frame to each whom something is due to.
func (d *delegated) turn(i int) {
	m, w := d.member(i), d.w
	m.tree.Flush(w.now)
	for k := 0; k < len(m.due); k++ {
		to := m.due[k]
		f := w.frame(payload)
		for _, covers := range []bool{true, false} {
			for serial, ok := m.tree.Answer(uint32(to+1), covers); ok; serial, ok = m.tree.Answer(uint32(to+1), covers) {
				f.acks = append(f.acks, ack{serial, covers})
			}
		}
		var p parcel
		for m.tree.Next(uint32(to+1), &p) {
			a := int(p.Origin - 1)
			if p.Asks {
				p.From = p.To
			} else {
				p.To = uint64(w.held[a][i])
			}
			f.runs = append(f.runs, run{author: int32(a), from: uint32(p.From), to: uint32(p.To), given: p})
			m.tree.Sent(w.now, uint32(to+1), p.To, false)
		}
		if len(f.runs)+len(f.acks) == 0 {
			w.free = append(w.free, f)
			continue
		}
		w.send(i, int(to), f)
	}
	m.due = m.due[:0]
}

func (d *delegated) alarm(i int) {
	m, w := d.member(i), d.w
	m.tree.Expire(w.now)
	kept := m.holes[:0]
	for _, h := range m.holes {
		held := w.held[h.author][i]
		switch {
		case held >= h.to:
		case h.at > w.now:
			kept = append(kept, h)
		default:
			f := w.frame(pull)
			f.runs = append(f.runs, run{author: h.author, from: held, to: held})
			w.send(i, int(h.sender), f)
		}
	}
	m.holes = kept
}
