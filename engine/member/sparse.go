package member

import "github.com/quidnunc/quidnunc/sched"

// When most members die at once, most observers of the dead are dead
// themselves, and each survivor watches a handful. A node that gets no answer
// from most of those whom it watches is sparse for a while:
//
//   - It scouts: it probes one member after the other, beyond its share, with all
//     the watches that are free, and keeps for each whether it was silent for a
//     whole round (mute) until something of it is heard.
//   - The mute do not count as observers, so that the survivors take their place.
//   - It votes on the mute that it observes in the order of the ring, so that all
//     survivors speak of the same members at the same time and their cases suffice.
//
// Nothing else differs: a quorum of those that answer decides, and there is the
// same grace. A node that is cut off is sparse too, and condemns nobody earlier.

// sparse is what a node does while most of those whom it watches are silent.
type sparse struct {
	until  sched.Instant // sparse before this
	at     uint32        // scouting: next place on the first permutation
	left   int           // places left in this turn
	turns  int           // turns begun
	turnAt sched.Instant // next turn

	few      [Observers]uint32 // the members that are present, if so few are
	fewCount int               // more than Observers: there are more
	fewOld   bool              // who is present has changed
}

// sparseLeast is the least number of silent members that make a node sparse.
const sparseLeast = 4

// isSparse tells whether the node is sparse at the time of the last tick.
func (t *Table) isSparse() bool { return t.sparse.until != 0 }

// present tells whether a member may be an observer.
func (t *Table) present(h uint32) bool {
	return t.live(h) && !(t.isSparse() && t.standings[h].mute)
}

// silent notes that a whole round got no answer, and looks whether that holds
// for most of the watched members.
func (t *Table) silent(now sched.Instant, h uint32) {
	t.standings[h].mute = true
	t.sparse.fewOld = true
	if t.isSparse() {
		t.rebuildSoon(now)
		t.recountSoon(now)
	}
	t.thin(now)
}

// thin makes the node sparse, or keeps it so, while more than half of the watched members are
// silent.
func (t *Table) thin(now sched.Instant) {
	watched, missed := 0, 0
	for i := range t.watches {
		if w := &t.watches[i]; w.peer != 0 && !w.scout {
			watched++
			if w.missed > 0 {
				missed++
			}
		}
	}
	if missed < sparseLeast || 2*missed <= watched {
		return
	}
	s := &t.sparse
	if !t.isSparse() {
		s.fewOld = true
		s.at, s.left, s.turns, s.turnAt = uint32(t.ring.place(0, t.self)), 0, 0, now
		t.rebuildSoon(now)
		t.recountSoon(now)
	}
	s.until = now + t.cfg.Grace + 4*t.cfg.Period
}

// speaks notes a sign of life.
func (t *Table) speaks(now sched.Instant, h uint32) {
	s := &t.standings[h]
	s.shut = false
	if !s.mute {
		return
	}
	s.mute = false
	t.inVain(now)
	t.sparse.fewOld = true
	if t.isSparse() {
		t.rebuildSoon(now)
		t.recountSoon(now)
	}
}

// tickSparse ends a sparse time, or scouts with the free watches.
func (t *Table) tickSparse(now sched.Instant) {
	if !t.isSparse() {
		return
	}
	if now >= t.sparse.until {
		t.sparse.until = 0
		for i := range t.watches {
			if t.watches[i].scout {
				t.unwatch(i)
			}
		}
		t.rebuildSoon(now)
		return
	}
	for free := t.freeWatches(); free > 0; free-- {
		h := t.nextScouted(now)
		if h == 0 {
			return
		}
		i := t.watch(now, h)
		t.watches[i].scout = true
		t.due(i, now)
		t.advance(now, i)
	}
}

// sparseAt is when tickSparse has work that does not follow from a watch.
func (t *Table) sparseAt() sched.Instant {
	s := &t.sparse
	switch {
	case !t.isSparse():
		return sched.Never
	case s.left == 0 && t.freeWatches() > 0:
		return min(s.turnAt, s.until)
	}
	return s.until
}

// nextScouted walks on to the next member that is worth a probe: one that is
// not watched and, in the first turn, not known to be mute. It returns 0 when the turn is over.
func (t *Table) nextScouted(now sched.Instant) uint32 {
	s := &t.sparse
	if s.left == 0 {
		if now < s.turnAt {
			return 0
		}
		s.left, s.turnAt = t.ring.Len(), now+2*t.period(now)
		s.turns++
	}
	for s.left > 0 {
		s.left--
		if s.at++; s.at >= uint32(t.ring.Len()) {
			s.at = 0
		}
		h := t.ring.at(0, int(s.at))
		if h != t.self && t.live(h) && t.watchOf(h) < 0 && (s.turns > 1 || !t.standings[h].mute) {
			return h
		}
	}
	return 0
}

// allPresent gives the members that are present other than subject and this node included, when a
// sparse node finds so few of them that all are observers of everybody: the walk to them over all
// that are silent is long.
func (t *Table) allPresent(subject uint32, dst []uint32) (count int, ok bool) {
	s := &t.sparse
	if !t.isSparse() {
		return 0, false
	}
	if s.fewOld {
		s.fewOld, s.fewCount = false, 0
		for i := 0; i < t.ring.Len() && s.fewCount <= Observers; i++ {
			if h := t.ring.at(0, i); t.present(h) {
				if s.fewCount < Observers {
					s.few[s.fewCount] = h
				}
				s.fewCount++
			}
		}
	}
	if s.fewCount > Observers {
		return 0, false
	}
	for _, h := range s.few[:s.fewCount] {
		if h != subject {
			dst[count] = h
			count++
		}
	}
	return count, true
}

// addMute adds to the count targets in dst, in the order of the ring, mute members that this node
// observes and that are not suspected yet: as many as there is room for in the others' cases, and
// none before all have been scouted, since the others have no word on them yet.
func (t *Table) addMute(dst []uint32, count int) int {
	if t.sparse.turns < 2 && t.sparse.left > 0 {
		return count
	}
	dst = dst[:min(len(dst), count+t.lim.Cases/2)]
	for i := 0; i < t.ring.Len() && count < len(dst); i++ {
		h := t.ring.at(0, i)
		if t.standings[h].mute && t.Status(h) == Alive && !contains(dst[:count], h) && t.observes(h) {
			dst[count] = h
			count++
		}
	}
	return count
}
