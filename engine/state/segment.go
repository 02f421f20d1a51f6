package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// The version log of an origin is a list of segments in version order. A segment is a block of the
// slab:
//
//	word 0  56 bits base: the version that the deltas of its words count from | 8 bits class of the block
//	word 1  32 bits handle of the origin | 16 bits words used | 16 bits words live; the writer's
//	words   32 bits version - base, ascending, at least 1 | 32 bits cell; cell 0: dead; all 0: the end
//
// A log of one segment needs nothing else; a longer one has a directory: a block of references, two
// in a word, in order.
//
// What readers see of it is the view of the origin, one word: 32 bits reference of the tail or,
// with two or more segments, of the directory | 16 bits segments | 16 bits words of the tail. A
// block that a view led to is not written any more but for words that die and words beyond the
// view.
const (
	segHead      = 2
	segClassSoon = subBits // a log of one segment doubles up to this class, then it gets more segments
	segDeltaMax  = 1<<32 - 1
	dirMax       = 2 << blockClassMax // segments of one log
)

func segBase(b []uint64) uint64 { return b[0] & codec.VersionMax }

func segOwner(b []uint64) Origin { return Origin(b[1] >> 32) }

func segUsed(b []uint64) int { return int(b[1] >> 16 & 0xffff) }

func segLive(b []uint64) int { return int(b[1] & 0xffff) }

func segWords(b []uint64) []uint64 { return b[segHead : segHead+segUsed(b)] }

// segVersion is the version of word i.
func segVersion(b []uint64, i int) uint64 { return segBase(b) + b[segHead+i]>>32 }

func setSegHead(b []uint64, base uint64, o Origin, used, live int) {
	b[0] = base | uint64(classOfBlock(len(b)))<<versionBits
	b[1] = uint64(o)<<32 | uint64(used)<<16 | uint64(live)
}

// segClass is the size of segments for an origin of so many entries: larger ones only where the
// directory would otherwise be too long.
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

// classFor is the smallest class of block for a segment of so many words.
func classFor(words int) uint8 { return classOfBlock(max(words+segHead, blockWordsMin)) }

// locate returns the place of the first word in a segment with a version above v, counted from the
// head.
func locate(b []uint64, v uint64) int {
	base := segBase(b)
	if v <= base {
		return 0
	}
	d, used := v-base, segUsed(b)
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

// segment returns the reference of segment i.
func (s *Store) segment(r *origin, i int) wordRef {
	if r.dir == 0 {
		return r.tail
	}
	return dirRef(*s.log.word(r.dir + wordRef(i>>1)), i)
}

// dirRef is the reference of segment i in its word of a directory.
func dirRef(w uint64, i int) wordRef { return wordRef(w >> (32 * uint(i&1))) }

// segmentOf returns the last segment with a base below v; 0 if there is none, which is not told
// from the first.
func (s *Store) segmentOf(r *origin, v uint64) int {
	low, high := 0, int(r.segments)-1
	if high < 0 || *s.log.word(r.tail)&codec.VersionMax < v {
		return max(high, 0)
	}
	for low < high {
		mid := int(uint(low+high+1) >> 1)
		if *s.log.word(s.segment(r, mid))&codec.VersionMax < v {
			low = mid
		} else {
			high = mid - 1
		}
	}
	return low
}

// show publishes the log as it is to readers.
func (s *Store) show(r *origin) {
	view := uint64(r.tail)
	if r.dir != 0 {
		view = uint64(r.dir)
	}
	if r.tail != 0 {
		view |= uint64(r.segments)<<32 | uint64(segUsed(s.log.block(r.tail)))<<48
	}
	atomic.StoreUint64(&r.view, view)
}

// plan is a directory that is ready to take the place of another.
type plan struct {
	dir, tail wordRef
	segments  int
}

// plan prepares to replace the segments [i, j) by others. It fails only for want of memory.
func (s *Store) plan(r *origin, i, j int, by ...wordRef) (p plan, ok bool) {
	n := int(r.segments) - (j - i) + len(by)
	p.segments = n
	switch {
	case n > dirMax:
		return p, false
	case n == 0:
		return p, true
	case n == 1:
		for k := range int(r.segments) {
			if k < i || k >= j {
				p.tail = s.segment(r, k)
			}
		}
		if len(by) == 1 {
			p.tail = by[0]
		}
		return p, true
	}
	if p.dir = s.newBlock(classOfBlock(min(n/2+1+n/32, 1<<blockClassMax))); p.dir == 0 {
		return p, false
	}
	w := dirWriter{block: s.log.block(p.dir)}
	w.copy(s, r, 0, i)
	for _, ref := range by {
		w.add(ref)
	}
	w.copy(s, r, j, int(r.segments))
	p.tail = w.last
	return p, true
}

// install makes a plan the log. The blocks of the replaced segments are the caller's to retire.
func (s *Store) install(r *origin, p plan) {
	old := r.dir
	r.dir, r.segments, r.tail = p.dir, uint32(p.segments), p.tail
	s.show(r)
	if old != 0 {
		s.retire(retiredBlock, uint32(old))
	}
}

// dirWriter fills a directory.
type dirWriter struct {
	block []uint64
	n     int
	last  wordRef
}

func (w *dirWriter) add(ref wordRef) {
	w.block[w.n>>1] |= uint64(ref) << (32 * uint(w.n&1))
	w.n++
	w.last = ref
}

// copy adds segments [i, j) of the log: by whole words where both sides are at one.
func (w *dirWriter) copy(s *Store, r *origin, i, j int) {
	if i >= j {
		return
	}
	if r.dir == 0 {
		w.add(r.tail)
		return
	}
	from := s.log.block(r.dir)
	if i&1 == 1 {
		w.add(dirRef(from[i>>1], i))
		i++
	}
	if words := (j - i) / 2; w.n&1 == 0 && words > 0 {
		copy(w.block[w.n>>1:], from[i>>1:i>>1+words])
		i += 2 * words
		w.n += 2 * words
		w.last = dirRef(from[i>>1-1], 1)
	}
	for ; i < j; i++ {
		w.add(dirRef(from[i>>1], i))
	}
}

// push makes a new block the tail.
func (s *Store) push(r *origin, ref wordRef) bool {
	n := int(r.segments)
	if r.dir == 0 || n == 2*len(s.log.block(r.dir)) {
		p, ok := s.plan(r, n, n, ref)
		if ok {
			s.install(r, p)
		}
		return ok
	}
	w := s.log.word(r.dir + wordRef(n>>1))
	atomic.StoreUint64(w, *w|uint64(ref)<<(32*uint(n&1)))
	r.segments++
	r.tail = ref
	s.show(r)
	return true
}
