package sim

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// kind is what an event does.
type kind uint8

const (
	kindArrive kind = iota // a frame reaches node
	kindAlarm              // node has something to do
	kindCall               // a function of the caller
)

// event is one thing that happens.
type event struct {
	at    sched.Instant
	next  uint32 // in its slot; 0: none
	node  uint32
	from  uint32 // kindArrive: the sender; kindCall: which function
	frame frameRef
	size  uint16
	port  uint16 // kindArrive: the sender's
	kind  kind
}

const (
	tickBits   = 10 // 1,024 ns
	slotBits   = 8
	levelSlots = 1 << slotBits
	levels     = 7 // 56 bits of ticks: longer than an Instant
)

// queue is a hierarchical timing wheel of events: pushing and popping cost the
// same at any number of events. Events of one tick come in the order in which
// they reached their slot, so the order is the same in every run.
type queue struct {
	events   []event // by handle; 0 unused
	free     uint32
	tick     uint64
	n        int
	slots    [levels][levelSlots]struct{ head, tail uint32 }
	occupied [levels][levelSlots / 64]uint64
}

func (q *queue) init(now sched.Instant) {
	*q = queue{events: make([]event, 1, 1024), tick: uint64(now) >> tickBits}
}

// push adds an event. One in the past happens at once.
func (q *queue) push(e event) {
	i := q.free
	if i != 0 {
		q.free = q.events[i].next
	} else {
		q.events = append(q.events, event{})
		i = uint32(len(q.events) - 1)
	}
	e.next = 0
	q.events[i] = e
	q.n++
	q.place(i)
}

func (q *queue) place(i uint32) {
	tick := max(uint64(q.events[i].at)>>tickBits, q.tick)
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

// pop takes the next event that happens not later than until.
func (q *queue) pop(until sched.Instant, e *event) bool {
	target := uint64(until) >> tickBits
	for q.n > 0 {
		level, slot := q.first()
		shift := level * slotBits
		start := q.tick>>(shift+slotBits)<<(shift+slotBits) | slot<<shift
		if start > target {
			return false
		}
		q.tick = max(q.tick, start)
		s := &q.slots[level][slot]
		i := s.head
		if level == 0 {
			*e = q.events[i]
			if s.head = e.next; s.head == 0 {
				q.vacate(0, slot)
			}
			q.events[i].next, q.free = q.free, i
			q.n--
			return true
		}
		s.head = 0
		q.vacate(level, slot)
		for i != 0 {
			next := q.events[i].next
			q.events[i].next = 0
			q.place(i)
			i = next
		}
	}
	return false
}

func (q *queue) vacate(level int, slot uint64) {
	q.occupied[level][slot/64] &^= 1 << (slot % 64)
}

// first is the earliest slot that holds an event; there is one.
func (q *queue) first() (level int, slot uint64) {
	for level := range q.occupied {
		for word, set := range q.occupied[level] {
			if set != 0 {
				return level, uint64(word*64 + bits.TrailingZeros64(set))
			}
		}
	}
	panic("sim: the queue counts an event that it does not hold")
}
