package compare

// order is a doubly linked list of handles, newest move first. A handle is in it
// at most once. Each move to the front takes a rank, so ranks fall strictly from
// front to back and a place can be found again after the list has changed.
type order struct {
	nodes []node // by handle; node 0 is the list's two ends
	rank  uint64 // last one taken
	size  int
}

// node is one handle's place; rank 0 is not in the list.
type node struct {
	prev, next uint32
	rank       uint64
}

func (l *order) init(handles int) { *l = order{nodes: make([]node, handles+1)} }

// front is the newest handle, 0 if there is none.
func (l *order) front() uint32 { return l.nodes[0].next }

// after is the next older handle, 0 at the end.
func (l *order) after(h uint32) uint32 { return l.nodes[h].next }

func (l *order) has(h uint32) bool { return h != 0 && l.nodes[h].rank != 0 }

// toFront inserts or moves h.
func (l *order) toFront(h uint32) {
	l.remove(h)
	first := l.nodes[0].next
	l.rank++
	l.nodes[h] = node{prev: 0, next: first, rank: l.rank}
	l.nodes[first].prev = h
	l.nodes[0].next = h
	l.size++
}

// remove takes h out if it is in.
func (l *order) remove(h uint32) {
	if !l.has(h) {
		return
	}
	n := l.nodes[h]
	l.nodes[n.prev].next = n.next
	l.nodes[n.next].prev = n.prev
	l.nodes[h] = node{}
	l.size--
}

// Peel is a walk through an order from the newest to the oldest, batch by batch:
// peel back. It is two words that the caller keeps for each exchange, and it
// survives changes of the order between batches: what moved to the front
// meanwhile is not repeated (it is newer than the walk and has its own way to
// spread), everything else is met once.
type Peel struct {
	below uint64 // rank of the last one given; 0 before the start
	hint  uint32 // its handle then
}

// next writes the next older handles to dst and returns how many; 0 is the end.
func (p *Peel) next(l *order, dst []uint32) int {
	h := p.resume(l)
	n := 0
	for ; h != 0 && n < len(dst); n++ {
		dst[n] = h
		p.below, p.hint = l.nodes[h].rank, h
		h = l.after(h)
	}
	return n
}

// resume finds the newest handle that is older than the last one given. When
// that one has moved it costs a walk over what is newer, at most the list.
func (p *Peel) resume(l *order) uint32 {
	if p.below == 0 {
		return l.front()
	}
	if int(p.hint) < len(l.nodes) && l.nodes[p.hint].rank == p.below {
		return l.after(p.hint)
	}
	h := l.front()
	for h != 0 && l.nodes[h].rank >= p.below {
		h = l.after(h)
	}
	return h
}

// Activity is the local activity order (Demers et al. §1.5): batches are offered
// from its front, and an item that was needed, or has just arrived, moves to the
// front, so that useless ones slip deeper. It joins peel back with rumor
// mongering: no update is ever given up, and little is sent in vain.
type Activity struct{ order order }

// Init sizes the order for handles 1 to handles. Only this allocates.
func (a *Activity) Init(handles int) { a.order.init(handles) }

// Arrived puts h to the front: it is new here.
func (a *Activity) Arrived(h uint32) { a.order.toFront(h) }

// Useful puts h to the front again if it is in the order: a peer needed it.
func (a *Activity) Useful(h uint32) {
	if a.order.has(h) {
		a.order.toFront(h)
	}
}

// Forget takes h out.
func (a *Activity) Forget(h uint32) { a.order.remove(h) }

// Len returns the number of handles in the order.
func (a *Activity) Len() int { return a.order.size }

// Next goes on with p and writes a batch to dst.
func (a *Activity) Next(p *Peel, dst []uint32) int { return p.next(&a.order, dst) }
