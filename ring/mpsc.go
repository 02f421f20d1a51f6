package ring

import "sync/atomic"

// MPSC is a bounded queue from many producer goroutines to one consumer
// goroutine: Vyukov's ring, in which each slot carries a sequence number that
// says whose turn it is. Elements of one producer come in their order.
//
// A producer that is descheduled between claiming its slot and filling it hides
// the elements behind it until it goes on; nothing is lost.
type MPSC[T any] struct {
	slots []sequenced[T]
	mask  uint64

	_    farApart
	head uint64 // next to pop; the consumer's

	_    farApart
	tail atomic.Uint64 // next to claim

	_ farApart
}

// sequenced is one slot. turn is the position that may be pushed here; one more
// means that it is filled.
type sequenced[T any] struct {
	turn  atomic.Uint64
	value T
}

// Init makes room for at least size elements: the next power of two. It is the
// only call that allocates, and no other may run meanwhile.
func (q *MPSC[T]) Init(size int) {
	*q = MPSC[T]{slots: make([]sequenced[T], powerOfTwo(size))}
	q.mask = uint64(len(q.slots) - 1)
	for i := range q.slots {
		q.slots[i].turn.Store(uint64(i))
	}
}

// Cap is the number of elements that fit.
func (q *MPSC[T]) Cap() int { return len(q.slots) }

// Push appends v; false when the queue is full. For any goroutine. It retries
// only when another producer got the slot, so some producer always goes on.
//
// To sleep without missing an element: the consumer announces that it is about
// to sleep (an atomic store), looks at Empty once more, and sleeps; a producer
// pushes first and then looks whether the consumer has announced.
func (q *MPSC[T]) Push(v T) bool {
	tail := q.tail.Load()
	for {
		slot := &q.slots[tail&q.mask]
		switch ahead := int64(slot.turn.Load() - tail); {
		case ahead == 0:
			if q.tail.CompareAndSwap(tail, tail+1) {
				slot.value = v
				slot.turn.Store(tail + 1)
				return true
			}
			tail = q.tail.Load()
		case ahead < 0: // still holds the element of one round ago
			return false
		default: // another producer was faster
			tail = q.tail.Load()
		}
	}
}

// Pop takes the oldest element; false when there is none that is whole. For the
// consumer.
func (q *MPSC[T]) Pop() (v T, ok bool) {
	slot := &q.slots[q.head&q.mask]
	if slot.turn.Load() != q.head+1 {
		return v, false
	}
	var zero T
	v, slot.value = slot.value, zero
	slot.turn.Store(q.head + q.mask + 1) // the producer of the next round
	q.head++
	return v, true
}

// Empty tells whether Pop would find nothing. For the consumer.
func (q *MPSC[T]) Empty() bool {
	return q.slots[q.head&q.mask].turn.Load() != q.head+1
}
