package sched

// Timed is what a Heap holds: something that happens at a time, or after
// something else at the same time.
type Timed[T any] interface {
	// Before orders the values. It must be strict, and total if the order in which
	// equal ones come out is to be the same everywhere.
	Before(T) bool
}

// Heap is a binary heap of values, the one before all others on top. The zero
// value is empty. Push allocates when it grows beyond its capacity; nothing else
// does.
type Heap[T Timed[T]] []T

// Push adds a value.
func (h *Heap[T]) Push(v T) {
	q := append(*h, v)
	i := len(q) - 1
	for i > 0 && q[i].Before(q[(i-1)/2]) {
		q[i], q[(i-1)/2] = q[(i-1)/2], q[i]
		i = (i - 1) / 2
	}
	*h = q
}

// Pop removes the top and returns it. The heap must not be empty.
func (h *Heap[T]) Pop() T {
	q := *h
	var none T
	top, last := q[0], len(q)-1
	q[0], q[last] = q[last], none
	*h = q[:last]
	h.sink(0)
	return top
}

// sink moves a value down to its place.
func (h *Heap[T]) sink(i int) {
	q := *h
	for {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(q); child++ {
			if q[child].Before(q[least]) {
				least = child
			}
		}
		if least == i {
			return
		}
		q[i], q[least] = q[least], q[i]
		i = least
	}
}

// Init makes a heap of values in any order.
func (h *Heap[T]) Init() {
	for i := len(*h)/2 - 1; i >= 0; i-- {
		h.sink(i)
	}
}
