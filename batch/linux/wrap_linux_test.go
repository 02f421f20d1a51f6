package linux

import (
	"testing"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/batch/batchtest"

	"golang.org/x/sys/unix"
)

// TestDropsOfTheKernelWrap: the kernel counts what it dropped in 32 bits, which begin anew; what a Conn
// counts goes on.
func TestDropsOfTheKernelWrap(t *testing.T) {
	p, err := newPoller(batch.PollerOptions{}, probed())
	if err != nil {
		t.Skip(err)
	}
	b := &batchtest.Bench{TB: t, Poller: p}
	c := b.Open(batchtest.Loopback, batch.Options{}).(*Conn)
	if !meminfo(c.fd, new([unix.SK_MEMINFO_VARS]uint32)) {
		t.Skip("the kernel counts no drops")
	}
	const before = 7 // drops, until its numbers ended
	c.count.lastDrops.Store(^uint32(before - 1))
	c.count.readAt.Store(0)
	c.readKernel()
	if got := c.count.drops.Load(); got != before {
		t.Errorf("%d drops are counted, want %d", got, before)
	}
	c.count.readAt.Store(0)
	if c.readKernel(); c.count.drops.Load() != before {
		t.Errorf("they are counted again: %d", c.count.drops.Load())
	}
}
