package stream

import (
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/ring"
)

// pool keeps the memory of bodies for later ones, by size. It is the loop's; the
// reactor hands memory back by a queue. What is not needed goes: of each size half of
// what no body took in the last second, each second.
type pool struct {
	back  *homeward
	free  [classes][][]byte
	least [classes]int // that were free since the last trim
	next  time.Time    // trim
}

// homeward is memory of bodies on its way to the pool, and the count of all that is kept.
type homeward struct {
	queue ring.SPSC[[]byte]
	kept  atomic.Int64 // bytes, in the queue and in the pool
}

// push is the reactor's. Without room the collector has the memory.
func (h *homeward) push(b []byte) {
	if h.take(b) && !h.queue.Push(b) {
		h.drop(b)
	}
}

// take counts memory that is going to be kept; false: there is too much, or it is of no class's
// size. It need not be from get.
func (h *homeward) take(b []byte) bool {
	if class, size := classOf(cap(b)); class >= classes || size != cap(b) {
		return false
	}
	if h.kept.Add(int64(cap(b))) > poolBytesMax {
		h.drop(b)
		return false
	}
	return true
}

func (h *homeward) drop(b []byte) { h.kept.Add(-int64(cap(b))) }

const (
	poolBytesMax = 32 << 20 // that are kept; the collector has the rest
	trimEvery    = time.Second
	bodyLeast    = 1 << 10
	classes      = 4*15 + 1 // four to a doubling, from 1 KiB to 16 MiB: at most a quarter is waste
)

// classOf is the class of bodies of n bytes, and the size of its memory.
func classOf(n int) (class, size int) {
	n = max(n, bodyLeast)
	shift := bits.Len(uint(n-1)) - 3        // sizes of this doubling are multiples of 1 << shift
	quarters := (n + 1<<shift - 1) >> shift // 4 < quarters <= 8
	if n == bodyLeast {
		shift, quarters = 8, 4
	}
	return 4*(shift-8) + quarters - 4, quarters << shift
}

// get gives memory for a body, with any bytes in it.
func (p *pool) get(n int) []byte {
	p.fetch()
	class, size := classOf(n)
	if len(p.free[class]) == 0 {
		return make([]byte, n, size)
	}
	b := p.pop(class)
	p.least[class] = min(p.least[class], len(p.free[class]))
	return b[:n]
}

// fetch takes in what has come home.
func (p *pool) fetch() {
	for b, ok := p.back.queue.Pop(); ok; b, ok = p.back.queue.Pop() {
		p.keep(b)
	}
}

// put keeps memory for later.
func (p *pool) put(b []byte) {
	if p.back.take(b) {
		p.keep(b)
	}
}

// keep keeps memory that is counted.
func (p *pool) keep(b []byte) {
	class, _ := classOf(cap(b))
	p.free[class] = append(p.free[class], b)
}

func (p *pool) pop(class int) []byte {
	list := p.free[class]
	n := len(list) - 1
	b := list[n]
	list[n], p.free[class] = nil, list[:n]
	p.back.drop(b)
	return b
}

// trim lets go of a half of what was not needed since the last time.
func (p *pool) trim(now time.Time) {
	if now.Before(p.next) {
		return
	}
	p.next = now.Add(trimEvery)
	p.fetch()
	for class := range p.free {
		for range (p.least[class] + 1) / 2 {
			p.pop(class)
		}
		p.least[class] = len(p.free[class])
	}
}

// empty tells whether nothing is kept.
func (p *pool) empty() bool { return p.back.kept.Load() == 0 }
