package portable

import (
	"net/netip"
	"sync/atomic"
)

// ring is a bounded queue of datagrams between one reader goroutine and one
// caller of Recv. The reader receives straight into the next free slot.
type ring struct {
	slots []slot
	bytes []byte // len(slots) times width
	width int

	_    [64]byte
	head atomic.Uint64 // next to be taken; written by the caller of Recv
	_    [64]byte
	tail atomic.Uint64 // next to be filled; written by the reader
	_    [64]byte

	starved atomic.Bool   // the reader waits for a free slot
	space   chan struct{} // rings it
}

type slot struct {
	n    int
	from netip.AddrPort
}

func newRing(slots, width int) *ring {
	return &ring{
		slots: make([]slot, slots),
		bytes: make([]byte, slots*width),
		width: width,
		space: make(chan struct{}, 1),
	}
}

// len is how many datagrams wait.
func (r *ring) len() int { return int(r.tail.Load() - r.head.Load()) }

// slotBytes is the buffer of the slot with the running number at.
func (r *ring) slotBytes(at uint64) []byte {
	i := int(at%uint64(len(r.slots))) * r.width
	return r.bytes[i : i+r.width : i+r.width]
}

// free returns the buffer to receive into, waiting for one until quit closes.
func (r *ring) free(quit <-chan struct{}) ([]byte, bool) {
	at := r.tail.Load()
	for r.len() == len(r.slots) {
		r.starved.Store(true)
		if r.len() < len(r.slots) { // taken between the look and the store
			r.starved.Store(false)
			break
		}
		select {
		case <-r.space:
		case <-quit:
			return nil, false
		}
	}
	return r.slotBytes(at), true
}

// publish hands the slot that free returned to the caller of Recv.
func (r *ring) publish(n int, from netip.AddrPort) {
	at := r.tail.Load()
	s := &r.slots[at%uint64(len(r.slots))]
	s.n, s.from = n, from
	r.tail.Store(at + 1)
}

// oldest returns the datagram to be taken next.
func (r *ring) oldest() (b []byte, from netip.AddrPort, ok bool) {
	at := r.head.Load()
	if at == r.tail.Load() {
		return nil, from, false
	}
	s := &r.slots[at%uint64(len(r.slots))]
	return r.slotBytes(at)[:s.n], s.from, true
}

// drop frees the oldest slot.
func (r *ring) drop() { r.head.Add(1) }

// refill wakes a reader that ran out of slots.
func (r *ring) refill() {
	if r.starved.Load() && r.starved.CompareAndSwap(true, false) {
		select {
		case r.space <- struct{}{}:
		default:
		}
	}
}
