package state

import "sync/atomic"

// Readers take no lock. What the writer replaces stays as it was until every reader that could have
// seen it has left, and only then is its memory used again. That is the grace period of
// read-copy-update with two counters a stripe, as in userspace RCU (Desnoyers et al. 2012).
//
// A reader adds itself to the counter of the current phase in a stripe, looks, and takes itself
// off: two locked additions, 12 to 18 ns. A reader that could have seen something had added itself
// before that was replaced. So once the writer has seen each of the counters at zero at some moment
// after the replacement, that reader is gone. The phase is there so that the moment comes: new
// readers go to the other counter.
type epochs struct {
	phase   atomic.Uint32
	_       [124]byte
	stripes [stripeCount]stripe

	// The writer's.
	draining bool                // a grace period is under way
	stage    uint8               // 0: the counters of the phase to come, 1: those of the phase that was
	busy     [stripeCount]uint16 // stripes not yet seen at zero in this stage
	left     int
}

const stripeCount = 16

// stripe is two counters of readers on a cache line pair of their own.
type stripe struct {
	count [2]atomic.Int64
	_     [112]byte
}

// pin enters a reader; it leaves by adding -1 to the counter. The hint spreads readers over the
// stripes.
func (p *epochs) pin(hint uint32) *atomic.Int64 {
	c := &p.stripes[hint%stripeCount].count[p.phase.Load()&1]
	c.Add(1)
	return c
}

// hint makes a stripe of a key: readers of different keys meet rarely.
func hint(key []byte) uint32 {
	if n := len(key); n > 0 {
		return uint32(key[n-1]) ^ uint32(key[n/2])<<1 ^ uint32(n)<<2
	}
	return 0
}

// begin starts a grace period.
func (p *epochs) begin() {
	p.draining = true
	p.stage = 0
	p.refill()
}

func (p *epochs) refill() {
	p.left = stripeCount
	for i := range p.busy {
		p.busy[i] = uint16(i)
	}
}

// over looks at the counters that have not been zero yet, and tells whether the grace period is
// over. It never waits.
func (p *epochs) over() bool {
	for p.draining {
		other := p.phase.Load()&1 ^ 1
		left := 0
		for _, i := range p.busy[:p.left] {
			if p.stripes[i].count[other].Load() != 0 {
				p.busy[left] = i
				left++
			}
		}
		if p.left = left; left > 0 {
			return false
		}
		if p.stage == 1 {
			p.draining = false
			break
		}
		p.stage = 1
		p.phase.Store(other)
		p.refill()
	}
	return true
}

// kind says what a retired reference, the lower half of the word, refers to.
type kind uint64

const (
	retiredCell  kind = iota << 32 // with its class
	retiredBlock                   // of the slab
	retiredOrigin

	kindMask   kind = 0xff << 32
	classShift      = 40
)

const (
	retiredChunkBits = 9
	retiredChunk     = 1 << retiredChunkBits
	retiredBatch     = 64               // retired things between two looks at the readers
	retiredMany      = 4 * retiredBatch // more than writes leave to each other while no reader stays
)

// retired is the queue of what waits for readers, oldest first: [head, ready) can be used again,
// [ready, wait) waits for the grace period under way, [wait, tail) for the next one. It grows in
// chunks, so it never pauses.
type retired struct {
	ring                    []*[retiredChunk]uint64 // by position / retiredChunk, modulo its length; chunks stay
	chunks                  int
	head, ready, wait, tail uint64
	looked                  uint64 // tail when readers were last looked at
	tidied                  uint64 // and when Tidy was last called
}

func (q *retired) init() {
	q.ring = make([]*[retiredChunk]uint64, 4)
}

func (q *retired) push(k kind, ref uint32) {
	if q.tail&(retiredChunk-1) == 0 {
		q.grow()
	}
	q.ring[q.tail>>retiredChunkBits&uint64(len(q.ring)-1)][q.tail&(retiredChunk-1)] = uint64(k) | uint64(ref)
	q.tail++
}

