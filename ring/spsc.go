package ring

import "sync/atomic"

// farApart keeps what follows out of the pair of cache lines that is before.
type farApart [128]byte

// SPSC is a bounded queue from one producer goroutine to one consumer
// goroutine. Each side keeps its last sight of the other's index, so that in a
// burst the line between the cores moves once and not once an element.
type SPSC[T any] struct {
	slots []T
	mask  uint64

	_        farApart
	head     atomic.Uint64 // next to pop; written by the consumer
	seenTail uint64        // the consumer's

	_        farApart
	tail     atomic.Uint64 // next to push; written by the producer
	seenHead uint64        // the producer's

	_ farApart
}

// Init makes room for at least size elements: the next power of two. It is the
// only call that allocates, and no other may run meanwhile.
func (q *SPSC[T]) Init(size int) {
	*q = SPSC[T]{slots: make([]T, powerOfTwo(size))}
	q.mask = uint64(len(q.slots) - 1)
}

// Cap is the number of elements that fit.
func (q *SPSC[T]) Cap() int { return len(q.slots) }

// Len is the number of elements at some moment during the call, on any
// goroutine.
func (q *SPSC[T]) Len() int {
	head := q.head.Load() // first: the tail can only move on meanwhile
	return min(int(q.tail.Load()-head), len(q.slots))
}

// Push appends v; false when the queue is full. For the producer.
func (q *SPSC[T]) Push(v T) bool {
	tail := q.tail.Load()
	if tail-q.seenHead > q.mask {
		if q.seenHead = q.head.Load(); tail-q.seenHead > q.mask {
			return false
		}
	}
	q.slots[tail&q.mask] = v
	q.tail.Store(tail + 1)
	return true
}

// Pop takes the oldest element; false when the queue is empty. For the consumer.
func (q *SPSC[T]) Pop() (v T, ok bool) {
	head := q.head.Load()
	if head == q.seenTail {
		if q.seenTail = q.tail.Load(); head == q.seenTail {
			return v, false
		}
	}
	slot := &q.slots[head&q.mask]
	var zero T
	v, *slot = *slot, zero // what it points to is the consumer's to keep alive
	q.head.Store(head + 1)
	return v, true
}

// powerOfTwo is the smallest power of two that is not less than size, at least 2.
func powerOfTwo(size int) int {
	n := 2
	for n < size {
		n *= 2
	}
	return n
}
