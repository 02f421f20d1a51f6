package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// price is what a cluster pays for a write: frames and bytes a member and write, copies a delivery,
// and the time until all have the last one.
type price struct {
	frames, bytes, copies float64
	took                  sched.Instant
}

// pays lets each member of a cluster of n write now and then, and looks what that costs where mail
// to all ends at so many members.
func pays(t *testing.T, n, most int) (p price) {
	t.Helper()
	w := newNet(t, n, 21, func(_ int, c *Config) { c.Experiment.MailMax = most })
	w.joinAll()
	for i := range n {
		w.set(i, "k", "first")
	}
	w.converge(60 * sched.Second)
	w.run(2 * sched.Second)
	sum := func() (frames, bytes, news, all uint64) {
		for _, d := range w.nodes {
			c := &d.core.counters
			frames, bytes, news, all = frames+c.FramesSent, bytes+c.BytesSent, news+c.EntriesNew, all+c.EntriesNew+c.EntriesOld
		}
		return frames, bytes, news, all
	}
	f0, b0, n0, a0 := sum()
	const writes = 100
	for k := range writes {
		w.set(k%n, "k", fmt.Sprint(k))
		w.run(20 * sched.Millisecond)
	}
	start := w.now
	w.until("all have all", 10*sched.Second, w.equal)
	p.took = w.now - start
	f, b, news, all := sum()
	each := float64(n) * writes
	p.frames, p.bytes = float64(f-f0)/each, float64(b-b0)/each
	p.copies = float64(all-a0) / float64(news-n0)
	t.Logf("%d members: %.2f frames and %.0f bytes a member and write, %.2f copies, the last after %d ms", n, p.frames, p.bytes, p.copies, p.took/sched.Millisecond)
	return p
}

// TestNoCliffWhereMailEnds: a cluster of a few more members than are mailed to by themselves pays no
// more for a write than one of a few fewer: a copy a delivery, and about as many frames.
func TestNoCliffWhereMailEnds(t *testing.T) {
	const most = 16
	below, above := pays(t, most-4, most), pays(t, most+6, most)
	if above.copies > 1.1*below.copies || above.frames > 1.25*below.frames || above.bytes > 1.25*below.bytes {
		t.Errorf("%+v below, %+v above", below, above)
	}
	if above.took > below.took+100*sched.Millisecond {
		t.Errorf("the last is at all after %d ms, %d below", above.took/sched.Millisecond, below.took/sched.Millisecond)
	}
}