func (q *retired) first() uint64 {
	return q.ring[q.head>>retiredChunkBits&uint64(len(q.ring)-1)][q.head&(retiredChunk-1)]
}

func (q *retired) pop() uint64 {
	item := q.first()
	q.head++
	return item
}

// grow gives the position at the tail a chunk.
func (q *retired) grow() {
	first, last := q.head>>retiredChunkBits, q.tail>>retiredChunkBits
	if last-first == uint64(len(q.ring)) {
		ring := make([]*[retiredChunk]uint64, 2*len(q.ring))
		for i := first; i < last; i++ {
			ring[i&uint64(len(ring)-1)] = q.ring[i&uint64(len(q.ring)-1)]
		}
		q.ring = ring
	}
	if at := last & uint64(len(q.ring)-1); q.ring[at] == nil {
		q.ring[at] = new([retiredChunk]uint64)
		q.chunks++
	}
}

func (q *retired) mapped() int {
	return len(q.ring)*8 + q.chunks*retiredChunk*8
}

// retire hands over what no new reader can find.
func (s *Store) retire(k kind, ref uint32) {
	s.retired.push(k, ref)
	if s.retired.tail-s.retired.looked >= retiredBatch {
		s.reuse(2 * retiredBatch) // what no write took since the last look
		s.pass()
	}
}

// retireCell is retire for a cell of a known class.
func (s *Store) retireCell(ref cellRef, class uint8) {
	s.retire(retiredCell|kind(class)<<classShift, uint32(ref))
}

// reclaim makes at most so many retired things usable again, as far as readers have left. It tells
// whether it did.
func (s *Store) reclaim(budget int) (some bool) {
	n := s.reuse(budget)
	if s.pass() {
		n += s.reuse(budget - n)
	}
	return n > 0
}

// pass makes ready what has waited for readers and that they have left, and lets what came since
// wait for those of now.
func (s *Store) pass() (some bool) {
	q := &s.retired
	q.looked = q.tail
	if q.ready == q.wait && q.wait < q.tail && !s.epochs.draining {
		q.wait = q.tail
		s.epochs.begin()
	}
	if q.ready == q.wait || !s.epochs.over() {
		return false
	}
	q.ready = q.wait
	return true
}

// reuse gives at most so many retired things that are ready back to where they came from.
func (s *Store) reuse(budget int) (n int) {
	q := &s.retired
	for ; q.head < q.ready && n < budget; n++ {
		s.giveBack(q.pop())
	}
	return n
}

// giveBack gives retired memory back to where it came from.
func (s *Store) giveBack(item uint64) {
	switch ref := uint32(item); kind(item) & kindMask {
	case retiredCell:
		s.cells.release(cellRef(ref))
	case retiredBlock:
		s.log.release(wordRef(ref))
	case retiredOrigin:
		s.rec(Origin(ref)).older = s.freed
		s.freed = Origin(ref)
	}
}

// draft takes a cell of a class, or 0. Who overwrites values of one size gets the cells that
// readers have left without a detour over their pages, and while they may still be in a near cache.
func (s *Store) draft(class uint8) cellRef {
	q := &s.retired
	for q.head < q.ready {
		item := q.first()
		if item>>32 == uint64(retiredCell|kind(class)<<classShift)>>32 {
			q.head++
			if invariants {
				clobber(s.cells.at(cellRef(item))[:classBytes[class]])
			}
			setCellClass(s.cells.at(cellRef(item)), class)
			return cellRef(item)
		}
		if kind(item)&kindMask == retiredCell {
			break
		}
		q.head++
		s.giveBack(item)
	}
	cell := s.cells.alloc(class)
	if cell != 0 {
		setCellClass(s.cells.at(cell), s.cells.class(cell))
	}
	return cell
}
