package compare

import "github.com/quidnunc/quidnunc/sched"

// Recent is the recent-update list (Demers et al. §1.3): handles in the order of
// their last change, with the time of it. Two nodes exchange what changed within
// a window first, and compare checksums only then; when they still differ they
// peel back. The window must be longer than an update takes to reach everybody,
// or the checksums will nearly always differ.
type Recent struct {
	order order
	at    []sched.Instant
}

// Init sizes the list for handles 1 to handles. Only this allocates.
func (r *Recent) Init(handles int) {
	r.order.init(handles)
	r.at = make([]sched.Instant, handles+1)
}

// Changed puts h to the front with the time now, which never goes back.
func (r *Recent) Changed(h uint32, now sched.Instant) {
	r.order.toFront(h)
	r.at[h] = now
}

// Forget takes h out.
func (r *Recent) Forget(h uint32) { r.order.remove(h) }

// Len returns the number of handles in the list.
func (r *Recent) Len() int { return r.order.size }

// Since writes to dst, newest first, the handles that changed at or after from,
// going on with p, and returns how many. It stops at the first older one.
func (r *Recent) Since(p *Peel, from sched.Instant, dst []uint32) int {
	h := p.resume(&r.order)
	n := 0
	for ; h != 0 && n < len(dst) && r.at[h] >= from; n++ {
		dst[n] = h
		p.below, p.hint = r.order.nodes[h].rank, h
		h = r.order.after(h)
	}
	return n
}

// Next goes on with p, however old: peel back in reverse order of change.
func (r *Recent) Next(p *Peel, dst []uint32) int { return p.next(&r.order, dst) }
