package state

// insert makes room for a word in the middle of the log and returns its place, or 0 for want of memory. The segment that
// it belongs to is copied, into two halves if it is full.
func (s *Store) insert(o Origin, r *origin, v uint64) wordRef {
	i := s.segmentOf(r, v)
	old := s.segment(r, i)
	from := s.log.block(old)
	used := segUsed(from)
	switch {
	case v <= from[0] && from[0]-(v-1)+from[segHead+used-1]>>32 > segDeltaMax:
		return s.insertAlone(o, r, i, v)
	case v > from[0] && v-from[0] > segDeltaMax:
		return s.insertAlone(o, r, i+1, v)
	case segLive(from)+1 > 1<<segClass(r.entries)-segHead:
		return s.insertSplit(o, r, i, v)
	}
	ref := s.log.alloc(classFor(segLive(from) + 1))
	if ref == 0 {
		return 0
	}
	if !s.splice(r, i, i+1, ref) {
		s.log.release(ref)
		return 0
	}
	setSegHead(s.log.block(ref), min(from[0], v-1), o, 0, 0)
	pos := s.moveAround(ref, from, 0, used, v)
	s.log.release(old)
	return pos
}

// taken tells whether the log has a word of this version, live or dead: a version names one write.
func (s *Store) taken(r *origin, v uint64) bool {
	b := s.log.block(s.segment(r, s.segmentOf(r, v)))
	i := locate(b, v)
	return i > 0 && b[0]+b[segHead+i-1]>>32 == v
}

// insertAlone puts a version that is too far from its neighbours into a segment of its own, the one with index i.
func (s *Store) insertAlone(o Origin, r *origin, i int, v uint64) wordRef {
	ref := s.log.alloc(blockClassMin)
	if ref == 0 {
		return 0
	}
	if !s.splice(r, i, i, ref) {
		s.log.release(ref)
		return 0
	}
	setSegHead(s.log.block(ref), v-1, o, 1, 1)
	return ref + segHead
}

// insertSplit replaces segment i by its two halves, one of them with room for version v.
func (s *Store) insertSplit(o Origin, r *origin, i int, v uint64) wordRef {
	old := s.segment(r, i)
	from := s.log.block(old)
	used := segUsed(from)
	mid := used / 2
	base := from[0] + from[segHead+mid-1]>>32
	left, right := s.log.alloc(classFor(mid+1)), s.log.alloc(classFor(used-mid+1))
	if left == 0 || right == 0 || !s.splice(r, i, i+1, left, right) {
		s.releaseAny(left)
		s.releaseAny(right)
		return 0
	}
	setSegHead(s.log.block(left), min(from[0], v-1), o, 0, 0)
	setSegHead(s.log.block(right), base, o, 0, 0)
	var pos wordRef
	if v < base {
		pos = s.moveAround(left, from, 0, mid, v)
		s.move(right, s.log.block(right), from, mid, used)
	} else {
		s.move(left, s.log.block(left), from, 0, mid)
		pos = s.moveAround(right, from, mid, used, v)
	}
	s.log.release(old)
	return pos
}

// moveAround moves the live words [i, j) and leaves room for version v, whose place it returns.
func (s *Store) moveAround(ref wordRef, from []uint64, i, j int, v uint64) wordRef {
	cut := min(max(locate(from, v), i), j)
	to := s.log.block(ref)
	s.move(ref, to, from, i, cut)
	pos := ref + wordRef(segHead+segUsed(to))
	to[1] += 1<<16 + 1
	s.move(ref, to, from, cut, j)
	return pos
}

func (s *Store) releaseAny(ref wordRef) {
	if ref != 0 {
		s.log.release(ref)
	}
}

// classFor is the smallest class of block for a segment of so many words.
func classFor(words int) uint8 {
	class := uint8(blockClassMin)
	for 1<<class < words+segHead {
		class++
	}
	return class
}
