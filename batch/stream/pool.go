package stream

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/ring"
)

// pool keeps the memory of bodies for later ones, by size. It is the loop's; the
// reactor hands memory back by a queue.
type pool struct {
	back  *ring.SPSC[[]byte]
	free  [classes][][]byte
	bytes int
}

const (
	poolBytesMax = 32 << 20 // that are kept; the collector has the rest
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
	for b, ok := p.back.Pop(); ok; b, ok = p.back.Pop() {
		p.put(b)
	}
	class, size := classOf(n)
	if k := len(p.free[class]); k > 0 {
		b := p.free[class][k-1]
		p.free[class] = p.free[class][:k-1]
		p.bytes -= cap(b)
		return b[:n]
	}
	return make([]byte, n, size)
}

// put keeps memory that came from get. Other memory of a class's size will do.
func (p *pool) put(b []byte) {
	if cap(b) < bodyLeast || p.bytes+cap(b) > poolBytesMax {
		return
	}
	class, size := classOf(cap(b))
	if class >= classes || size != cap(b) {
		return
	}
	p.free[class] = append(p.free[class], b)
	p.bytes += cap(b)
}
