package delegate

import "github.com/quidnunc/quidnunc/sched"

const (
	slotsMax  = 1<<16 - 1
	slotsMin  = 256
	probesMax = 32 // slots that are looked at for a free one
	triesMax  = 5  // times that a parcel is sent
	outMax    = 5  // doublings of Out

	slackShare = 8 // of a patience
)

// stage is where a parcel is.
type stage uint8

const (
	idle   stage = iota // there is none
	queued              // for the next frame to its delegate
	flying              // sent and not acknowledged
	done                // acknowledged; kept until its place is needed
)

// parcel is news on its way to a delegate. 80 bytes, and 8 for its alarm.
type parcel struct {
	Range
	from, to uint64        // versions of the origin; once it is sent, to is how far the run went
	news     uint64        // where the flush began, at its author; not below from
	at       sched.Instant // when it was done
	origin   uint32
	peer     uint32
	serial   uint32 // that acknowledges it
	next     uint32 // serial of the next in the peer's queue; 0: none
	frame    uint32 // flying: the number of the frame that it left in
	accused  uint32 // the peer is only asked whether it holds what this one said to cover; 0: it is not
	tries    uint8
	alone    bool // the peer covers nobody
	stage    stage
	life     uint16 // of the handle of who covers it, or is accused
}

// parcels are a table of them: that of a serial is in slot serial modulo size. It grows as it
// is needed.
type parcels struct {
	slots  []parcel
	alarms []sched.Instant // by slot: when to look again at one that is queued or flying
	most   int
	last   uint32 // serial given last
	busy   int    // queued or flying
}

func (t *parcels) init(most int) {
	*t = parcels{most: most}
	t.grow(min(slotsMin, most))
}

// grow makes room for so many, at least as many as there were. No two of a smaller table meet
// in one slot of a larger one whose size is a multiple of it.
func (t *parcels) grow(size int) {
	slots, alarms := t.slots, t.alarms
	t.slots, t.alarms = make([]parcel, size), make([]sched.Instant, size)
	for i := range t.alarms {
		t.alarms[i] = sched.Never
	}
	for i := range slots {
		if s := &slots[i]; s.stage != idle {
			*t.slot(s.serial), *t.alarm(s) = *s, alarms[i]
		}
	}
}

// slot is where a serial is or was.
func (t *parcels) slot(serial uint32) *parcel { return &t.slots[serial%uint32(len(t.slots))] }

// alarm is that of a parcel.
func (t *parcels) alarm(p *parcel) *sched.Instant { return &t.alarms[p.serial%uint32(len(t.slots))] }

// find gives the parcel of a serial that is in a stage; nil if there is none.
func (t *parcels) find(serial uint32, s stage) *parcel {
	if p := t.slot(serial); p.serial == serial && p.stage == s {
		return p
	}
	return nil
}

// take gives a place and its serial; nil: there is none.
func (t *parcels) take() *parcel {
	for range min(probesMax, len(t.slots)) {
		if t.last++; t.last == 0 {
			t.last = 1
		}
		if p := t.slot(t.last); p.stage == idle || p.stage == done {
			*p = parcel{serial: t.last}
			t.busy++
			return p
		}
	}
	if 2*len(t.slots) > t.most {
		return nil
	}
	t.grow(2 * len(t.slots))
	return t.take()
}

// queue makes a parcel due at its delegate. One for the same range and origin that has not
// left takes it in, and so does one for the peer alone another that is.
func (t *Tree) queue(now sched.Instant, p *parcel) bool {
	if p.peer == 0 {
		return false
	}
	peer := t.parts.Host.Peer(p.peer)
	for s := peer.head; s != 0; {
		q := t.parcels.slot(s)
		if q.origin == p.origin && (q.Range == p.Range || q.alone && p.alone) && q.accused == p.accused {
			q.from, q.news, q.to = min(q.from, p.from), min(q.news, p.news), max(q.to, p.to)
			return true
		}
		s = q.next
	}
	q := t.parcels.take()
	if q == nil {
		t.parts.Count.DelegationsBusy++
		return false
	}
	serial := q.serial
	*q = *p
	q.serial, q.next, q.stage = serial, 0, queued
	if q.accused == 0 {
		q.life = peer.life
	}
	if peer.tail != 0 {
		t.parcels.slot(peer.tail).next = serial
	} else {
		peer.head = serial
	}
	peer.tail = serial
	t.wait(now, q, 0, true)
	t.parts.Host.WantParcels(p.peer)
	return true
}

