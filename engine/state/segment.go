package state

// The version log of an origin is a list of segments in version order. A segment is a block of the slab:
//
//	word 0  base: the version that the deltas of its words count from
//	word 1  32 bits handle of the origin | 16 bits words used | 16 bits words live
//	words   32 bits version - base, ascending, at least 1 | 32 bits cell; cell 0: dead
//
// A log of one segment needs nothing else; a longer one has a directory: a block of references, two in a word, in order.
const (
	segHead      = 2
	segClassSoon = subBits // a log of one segment doubles up to this class, then it gets more segments
	segDeltaMax  = 1<<32 - 1
	dirMax       = 2 << blockClassMax // segments of one log
)

func segBase(b []uint64) uint64 { return b[0] }

func segOwner(b []uint64) Origin { return Origin(b[1] >> 32) }

func segUsed(b []uint64) int { return int(b[1] >> 16 & 0xffff) }

func segLive(b []uint64) int { return int(b[1] & 0xffff) }

func setSegHead(b []uint64, base uint64, o Origin, used, live int) {
	b[0] = base
	b[1] = uint64(o)<<32 | uint64(used)<<16 | uint64(live)
}

// segClass is the size of segments for an origin of so many entries: larger ones only where the directory would
// otherwise be too long.
func segClass(entries uint32) uint8 {
	switch {
	case entries < 2<<20:
		return segClassSoon
	case entries < 4<<20:
		return segClassSoon + 1
	default:
		return segClassSoon + 2
	}
}

// segment returns the reference of segment i.
func (s *Store) segment(r *origin, i int) wordRef {
	if r.dir == 0 {
		return r.tail
	}
	w := *s.log.word(r.dir + wordRef(i>>1))
	return wordRef(w >> (32 * uint(i&1)))
}

// segmentOf returns the last segment with a base below v; 0 if there is none, which is not told from the first.
func (s *Store) segmentOf(r *origin, v uint64) int {
	low, high := 0, int(r.segments)-1
	if high < 0 || *s.log.word(r.tail) < v {
		return max(high, 0)
	}
	for low < high {
		mid := int(uint(low+high+1) >> 1)
		if *s.log.word(s.segment(r, mid)) < v {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// splice replaces the segments [i, j) in the directory by others and makes the last segment the tail. The blocks of the
// replaced segments are not released. It fails only for want of memory and then changes nothing.
func (s *Store) splice(r *origin, i, j int, by ...wordRef) bool {
	n := int(r.segments) - (j - i) + len(by)
	if n > dirMax {
		return false
	}
	refs := s.refs[:0]
	for k := range i {
		refs = append(refs, s.segment(r, k))
	}
	refs = append(refs, by...)
	for k := j; k < int(r.segments); k++ {
		refs = append(refs, s.segment(r, k))
	}
	dir := wordRef(0)
	if n > 1 {
		class := uint8(blockClassMin)
		for 2<<class < n+2 && class < blockClassMax {
			class++
		}
		if dir = s.log.alloc(class); dir == 0 {
			return false
		}
		b := s.log.block(dir)
		for k, ref := range refs {
			b[k>>1] |= uint64(ref) << (32 * uint(k&1))
		}
	}
	if r.dir != 0 {
		s.log.release(r.dir)
	}
	r.dir, r.segments, r.tail = dir, uint32(n), 0
	if n > 0 {
		r.tail = refs[n-1]
	}
	return true
}

// push makes a new block the tail.
func (s *Store) push(r *origin, ref wordRef) bool {
	n := int(r.segments)
	if r.dir == 0 || n == 2*len(s.log.block(r.dir)) {
		return s.splice(r, n, n, ref)
	}
	*s.log.word(r.dir + wordRef(n>>1)) |= uint64(ref) << (32 * uint(n&1))
	r.segments++
	r.tail = ref
	return true
}

// locate returns the place of the first word in a segment with a version above v, counted from the head.
func locate(b []uint64, v uint64) int {
	used := segUsed(b)
	if v <= b[0] {
		return 0
	}
	d := v - b[0]
	low, high := 0, used
	if d < uint64(used) { // deltas ascend from 1, so word i has at least i+1
		high = int(d)
		if b[segHead+high-1]>>32 <= d { // dense: the usual case
			return high
		}
	}
	for low < high {
		mid := int(uint(low+high) >> 1)
		if b[segHead+mid]>>32 <= d {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
