package ring

// Queue is a bounded queue for one thread. Nothing is allocated after Init, and what
// was popped is forgotten when its place is used again.
type Queue[T any] struct {
	slots []T
	head  int
	n     int
	lost  bool // since Lost was asked
}

// Init makes room for size values.
func (q *Queue[T]) Init(size int) { *q = Queue[T]{slots: make([]T, size)} }

// Len is how many values wait.
func (q *Queue[T]) Len() int { return q.n }

// Push adds a value; false: the queue is full.
func (q *Queue[T]) Push(v T) bool {
	if q.n == len(q.slots) {
		q.lost = true
		return false
	}
	q.slots[(q.head+q.n)%len(q.slots)] = v
	q.n++
	return true
}

// Pop takes the oldest value; false: there is none.
func (q *Queue[T]) Pop(v *T) bool {
	if q.n == 0 {
		return false
	}
	*v = q.slots[q.head]
	q.head = (q.head + 1) % len(q.slots)
	q.n--
	return true
}

// Lost reports, once, that values found no room.
func (q *Queue[T]) Lost() bool {
	was := q.lost
	q.lost = false
	return was
}