// wait lets a parcel be looked at when its peer's patience is over, doubled so many times.
func (t *Tree) wait(now sched.Instant, p *parcel, doubled uint8, lazy bool) {
	patience := t.parts.Host.Patience(p.peer, now, lazy)
	t.slack = patience / slackShare
	at := now + patience<<doubled
	*t.parcels.alarm(p) = at
	t.wakeAt(at)
}

// wakeAt lets Expire be called at a time, or before it.
func (t *Tree) wakeAt(at sched.Instant) {
	if at < t.alarm {
		t.alarm = at
		t.parts.Alarm.Set(at)
	}
}

// Parcel is what a frame carries for its receiver.
type Parcel struct {
	Range
	Alone    bool // and nobody is to be covered
	Asks     bool // it carries nothing: the question is whether To is held
	Lazy     bool // and its acknowledgement may wait for a ride
	Origin   uint32
	From, To uint64 // of the run
	News     uint64 // not below From: what was written after it is news
	Serial   uint32
}

// Next gives the first parcel that is due to a peer; false: there is none.
func (t *Tree) Next(p uint32, out *Parcel) bool {
	head := t.parts.Host.Peer(p).head
	if head == 0 {
		return false
	}
	q := t.parcels.slot(head)
	*out = Parcel{Range: q.Range, Alone: q.alone, Asks: q.accused != 0, Origin: q.origin, From: q.from, News: q.news, To: q.to, Serial: q.serial}
	return true
}

// Sent notes that the first parcel that is due to a peer leaves with a run up to a version.
// What the run left out is due still. lazy: its acknowledgement may wait for a ride.
func (t *Tree) Sent(now sched.Instant, p uint32, to uint64, lazy bool) {
	s := t.parcels.slot(t.unqueue(p))
	rest := *s
	s.to, s.stage, s.frame = to, flying, t.parts.Host.Frame(p)
	s.tries++
	doubled := uint8(0)
	if s.alone {
		doubled = max(s.tries, 2) - 2 // one that is lost says nothing of the path's length
	}
	t.wait(now, s, doubled, lazy)
	t.parts.Count.DelegationsSent++
	if rest.to > to {
		rest.from, rest.news, rest.tries = to, max(to, rest.news), 0
		t.queue(now, &rest)
	}
}

// Skip drops the first parcel that is due to a peer: there is nothing to send.
func (t *Tree) Skip(p uint32) { t.finish(t.parcels.slot(t.unqueue(p)), idle) }

// unqueue takes the first parcel out of a peer's queue.
func (t *Tree) unqueue(p uint32) (serial uint32) {
	peer := t.parts.Host.Peer(p)
	serial = peer.head
	if peer.head = t.parcels.slot(serial).next; peer.head == 0 {
		peer.tail = 0
	}
	t.parcels.slot(serial).next = 0
	return serial
}

// finish ends a parcel that is in no queue.
func (t *Tree) finish(s *parcel, as stage) {
	s.stage = as
	*t.parcels.alarm(s) = sched.Never
	t.parcels.busy--
}

// drop ends a parcel, wherever it is.
func (t *Tree) drop(s *parcel, as stage) {
	switch s.stage {
	case queued:
		peer := t.parts.Host.Peer(s.peer)
		if peer.head == s.serial {
			t.unqueue(s.peer)
			break
		}
		before := t.parcels.slot(peer.head)
		for before.next != s.serial {
			before = t.parcels.slot(before.next)
		}
		before.next = s.next
		if peer.tail == s.serial {
			peer.tail = before.serial
		}
		s.next = 0
	case flying:
	default:
		s.stage = as
		return
	}
	t.finish(s, as)
}
