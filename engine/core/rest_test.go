package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Where all are level, members compare once a second; a write that somebody missed is
// repaired as soon as if they had never rested, once its frames get through.
func TestComparisonsRestAndWakeUp(t *testing.T) {
	w := newNet(t, 6, 5, nil)
	w.joinAll()
	for i := range w.nodes {
		w.set(i, "k", "v")
	}
	w.run(30 * sched.Second)
	exchanges := func() (n uint64) {
		for _, d := range w.nodes {
			n += d.core.Counters().Exchanges
		}
		return n
	}
	before := exchanges()
	w.run(10 * sched.Second)
	if n := exchanges() - before; n > 6*12 || n < 6*8 {
		t.Errorf("%d comparisons of 6 idle members in 10 s", n)
	}
	w.filter = func(from, to *node, _ []byte) bool { return to.i != 5 || from.i != 0 }
	w.set(0, "k", "new")
	author := w.nodes[0].core.store.Owner()
	id := w.nodes[0].core.store.ID(author)
	has := func() bool { c := &w.nodes[5].core; return c.store.Max(c.store.Find(id)) == w.nodes[0].version }
	from := w.now
	for !has() && w.now < from+2*sched.Second {
		w.run(10 * sched.Millisecond)
	}
	if took := w.now - from; took > 400*sched.Millisecond {
		t.Errorf("who gets no mail of the author has its write after %v", took)
	}
	before = exchanges()
	w.run(sched.Second)
	if n := exchanges() - before; n < 6*6 {
		t.Errorf("%d comparisons in the second after news", n)
	}
}

// Twelve members that have nothing to say cost each of them some sixty small frames a
// second with the default detector, and wake each up as seldom by timers as its rounds,
// comparisons and audits want.
func TestIdleMembersAreQuiet(t *testing.T) {
	const members, seconds = 12, 10
	w := newNet(t, members, 6, nil)
	w.joinAll()
	for i := range w.nodes {
		w.set(i, "k", "v")
	}
	w.run(30 * sched.Second)
	bytes, before := 0, w.frames
	w.sniff = func(b []byte) { bytes += len(b) }
	w.run(seconds * sched.Second)
	frames := (w.frames - before) / members / seconds
	if bytes /= members * seconds; frames > 64 || bytes > 3800 {
		t.Errorf("%d frames and %d bytes a second of each of %d members", frames, bytes, members)
	}
	t.Logf("%d frames, %d bytes a second and member", frames, bytes)
}
