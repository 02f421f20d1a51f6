package state

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/codec"
)

// room makes sure that the tail of the log can take a word of version v. It fails only for want of
// memory.
func (s *Store) room(o Origin, r *origin, v uint64) bool {
	if r.tail == 0 {
		return s.extend(o, r, v, blockClassMin)
	}
	b := s.log.block(r.tail)
	if v-segBase(b) > segDeltaMax {
		return s.extend(o, r, v, blockClassMin)
	}
	size := len(b) - segHead
	if segUsed(b) < size {
		return true
	}
	class, want := classOfBlock(len(b)), segClass(r.entries)
	if live := segLive(b); 2*live <= size {
		return s.rewrite(o, r, min(class, classFor(2*live+2))) // smaller after deletes were collected
	}
	if r.segments == 1 && class < segClassSoon {
		return s.rewrite(o, r, class+1)
	}
	if !s.extend(o, r, v, min(class+1, want)) {
		return false
	}
	s.tryMerge(r, int(r.segments)-3)
	return true
}

// logRoom makes sure that the tail can take so many words from version v on, a batch of them. It
// fails only for want of memory.
func (s *Store) logRoom(o Origin, r *origin, v uint64, words int) bool {
	if r.tail == 0 {
		return s.extend(o, r, v, classFor(words))
	}
	b := s.log.block(r.tail)
	near := v+codec.BatchMax-segBase(b) <= segDeltaMax
	if near && segUsed(b)+words <= len(b)-segHead {
		return true
	}
	class, want := classFor(segLive(b)+words), segClass(r.entries)
	if near && class <= want && (2*segLive(b) <= len(b)-segHead || r.segments == 1 && class <= segClassSoon) {
		return s.rewrite(o, r, class)
	}
	if !s.extend(o, r, v, max(classFor(words), min(classOfBlock(len(b))+1, want))) {
		return false
	}
	s.tryMerge(r, int(r.segments)-3)
	return true
}

// extend adds an empty tail.
func (s *Store) extend(o Origin, r *origin, v uint64, class uint8) bool {
	ref := s.newBlock(class)
	if ref == 0 {
		return false
	}
	setSegHead(s.log.block(ref), v-1, o, 0, 0)
	if !s.push(r, ref) {
		s.log.release(ref)
		return false
	}
	return true
}

// rewrite copies what is live in the tail to a new block.
func (s *Store) rewrite(o Origin, r *origin, class uint8) bool {
	ref := s.newBlock(class)
	if ref == 0 {
		return false
	}
	old, n := r.tail, int(r.segments)
	p, ok := s.plan(r, n-1, n, ref)
	if !ok {
		s.log.release(ref)
		return false
	}
	from, to := s.log.block(old), s.log.block(ref)
	setSegHead(to, segBase(from), o, 0, 0)
	s.move(ref, to, from, 0, segUsed(from))
	s.install(r, p)
	s.retire(retiredBlock, uint32(old))
	s.compacts.Rebuilt++
	return true
}

// move appends the live words [i, j) of one segment to another, which nobody else sees yet. Half of
// the words are dead, in no order that a processor could predict, so a dead one is written like the
// others, and then over.
func (s *Store) move(ref wordRef, to, from []uint64, i, j int) {
	shift := (segBase(from) - segBase(to)) << 32
	first := segHead + segUsed(to)
	at := first
	for _, w := range from[segHead+i : segHead+j] {
		if at == len(to) {
			break // the rest is dead
		}
		to[at] = w + shift
		if uint32(w) != 0 {
			at++
		}
	}
	if at < len(to) {
		to[at] = 0
	}
	for k, w := range to[first:at] {
		setCellPos(s.cells.at(cellRef(w)), ref+wordRef(first+k))
	}
	moved := uint64(at - first)
	s.compacts.Moved += moved
	to[1] += moved<<16 + moved
}

// append adds a word at the tail and returns its place, or 0 for want of memory. No view leads to
// it yet.
func (s *Store) append(o Origin, r *origin, v uint64, cell cellRef) wordRef {
	var b []uint64
	if r.tail != 0 {
		b = s.log.block(r.tail)
	}
	if len(b) == 0 || segUsed(b) >= len(b)-segHead || v-segBase(b) > segDeltaMax {
		if !s.room(o, r, v) {
			return 0
		}
		b = s.log.block(r.tail)
	}
	at := segHead + segUsed(b)
	b[at] = (v-segBase(b))<<32 | uint64(cell)
	b[1] += 1<<16 + 1
	r.last = v
	return r.tail + wordRef(at)
}

// strike marks a word as dead, and gives the block that it is in.
func (l *slab) strike(pos wordRef) (b []uint64, ref wordRef) {
	b, ref = l.around(pos)
	at := pos - ref
	atomic.StoreUint64(&b[at], b[at]&^(1<<32-1))
	b[1]--
	return b, ref
}

// kill marks a word as dead and compacts around it when that pays.
func (s *Store) kill(r *origin, pos wordRef) {
	b, ref := s.log.strike(pos)
	live, size := segLive(b), len(b)-segHead
	if live != 0 && live != size/2 && live != size/4 || ref == r.tail {
		return
	}
	i := s.segmentOf(r, segBase(b)+1)
	if live != 0 {
		if !s.tryMerge(r, i) {
			s.tryMerge(r, i-1)
		}
		return
	}
	if p, ok := s.plan(r, i, i+1); ok {
		s.install(r, p)
		s.retire(retiredBlock, uint32(ref))
		s.compacts.Dropped++
	}
}

// tryMerge merges segment i and the next one, neither of them the tail, if both together fit one
// block.
func (s *Store) tryMerge(r *origin, i int) bool {
	if i < 0 || i+2 >= int(r.segments) {
		return false
	}
	left, right := s.segment(r, i), s.segment(r, i+1)
	a, b := s.log.block(left), s.log.block(right)
	live := segLive(a) + segLive(b)
	if live > 1<<segClass(r.entries)-segHead || segVersion(b, segUsed(b)-1)-segBase(a) > segDeltaMax {
		return false
	}
	ref := s.newBlock(classFor(live))
	if ref == 0 {
		return false
	}
	p, ok := s.plan(r, i, i+2, ref)
	if !ok {
		s.log.release(ref)
		return false
	}
	to := s.log.block(ref)
	setSegHead(to, segBase(a), segOwner(a), 0, 0)
	s.move(ref, to, a, 0, segUsed(a))
	s.move(ref, to, b, 0, segUsed(b))
	s.install(r, p)
	s.retire(retiredBlock, uint32(left))
	s.retire(retiredBlock, uint32(right))
	s.compacts.Merged++
	return true
}
