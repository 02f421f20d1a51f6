package sched

// RoundRobin visits a changing set of handles in traversals: each traversal
// visits every handle once, in a fresh random order. A handle that joins lands
// at a random position of the running traversal. So two visits of one handle
// lie at most 2n-1 calls apart while at most n handles are in the set (SWIM §4.3),
// and one more for each that joined between them; a newcomer is not favoured over
// the others.
//
// The order is drawn as it is walked (a Fisher-Yates shuffle, one step a call),
// so no call costs more than O(1).
type RoundRobin struct {
	order   []uint32 // [:visited] were visited in this traversal, the rest not yet
	place   []uint32 // handle -> index into order plus 1; 0: not in the set
	visited uint32
}

// Init makes room for handles 0 to handles, both included, and empties the set.
// It asks for 8 bytes a handle and is the only call that allocates.
func (q *RoundRobin) Init(handles int) {
	q.order = make([]uint32, 0, handles+1)
	q.place = make([]uint32, handles+1)
	q.visited = 0
}

// Len is the number of handles in the set.
func (q *RoundRobin) Len() int { return len(q.order) }

// Has tells whether h is in the set.
func (q *RoundRobin) Has(h uint32) bool { return q.place[h] != 0 }

// Insert adds h at a random position of the running traversal. It tells
// whether h was new.
func (q *RoundRobin) Insert(r *Rand, h uint32) bool {
	if q.Has(h) {
		return false
	}
	n := uint32(len(q.order))
	q.order = append(q.order, h)
	q.place[h] = n + 1
	if r.Uint32n(n+1) < q.visited {
		q.swap(n, q.visited) // behind the walker: its turn comes in the next traversal
		q.visited++
	}
	return true
}

// Remove takes h out of the set. It tells whether h was there.
func (q *RoundRobin) Remove(h uint32) bool {
	if !q.Has(h) {
		return false
	}
	i, last := q.place[h]-1, uint32(len(q.order)-1)
	if i < q.visited {
		q.visited--
		q.swap(i, q.visited)
		i = q.visited
	}
	q.swap(i, last)
	q.order = q.order[:last]
	q.place[h] = 0
	return true
}

// Next returns the handle whose turn it is, or false when the set is empty. A
// caller that skips some handles asks at most Len times.
func (q *RoundRobin) Next(r *Rand) (uint32, bool) {
	n := uint32(len(q.order))
	if n == 0 {
		return 0, false
	}
	if q.visited == n {
		q.visited = 0
	}
	q.swap(q.visited, q.visited+r.Uint32n(n-q.visited))
	q.visited++
	return q.order[q.visited-1], true
}

func (q *RoundRobin) swap(i, j uint32) {
	a, b := q.order[i], q.order[j]
	q.order[i], q.order[j] = b, a
	q.place[a], q.place[b] = j+1, i+1
}
