package simnet

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

const (
	queueTickBits = 10
	slotBits      = 8
	levelSlots    = 1 << slotBits
	levels        = 7 // 56 bits of ticks: longer than an Instant
)

// QueueTick is how finely a Queue tells times apart.
const QueueTick sched.Instant = 1 << queueTickBits

// Queue is what will happen in a world of virtual time: a hierarchical timing
// wheel, in which pushing and popping cost the same at any number of events.
// Events of one QueueTick come in the order in which they were pushed, so the
// order is the same in every run. The zero value is not ready: Init comes first.
type Queue[T any] struct {
	events   []queued[T] // by handle; 0 unused
	free     uint32
	tick     uint64
	n        int
	slots    [levels][levelSlots]struct{ head, tail uint32 }
	occupied [levels][levelSlots / 64]uint64
}

// queued is an event in its slot.
type queued[T any] struct {
	at   sched.Instant
	next uint32 // in its slot; 0: none
	what T
}

// Init empties the queue and lets its time begin at now.
func (q *Queue[T]) Init(now sched.Instant) {
	*q = Queue[T]{events: make([]queued[T], 1, 1024), tick: uint64(now) >> queueTickBits}
}

// Len is how many events are queued.
func (q *Queue[T]) Len() int { return q.n }

// Push adds an event. One in the past happens at once.
func (q *Queue[T]) Push(at sched.Instant, what T) {
	i := q.free
	if i != 0 {
		q.free = q.events[i].next
	} else {
		q.events = append(q.events, queued[T]{})
		i = uint32(len(q.events) - 1)
	}
	q.events[i] = queued[T]{at: at, what: what}
	q.n++
	q.place(i)
}

func (q *Queue[T]) place(i uint32) {
	tick := max(uint64(q.events[i].at)>>queueTickBits, q.tick)
	level := 0
	if differ := tick ^ q.tick; differ != 0 {
		level = (bits.Len64(differ) - 1) / slotBits
	}
	slot := tick >> (level * slotBits) % levelSlots
	s := &q.slots[level][slot]
	if s.head == 0 {
		s.head = i
		q.occupied[level][slot/64] |= 1 << (slot % 64)
	} else {
		q.events[s.tail].next = i
	}
	s.tail = i
}

// Pop takes the next event that happens not later than until, whose tick counts
// whole, and tells for when it was pushed.
func (q *Queue[T]) Pop(until sched.Instant, what *T) (at sched.Instant, ok bool) {
	target := uint64(until) >> queueTickBits
	for q.n > 0 {
		level, slot := q.first()
		shift := level * slotBits
		start := q.tick>>(shift+slotBits)<<(shift+slotBits) | slot<<shift
		if start > target {
			return 0, false
		}
		q.tick = max(q.tick, start)
		if level == 0 {
			return q.take(slot, what), true
		}
		q.cascade(level, slot)
	}
	return 0, false
}

// take removes the first event of a slot of the lowest level.
func (q *Queue[T]) take(slot uint64, what *T) sched.Instant {
	s := &q.slots[0][slot]
	i := s.head
	e := &q.events[i]
	if s.head = e.next; s.head == 0 {
		q.vacate(0, slot)
	}
	at := e.at
	*what = e.what
	*e = queued[T]{next: q.free} // nothing is kept alive
	q.free = i
	q.n--
	return at
}

// cascade hands the events of a slot, whose time has come, down.
func (q *Queue[T]) cascade(level int, slot uint64) {
	i := q.slots[level][slot].head
	q.slots[level][slot].head = 0
	q.vacate(level, slot)
	for i != 0 {
		next := q.events[i].next
		q.events[i].next = 0
		q.place(i)
		i = next
	}
}

func (q *Queue[T]) vacate(level int, slot uint64) {
	q.occupied[level][slot/64] &^= 1 << (slot % 64)
}

// first is the earliest slot that holds an event; there is one.
func (q *Queue[T]) first() (level int, slot uint64) {
	for level := range q.occupied {
		for word, set := range q.occupied[level] {
			if set != 0 {
				return level, uint64(word*64 + bits.TrailingZeros64(set))
			}
		}
	}
	panic("simnet: the queue counts an event that it does not hold")
}
