package portable

import (
	"net/netip"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/ring"
)

// inbox holds datagrams between one reader goroutine, which receives straight
// into a slot, and one caller of Recv.
type inbox struct {
	slots ring.Slab // the reader's
	came  ring.SPSC[arrival]

	starved atomic.Bool   // the reader waits for a free slot
	space   chan struct{} // rings it
}

// arrival is one datagram in its slot.
type arrival struct {
	slot ring.Handle
	n    int
	from netip.AddrPort
}

func (b *inbox) init(slots, width int) {
	b.slots.Init(slots, width)
	b.came.Init(slots)
	b.space = make(chan struct{}, 1)
}

// free takes a slot to receive into, waiting for one until quit closes.
func (b *inbox) free(quit <-chan struct{}) (ring.Handle, bool) {
	for {
		if slot, ok := b.slots.Get(); ok {
			return slot, true
		}
		b.starved.Store(true)
		if b.slots.Free() > 0 { // given back between the look and the store
			b.starved.Store(false)
			continue
		}
		select {
		case <-b.space:
		case <-quit:
			return 0, false
		}
	}
}

// publish hands a slot that free gave to the caller of Recv. There is always
// room: the queue has as many places as there are slots.
func (b *inbox) publish(slot ring.Handle, n int, from netip.AddrPort) {
	b.came.Push(arrival{slot, n, from})
}

// take copies the oldest datagram into dst and gives its slot back. fits is
// false when it was too long and is dropped.
func (b *inbox) take(dst []byte) (n int, from netip.AddrPort, fits, ok bool) {
	a, ok := b.came.Pop()
	if !ok {
		return 0, from, false, false
	}
	if fits = a.n <= len(dst); fits {
		n = copy(dst, b.slots.Bytes(a.slot)[:a.n])
	}
	b.slots.GiveBack(a.slot)
	return n, a.from, fits, true
}

// refill wakes a reader that ran out of slots.
func (b *inbox) refill() {
	if b.starved.Load() && b.starved.CompareAndSwap(true, false) {
		select {
		case b.space <- struct{}{}:
		default:
		}
	}
}
