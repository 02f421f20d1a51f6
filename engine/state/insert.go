package state

// insert makes room for version v with its cell in the middle of the log and returns its place, or
// 0 for want of memory. The segment that it belongs to is copied, into two halves if it is full.
func (s *Store) insert(o Origin, r *origin, v uint64, cell cellRef) wordRef {
	i := s.segmentOf(r, v)
	old := s.segment(r, i)
	from := s.log.block(old)
	used, base := segUsed(from), segBase(from)
	switch {
	case v <= base && segVersion(from, used-1)-(v-1) > segDeltaMax:
		return s.insertAlone(o, r, i, v, cell)
	case v > base && v-base > segDeltaMax:
		return s.insertAlone(o, r, i+1, v, cell)
	case segLive(from)+1 > 1<<segClass(r.entries)-segHead:
		return s.insertSplit(o, r, i, v, cell)
	}
	ref := s.newBlock(classFor(segLive(from) + 1))
	if ref == 0 {
		return 0
	}
	p, ok := s.plan(r, i, i+1, ref)
	if !ok {
		s.log.release(ref)
		return 0
	}
	setSegHead(s.log.block(ref), min(base, v-1), o, 0, 0)
	pos := s.moveAround(ref, from, 0, used, v, cell)
	s.install(r, p)
	s.retire(retiredBlock, uint32(old))
	return pos
}

// taken tells whether the log has a word of this version, live or dead: a version names one write.
func (s *Store) taken(r *origin, v uint64) bool {
	b := s.log.block(s.segment(r, s.segmentOf(r, v)))
	i := locate(b, v)
	return i > 0 && segVersion(b, i-1) == v
}

// insertAlone puts a version that is too far from its neighbours into a segment of its own, the one
// with index i.
func (s *Store) insertAlone(o Origin, r *origin, i int, v uint64, cell cellRef) wordRef {
	ref := s.newBlock(blockClassMin)
	if ref == 0 {
		return 0
	}
	p, ok := s.plan(r, i, i, ref)
	if !ok {
		s.log.release(ref)
		return 0
	}
	b := s.log.block(ref)
	setSegHead(b, v-1, o, 1, 1)
	b[segHead] = 1<<32 | uint64(cell)
	s.install(r, p)
	return ref + segHead
}

// insertSplit replaces segment i by its two halves, one of them with version v.
func (s *Store) insertSplit(o Origin, r *origin, i int, v uint64, cell cellRef) wordRef {
	old := s.segment(r, i)
	from := s.log.block(old)
	used := segUsed(from)
	mid := used / 2
	base := segVersion(from, mid-1)
	left, right := s.newBlock(classFor(mid+1)), s.newBlock(classFor(used-mid+1))
	p, ok := plan{}, left != 0 && right != 0
	if ok {
		p, ok = s.plan(r, i, i+1, left, right)
	}
	if !ok {
		s.releaseAny(left)
		s.releaseAny(right)
		return 0
	}
	setSegHead(s.log.block(left), min(segBase(from), v-1), o, 0, 0)
	setSegHead(s.log.block(right), base, o, 0, 0)
	var pos wordRef
	if v < base {
		pos = s.moveAround(left, from, 0, mid, v, cell)
		s.move(right, s.log.block(right), from, mid, used)
	} else {
		s.move(left, s.log.block(left), from, 0, mid)
		pos = s.moveAround(right, from, mid, used, v, cell)
	}
	s.install(r, p)
	s.retire(retiredBlock, uint32(old))
	return pos
}

// moveAround moves the live words [i, j) and puts version v, whose place it returns, among them.
func (s *Store) moveAround(ref wordRef, from []uint64, i, j int, v uint64, cell cellRef) wordRef {
	cut := min(max(locate(from, v), i), j)
	to := s.log.block(ref)
	s.move(ref, to, from, i, cut)
	at := segHead + segUsed(to)
	to[at] = (v-segBase(to))<<32 | uint64(cell)
	to[1] += 1<<16 + 1
	s.move(ref, to, from, cut, j)
	return ref + wordRef(at)
}

func (s *Store) releaseAny(ref wordRef) {
	if ref != 0 {
		s.log.release(ref)
	}
}
