package delegate

import "github.com/quidnunc/quidnunc/sched"

// Offer is a parcel that came from a peer, with its run.
type Offer struct {
	Parcel
	Peer   uint32 // who sent it
	Sender uint64 // its place
	Author uint64 // that of who wrote the news
	Before uint64 // the version that was held here before the run
	Held   uint64 // and now
	Old    bool   // the news had its time to arrive everywhere
	Refuse bool   // it can't be taken here
}

// Verdict says what became of an offer.
type Verdict uint8

// The verdicts.
const (
	Taken  Verdict = iota
	Stale          // it is acknowledged, and was covered or is old
	Forged         // no member can have sent it
	Busy           // there is no room, or it can't be applied
)

// sharesMost is how many times its share of the members a delegate is given at most: views
// of the cluster differ, and so may the configured Fanout.
const sharesMost = 4

// believes reports whether a member can have given a range to this node.
func (t *Tree) believes(o *Offer) bool {
	if o.Alone {
		return true
	}
	if !o.Has(t.parts.Place) || o.Has(o.Sender) || o.Has(o.Author) {
		return false
	}
	ring := t.parts.Ring
	n, most := ring.in(o.Range).n, max(t.cfg.Fanout, sharesMost*(ring.Len()/t.cfg.Fanout+1))
	if z := zoned(t.parts.Zone); n > most && t.parts.Zone != 0 && o.Lo <= o.Hi { // of its own zone it may be given all
		n -= ring.in(Range{max(o.Lo, z.Lo), min(o.Hi, z.Hi)}).n
	}
	return n <= most
}

// Take takes a parcel: its range is covered with the next Flush. Acknowledgements are due
// when it is held.
func (t *Tree) Take(now sched.Instant, o *Offer) Verdict {
	n := t.parts.Count
	if !t.believes(o) {
		n.DelegationsForged++
		return Forged
	}
	held := o.Held >= o.To
	if o.Asks {
		t.answer(now, o.Peer, answer{serial: o.Serial, covers: held || o.Refuse})
		return Stale
	}
	if o.Refuse {
		t.answer(now, o.Peer, answer{serial: o.Serial})
		return Busy
	}
	if held && (o.Alone || o.Old || t.lately(o)) {
		if !o.Alone {
			n.DelegationsStale++
		}
		t.answer(now, o.Peer, answer{serial: o.Serial, covers: true, lazy: o.Lazy})
		return Stale
	}
	x := task{Range: o.Range, from: min(o.News, o.Before), news: o.News, to: o.To, origin: o.Origin}
	x.sender, x.serial, x.alone = o.Peer, o.Serial, o.Alone
	if !held {
		x.waits = true
		x.until = now + 2*t.parts.Host.Patience(o.Peer, now, o.Lazy) // by then somebody else has it
	}
	if !t.room(&x) {
		t.tire(now)
	}
	if !t.add(&x) {
		t.answer(now, o.Peer, answer{serial: o.Serial})
		return Busy
	}
	if held {
		t.accept(now, &x)
	}
	return Taken
}

// lately reports whether a range was covered lately.
func (t *Tree) lately(o *Offer) bool {
	for i := range t.recent {
		if r := &t.recent[i]; r.origin == o.Origin && r.to >= o.To && r.Holds(o.Range) {
			return true
		}
	}
	return false
}

// accept acknowledges a range that will be covered.
func (t *Tree) accept(now sched.Instant, x *task) {
	t.recent[t.next%recentMax] = covered{x.Range, x.to, x.origin}
	t.next++
	t.parts.Count.DelegationsTaken++
	t.answer(now, x.sender, answer{serial: x.serial, covers: true})
}

// Moved notes that an origin is held up to a version now. It reports whether something that
// waited for that can be covered.
func (t *Tree) Moved(now sched.Instant, o uint32, held uint64) (any bool) {
	for i := 0; i < len(t.tasks); i++ {
		x := &t.tasks[i]
		if !x.waits || x.origin != o || x.to > held {
			continue
		}
		if x.alone {
			t.answer(now, x.sender, answer{serial: x.serial, covers: true})
			t.tasks[i] = t.tasks[len(t.tasks)-1]
			t.tasks = t.tasks[:len(t.tasks)-1]
			i--
			continue
		}
		x.waits, any = false, true
		t.accept(now, x)
	}
	return any
}

// answers are acknowledgements that wait for a frame: a list for each peer.
type answers struct {
	nodes []answer // 0 is nil
	free  uint32
	most  int
}

type answer struct {
	next   uint32
	serial uint32
	covers bool
	lazy   bool // it may wait for a ride
}

func (a *answers) init(most int) {
	*a = answers{nodes: make([]answer, 1, min(slotsMin, most+1)), most: most}
}

// place gives a free one; 0: there is none.
func (a *answers) place() uint32 {
	i := a.free
	switch {
	case i != 0:
		a.free = a.nodes[i].next
	case len(a.nodes) <= a.most:
		a.nodes = append(a.nodes, answer{})
		return uint32(len(a.nodes) - 1)
	}
	return i
}

// drop gives up what a peer is owed.
func (a *answers) drop(p *Peer) {
	for p.owed != 0 {
		a.take(&p.owed)
	}
}

// take takes the answer out that a link leads to.
func (a *answers) take(at *uint32) (serial uint32) {
	i := *at
	*at = a.nodes[i].next
	a.nodes[i].next = a.free
	a.free = i
	return a.nodes[i].serial
}

// answer owes a peer an acknowledgement.
func (t *Tree) answer(now sched.Instant, p uint32, x answer) {
	i := t.answers.place()
	if i == 0 {
		t.parts.Count.DelegationsBusy++
		return
	}
	q := t.parts.Host.Peer(p)
	x.next = q.owed
	t.answers.nodes[i] = x
	q.owed = i
	t.parts.Host.WantAnswers(now, p, x.lazy)
}

// Answer takes an acknowledgement that a peer is owed, or a refusal; false: there is none.
func (t *Tree) Answer(p uint32, covers bool) (serial uint32, ok bool) {
	for at := &t.parts.Host.Peer(p).owed; *at != 0; at = &t.answers.nodes[*at].next {
		if t.answers.nodes[*at].covers == covers {
			return t.answers.take(at), true
		}
	}
	return 0, false
}

// Owes reports whether a peer is owed any.
func (t *Tree) Owes(p uint32) bool { return t.parts.Host.Peer(p).owed != 0 }
