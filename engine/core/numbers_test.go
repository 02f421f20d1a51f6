package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestFrameNumbersNeverGoBack: a member that came back with its memory lost, and took a new generation while frames
// went to it already, still sees what is sent to it as new: otherwise nothing is acknowledged any more, and the sender
// takes it for one that stalls.
func TestFrameNumbersNeverGoBack(t *testing.T) {
	for seed := uint64(400); seed < 416; seed++ {
		w := newNet(t, 2, seed, nil)
		w.joinAll()
		w.set(1, "a", "1")
		w.run(sched.Second)
		old := w.nodes[1].core.me.ID
		back := w.start(1, 1, nil)
		back.core.Join(w.now, w.nodes[0].addr)
		w.pump(back)
		w.run(5 * sched.Second)
		a, b := &w.nodes[0].core, &w.nodes[1].core
		if b.me.ID == old {
			t.Fatal("its generation is not new")
		}
		last := a.peers[a.roster.Find(b.me.ID)].link.Last()
		high, _ := b.peers[b.roster.Find(a.me.ID)].link.Seen()
		if behind := last - high; behind > 64 {
			t.Errorf("seed %d: frames up to %d were sent, %d is the last that counts as new", seed, last, high)
		}
	}
}
