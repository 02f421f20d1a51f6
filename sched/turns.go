package sched

// Turns is a queue of handles, first come first served, each in it once. One writer;
// nothing is allocated after Init.
type Turns struct {
	next       []uint32 // by handle; 0: not in the queue; its own: the last
	head, tail uint32
}

// Init makes room for handles from 1 to `handles`.
func (q *Turns) Init(handles int) { *q = Turns{next: make([]uint32, handles+1)} }

// Has reports whether a handle waits for its turn.
func (q *Turns) Has(h uint32) bool { return q.next[h] != 0 }

// Push lets a handle wait for its turn, if it does not already.
func (q *Turns) Push(h uint32) {
	if q.Has(h) {
		return
	}
	q.next[h] = h
	if q.tail == 0 {
		q.head = h
	} else {
		q.next[q.tail] = h
	}
	q.tail = h
}

// First is the handle whose turn it is; 0: none.
func (q *Turns) First() uint32 { return q.head }

// Pop ends the turn of the first handle.
func (q *Turns) Pop() {
	h := q.head
	if h == 0 {
		return
	}
	q.head, q.next[h] = q.next[h], 0
	if h == q.tail {
		q.head, q.tail = 0, 0
	}
}
