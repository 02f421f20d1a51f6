package member

import "github.com/quidnunc/quidnunc/sched"

// observers writes the first len(dst) distinct live successors of a member: first the nearest on
// each permutation in turn, then the second ones, and so on. The first Observers of them watch it;
// with few members, all others do.
func (t *Table) observers(subject uint32, dst []uint32) int {
	if n, ok := t.allPresent(subject, dst); ok {
		return n
	}
	var at, left [Observers]int
	for p := range at {
		at[p], left[p] = t.ring.place(p, subject)+1, t.ring.Len()-1
	}
	count := 0
	for count < len(dst) {
		before := count
		for p := 0; p < Observers && count < len(dst); p++ {
			if h := t.nextLive(p, &at[p], &left[p], dst[:count]); h != 0 {
				dst[count] = h
				count++
			}
		}
		if count == before {
			break
		}
	}
	return count
}

// nextLive walks permutation p forwards to the next live member that is not chosen yet.
func (t *Table) nextLive(p int, at, left *int, chosen []uint32) uint32 {
	for *left > 0 {
		if *at >= t.ring.Len() {
			*at = 0
		}
		h := t.ring.at(p, *at)
		*at++
		*left--
		if t.present(h) && !contains(chosen, h) {
			return h
		}
	}
	return 0
}

// elector tells whether h is among the first Electors successors of the subject.
func (t *Table) elector(subject, h uint32) bool {
	var o [Electors]uint32
	return contains(o[:t.observers(subject, o[:])], h)
}

// targets writes the members that this node watches, the inverse of observers: on permutation p
// only the p+1 nearest live predecessors can have this node as observer, since everyone between
// must have been chosen on an earlier one.
func (t *Table) targets(dst []uint32) int {
	if !t.live(t.self) {
		return 0
	}
	count := 0
	for p := range Observers {
		at, found := t.ring.place(p, t.self)-1, 0
		for left := t.ring.Len() - 1; left > 0 && found <= p; left-- {
			if at < 0 {
				at = t.ring.Len() - 1
			}
			h := t.ring.at(p, at)
			at--
			if !t.present(h) {
				continue
			}
			found++
			if contains(dst[:count], h) || found > 1 && !t.observes(h) {
				continue
			}
			if count == len(dst) {
				t.counters.FullWatch++
				return count
			}
			dst[count] = h
			count++
		}
	}
	if t.isSparse() {
		count = t.addMute(dst, count)
	}
	return count
}

// observes tells whether this node watches h.
func (t *Table) observes(h uint32) bool {
	var o [Observers]uint32
	return contains(o[:t.observers(h, o[:])], t.self)
}

// rebuild brings the watches in line with the ring.
func (t *Table) rebuild(now sched.Instant) {
	t.rebuildAt = sched.Never
	var want [64]uint32
	n := t.targets(want[:t.lim.Watch])
	for i := range t.watches {
		w := &t.watches[i]
		switch wanted := contains(want[:n], w.peer); {
		case w.peer == 0 || w.scout && !wanted:
		case w.scout:
			w.scout = false // its round goes on
		case !wanted:
			t.unwatch(i)
		}
	}
	for _, h := range want[:n] {
		if t.watching(h) != nil {
			continue
		}
		if i := t.watch(now, h); i >= 0 && t.isSparse() && t.standings[h].mute {
			t.watches[i].missed = 1
			t.doubt(now, i)
		}
	}
}

// rebuildSoon lets changes that come together be worked in together.
func (t *Table) rebuildSoon(now sched.Instant) {
	t.rebuildAt = min(t.rebuildAt, now+t.cfg.TimeoutMin)
}

func contains(s []uint32, h uint32) bool {
	for _, x := range s {
		if x == h {
			return true
		}
	}
	return false
}
