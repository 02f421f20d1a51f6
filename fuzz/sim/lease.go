package sim

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// lease is what an author ever said of one.
type lease struct {
	ttl   sched.Instant
	begun sched.Instant   // its newest renewal
	times []sched.Instant // when each was written that begins it, by rank
	begin []uint64        // and its version
	over  bool            // its author has ended it
	keys  map[uint32]bool // that ever lived by it
}

// Ages count whole milliseconds. What an entry waits on its way counts as it is usually: keys are
// hidden sooner by what that is more than it was, and by what a member that stalled can't know.
const (
	endSlack  = 10 * sched.Millisecond // a key is hidden so soon after its lease has ended
	keptSlack = 60 * sched.Millisecond // and not sooner than that before, where nothing goes wrong
	endsPause = 50 * sched.Millisecond // an author that can't end a lease tries again
	endsChunk = 32                     // deletes of an author in one turn
)

// leased notes what an entry says of a lease.
func (h *history) leased(e *codec.Entry, now sched.Instant) {
	number, is := codec.ParseLeaseKey(e.Key)
	switch {
	case !is && e.Lease != 0:
		if l := h.leases[e.Lease]; l != nil {
			l.keys[h.keys[string(e.Key)]] = true
		}
		return
	case !is:
		return
	}
	l := h.leases[number]
	if l == nil {
		l = &lease{keys: map[uint32]bool{}}
		h.leases[number] = l
	}
	if e.Flags&codec.EntryTombstone != 0 {
		l.over = true
		return
	}
	l.ttl, l.begun = sched.Instant(e.TTL)*sched.Millisecond, now
	l.times, l.begin = append(l.times, now), append(l.begin, e.Version)
}

// end is when what lives by it ends.
func (l *lease) end() sched.Instant { return l.begun + l.ttl }

// begunAt is when the version of it was written.
func (l *lease) begunAt(version uint64) sched.Instant {
	for i := len(l.begin) - 1; i >= 0; i-- {
		if l.begin[i] == version {
			return l.times[i]
		}
	}
	return 0
}

// Grant has an author begin a lease; 0 where it can't.
func (w *World) Grant(i int, ttl sched.Instant) (number uint32) {
	n := w.Nodes[i]
	number = uint32(len(n.log.leases) + 1)
	if w.beginLease(i, number, ttl) != core.Written {
		return 0
	}
	w.Stats.Leases++
	w.endLater(n, number, n.log.leases[number].end())
	return number
}

// Renew begins its time anew, if it has not ended.
func (w *World) Renew(i int, number uint32) {
	n := w.Nodes[i]
	if l := n.log.leases[number]; n.living(number) && w.beginLease(i, number, l.ttl) == core.Written {
		w.Stats.Renewals++
	}
}

func (w *World) beginLease(i int, number uint32, ttl sched.Instant) core.Status {
	return w.Write(i, core.Op{
		Kind: core.Set, Is: codec.KindLease, Key: codec.AppendLeaseKey(nil, number), TTL: uint32(ttl / sched.Millisecond),
	})
}

// living tells whether an author's lease has not ended: keys may be written that live by it.
func (n *Node) living(number uint32) bool {
	l := n.log.leases[number]
	return l != nil && !l.over && n.now < l.end()
}

// Revoke ends a lease, and deletes the keys that live by it, as authors do when its time has come.
func (w *World) Revoke(i int, number uint32) {
	n := w.Nodes[i]
	if w.Write(i, core.Op{Kind: core.Delete, Key: codec.AppendLeaseKey(nil, number)}) != core.Written {
		w.endLater(n, number, w.now+endsPause)
		return
	}
	w.Stats.Ends++
	w.endKeys(n, number)
}

// endKeys deletes the keys that live by a lease, some in each turn.
func (w *World) endKeys(n *Node, number uint32) {
	s, life, deletes := n.Core.Parts().Store, n.Life, 0
	var e codec.Entry
	for key, k := range n.log.sorted() {
		if n.log.gone[k] || !n.log.leases[number].keys[k] || !s.Get(n.Core.Parts().Own, []byte(key), &e) || e.Lease != number {
			continue
		}
		if deletes++; deletes > endsChunk || w.Delete(n.Index, key) != core.Written {
			w.After(endsPause, func() {
				if n.Up && n.Life == life {
					w.endKeys(n, number)
				}
			})
			return
		}
	}
}

