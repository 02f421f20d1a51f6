package linux

import (
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/sched"

	"golang.org/x/sys/unix"
)

// meminfoEvery is the shortest span between two reads of the kernel's counters.
const meminfoEvery = 20 * sched.Millisecond

// counters are added to once a batch, not once a datagram.
type counters struct {
	sent, sentBytes, sendCalls, runs, retries         atomic.Uint64
	received, receivedBytes, recvCalls, coalescedRuns atomic.Uint64
	oversize, recvErrors                              atomic.Uint64
	sendErrors                                        [batch.ErrorKinds]atomic.Uint64

	readAt             atomic.Int64 // when the kernel's counters were read, plus one
	lastDrops          atomic.Uint32
	drops, queue, room atomic.Uint64
	reads              atomic.Uint64
}

// Stats implements batch.Conn. The kernel's counters are read at most once in
// meminfoEvery; one caller does it, the others get what was read last.
func (c *Conn) Stats(s *batch.Stats) {
	c.readKernel()
	n := &c.count
	*s = batch.Stats{
		Sent:               n.sent.Load(),
		SentBytes:          n.sentBytes.Load(),
		SendCalls:          n.sendCalls.Load(),
		SegmentedRuns:      n.runs.Load(),
		SegmentRetries:     n.retries.Load(),
		Received:           n.received.Load(),
		ReceivedBytes:      n.receivedBytes.Load(),
		RecvCalls:          n.recvCalls.Load(),
		CoalescedRuns:      n.coalescedRuns.Load(),
		Oversize:           n.oversize.Load(),
		RecvErrors:         n.recvErrors.Load(),
		KernelReads:        n.reads.Load(),
		KernelDrops:        n.drops.Load(),
		ReceiveQueueBytes:  n.queue.Load(),
		ReceiveBufferBytes: n.room.Load(),
	}
	for k := range s.SendErrors {
		s.SendErrors[k] = n.sendErrors[k].Load()
	}
}

func (c *Conn) readKernel() {
	n := &c.count
	last, now := n.readAt.Load(), int64(c.poller.Now())+1
	if last != 0 && now-last < int64(meminfoEvery) || !n.readAt.CompareAndSwap(last, now) {
		return
	}
	if !c.lease.enter(c.shut) {
		return
	}
	defer c.lease.leave(c.shut)
	var m [unix.SK_MEMINFO_VARS]uint32
	if !meminfo(c.fd, &m) {
		return
	}
	drops := m[unix.SK_MEMINFO_DROPS] // 32 bits that wrap
	n.drops.Add(uint64(drops - n.lastDrops.Swap(drops)))
	n.queue.Store(uint64(m[unix.SK_MEMINFO_RMEM_ALLOC]))
	n.room.Store(uint64(m[unix.SK_MEMINFO_RCVBUF]))
	n.reads.Add(1)
}
