package member

import "github.com/quidnunc/quidnunc/sched"

// PairsMax is the number of members up to which a member's observers stand on both sides of it on
// half of the permutations, and not behind it on all: then nearly all who watch each other are
// pairs, which cost half. With more members few would be, and the rounds of those that follow in a
// pair begin together, which makes the last of a quorum later.
const PairsMax = Electors

// A side is a permutation and a direction on it. There are Observers of them.
type side struct{ order, step int }

func (t *Table) side(i int) side {
	if t.ring.Len() > PairsMax {
		return side{i, 1}
	}
	return side{(Observers/2 + i) / 2, 1 - i%2*2} // half of them with the zones together
}

// observers writes the first len(dst) distinct live neighbours of a member: first the nearest on
// each side in turn, then the second ones, and so on. The first Observers of them watch it; with few
// members, all others do.
func (t *Table) observers(subject uint32, dst []uint32) int {
	if n, ok := t.allPresent(subject, dst); ok {
		return n
	}
	var at, left [Observers]int
	for i := range at {
		at[i], left[i] = t.ring.place(t.side(i).order, subject), t.ring.Len()-1
	}
	count := 0
	for count < len(dst) {
		before := count
		for i := 0; i < Observers && count < len(dst); i++ {
			if h := t.nextLive(t.side(i), &at[i], &left[i], dst[:count]); h != 0 {
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

// nextLive walks on a side from a place to the next live member that is not chosen yet.
func (t *Table) nextLive(s side, at, left *int, chosen []uint32) uint32 {
	for *left > 0 {
		*at = t.ring.around(*at + s.step)
		*left--
		h := t.ring.at(s.order, *at)
		if t.present(h) && !contains(chosen, h) {
			return h
		}
	}
	return 0
}

// elector tells whether h is among the first Electors neighbours of the subject.
func (t *Table) elector(subject, h uint32) bool {
	var o [Electors]uint32
	return contains(o[:t.observers(subject, o[:])], h)
}

// targets writes the members that this node watches, the inverse of observers. It looks on each
// side the other way: who chose this node on the i-th is one of the i+1 nearest live members there,
// since everyone between must have been chosen on an earlier side.
func (t *Table) targets(dst []uint32) int {
	if !t.live(t.self) {
		return 0
	}
	count := 0
	for i := range Observers {
		s := t.side(i)
		at, found := t.ring.place(s.order, t.self), 0
		for left := t.ring.Len() - 1; left > 0 && found <= i; left-- {
			at = t.ring.around(at - s.step)
			h := t.ring.at(s.order, at)
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