// endLater has the author end a lease at a time, if it was not renewed since.
func (w *World) endLater(n *Node, number uint32, at sched.Instant) {
	life, h := n.Life, n.log
	l := h.leases[number]
	w.At(max(at, w.now)-Start, func() {
		switch {
		case !n.Up || n.Life != life || l.over:
		case w.now < l.end() && !n.paused:
			w.endLater(n, number, l.end())
		default:
			w.Revoke(n.Index, number)
		}
	})
	if w.opt.Check {
		look := func() { w.lookAtLease(h, number) }
		for _, at := range [...]sched.Instant{-keptSlack - sched.Millisecond, endSlack, endSlack + w.opt.Doubt} {
			w.At(max(l.end()+at, w.now)-Start, look)
		}
	}
}

// lookAtLease has every node that can read its replica read the keys of a lease.
func (w *World) lookAtLease(h *history, number uint32) {
	if len(h.twins) > 0 {
		return // it may be one of another life
	}
	for _, n := range w.Nodes {
		s := n.Core.Parts().Store
		for o := s.FirstAtOrAfter(0); n.Up && !n.paused && o != 0; o = s.Following(o) {
			if w.byID[s.ID(o)] == h {
				w.readLease(n, o, h, number)
			}
		}
	}
}

// readLease reads what a node shows of the keys of a lease, as readers do:
//   - when it has ended, or was ended here, none is shown;
//   - until then all that are here are shown, where nothing is held up.
func (w *World) readLease(n *Node, o state.Origin, h *history, number uint32) {
	s, l := n.Core.Parts().Store, h.leases[number]
	now := max(n.now, w.now)
	var is, e codec.Entry
	here := s.Lease(o, number, &is)
	version, ended := is.Version, here && is.Flags&codec.EntryTombstone != 0
	for key, k := range h.sorted() {
		if !l.keys[k] || !s.Get(o, []byte(key), &e) || e.Lease != number {
			continue
		}
		_, m, ok := s.AppendGetOrigin(nil, o, []byte(key))
		shown := ok && now < sched.Instant(m.Born)+sched.Instant(m.TTL)*sched.Millisecond
		switch begun := l.begunAt(version); {
		case shown && (ended || now >= l.end()+endSlack+w.opt.Doubt):
			w.broken("ended", "node %d shows %q of node %d at %v: lease %d ended at %v, it holds version %d of that (deleted: %v), age %v of %v",
				n.Index, key, h.author, clock(now-Start), number, clock(l.end()-Start), version, ended, clock(now-sched.Instant(m.Born)), m.TTL)
			return
		case shown:
		case here && !ended && w.opt.Prompt && now < begun+l.ttl-keptSlack:
			w.broken("kept", "node %d hides %q of node %d at %v: it holds version %d of lease %d, which ends at %v",
				n.Index, key, h.author, clock(now-Start), version, number, clock(begun+l.ttl-Start))
			return
		default:
			w.Stats.Hidden++
			continue
		}
		if len(l.begin) > 1 {
			w.Stats.Kept++
		}
	}
}

// whole checks that an origin does not end within a batch, and that where it is level it is what
// its author held then.
func (w *World) whole(n *Node, o state.Origin, v *view) {
	s, h := n.Core.Parts().Store, v.log
	top := s.Max(o)
	if len(h.twins) > 0 || n.cfg.Order.Precise() || top > h.max() {
		return
	}
	if end := uint64(h.end[top]); end > top && h.live(top) == top {
		w.broken("torn", "node %d holds node %d up to %d, within a batch that ends at %d", n.Index, h.author, top, end)
		return
	}
	v.follow(top)
	if !s.Level(o) || s.Dirty(o) {
		return
	}
	live := 0
	var c state.Cursor
	var e codec.Entry
	for s.After(o, 0, &c); c.Next(&e) && e.Version <= top; {
		if k := h.key[e.Version]; uint64(v.then[k]) != e.Version {
			w.broken("level", "node %d is level at %d of node %d and holds %q at version %d, that was %d then", n.Index, top, h.author, e.Key, e.Version, v.then[k])
			return
		}
		if !h.dead[e.Version] {
			live++
		}
	}
	if live != v.live {
		w.broken("level", "node %d is level at %d of node %d and holds %d keys, which were %d then", n.Index, top, h.author, live, v.live)
	}
}

// follow notes which version each key had when the author's newest was top.
func (v *view) follow(top uint64) {
	h := v.log
	for ; v.upTo < top; v.upTo++ {
		x := v.upTo + 1
		if h.hash[x] == 0 {
			continue
		}
		k := h.key[x]
		for int(k) >= len(v.then) {
			v.then = append(v.then, 0)
		}
		if was := v.then[k]; was != 0 && !h.dead[was] {
			v.live--
		}
		if v.then[k] = uint32(x); !h.dead[x] {
			v.live++
		}
	}
}
