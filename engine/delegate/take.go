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
	share := t.parts.Ring.Len()/t.cfg.Fanout + 1
	return t.parts.Ring.in(o.Range).n <= max(t.cfg.Fanout, sharesMost*share)
}

// Take takes a parcel: its range is covered with the next Flush. Acknowledgements are due
// when it is held.
func (t *Tree) Take(now sched.Instant, o *Offer) Verdict {
	n := t.parts.Count
	if !t.believes(o) {
		n.DelegationsForged++
		return Forged
	}
	if o.Refuse {
		t.answer(o.Peer, o.Serial, false)
		return Busy
	}
	held := o.Held >= o.To
	if held && (o.Alone || o.Old || t.lately(o)) {
		if !o.Alone {
			n.DelegationsStale++
		}
		t.answer(o.Peer, o.Serial, true)
		return Stale
	}
	x := task{Range: o.Range, from: min(o.From, o.Before), to: o.To, origin: o.Origin}
	x.sender, x.serial, x.alone = o.Peer, o.Serial, o.Alone
	if !held {
		x.waits = true
		x.until = now + 2*t.parts.Host.Patience(o.Peer, now) // by then somebody else has it
	}
	if len(t.tasks) == tasksMax {
		t.tire(now)
	}
	if !t.add(&x) {
		t.answer(o.Peer, o.Serial, false)
		return Busy
	}
	if held {
		t.accept(&x)
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
func (t *Tree) accept(x *task) {
	t.recent[t.next%recentMax] = covered{x.Range, x.to, x.origin}
	t.next++
	t.parts.Count.DelegationsTaken++
	t.answer(x.sender, x.serial, true)
}

// Moved notes that an origin is held up to a version now. It reports whether something that
// waited for that can be covered.
func (t *Tree) Moved(o uint32, held uint64) (any bool) {
	for i := 0; i < len(t.tasks); i++ {
		x := &t.tasks[i]
		if !x.waits || x.origin != o || x.to > held {
			continue
		}
		if x.alone {
			t.answer(x.sender, x.serial, true)
			t.tasks[i] = t.tasks[len(t.tasks)-1]
			t.tasks = t.tasks[:len(t.tasks)-1]
			i--
			continue
		}
		x.waits, any = false, true
		t.accept(x)
	}
	return any
}

// answers are acknowledgements that wait for a frame: a list for each peer.
type answers struct {
	nodes []answer // 0 is nil
	free  uint32
}

type answer struct {
	next   uint32
	serial uint32
	covers bool
}

func (a *answers) init(size int) {
	a.nodes = make([]answer, size+1)
	for i := range size {
		a.nodes[i+1].next = a.free
		a.free = uint32(i + 1)
	}
}

// drop gives up what a peer is owed.
func (a *answers) drop(p *Peer) {
	for p.owed != 0 {
		a.pop(p)
	}
}

func (a *answers) pop(p *Peer) (x answer) {
	i := p.owed
	x = a.nodes[i]
	p.owed = x.next
	a.nodes[i].next = a.free
	a.free = i
	return x
}

// answer owes a peer an acknowledgement.
func (t *Tree) answer(p, serial uint32, covers bool) {
	i := t.answers.free
	if i == 0 {
		t.parts.Count.DelegationsBusy++
		return
	}
	q := t.parts.Host.Peer(p)
	t.answers.free = t.answers.nodes[i].next
	t.answers.nodes[i] = answer{next: q.owed, serial: serial, covers: covers}
	q.owed = i
	t.parts.Host.WantAnswers(p)
}

// Answer takes an acknowledgement that a peer is owed; false: there is none.
func (t *Tree) Answer(p uint32) (serial uint32, covers, ok bool) {
	q := t.parts.Host.Peer(p)
	if q.owed == 0 {
		return 0, false, false
	}
	x := t.answers.pop(q)
	return x.serial, x.covers, true
}
