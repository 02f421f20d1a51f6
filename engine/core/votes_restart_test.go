package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// TestVotesOfARestartedObserverCount: a restarted observer numbers its votes from 1 again,
// while the others still have the number of its last life under the same handle:
// its votes are dropped as replays.
func TestVotesOfARestartedObserverCount(t *testing.T) {
	detect := func(restart bool) (took sched.Instant, replays uint64) {
		const n = 10
		w := newNet(t, n, 5, nil)
		w.joinAll()
		w.converge(5 * sched.Second)
		gen := uint64(1)
		crash := func() sched.Instant {
			start := w.now
			w.nodes[9].down = true
			for w.now < start+20*sched.Second {
				all := true
				for i := range 9 {
					all = all && w.statusOf(i, 9) == member.Dead
				}
				if all {
					return w.now - start
				}
				w.run(5 * sched.Millisecond)
			}
			return -1
		}
		back := func(i int) {
			gen++
			w.start(i, gen, nil)
			w.nodes[i].core.Join(w.now, addrOf((i+1)%9))
			w.pump(w.nodes[i])
			w.run(3 * sched.Second)
		}
		for range 20 { // a cluster with a history of crashes
			crash()
			back(9)
		}
		if restart {
			for i := range 5 {
				back(i)
			}
		}
		was := uint64(0)
		for i := 5; i < 9; i++ {
			was += w.nodes[i].core.live.Counters().DropReplay
		}
		took = crash()
		for i := 5; i < 9; i++ {
			replays += w.nodes[i].core.live.Counters().DropReplay
		}
		return took, replays - was
	}
	plain, r0 := detect(false)
	after, r1 := detect(true)
	t.Logf("no restarts: all know after %d ms, %d votes dropped as replays", plain/sched.Millisecond, r0)
	t.Logf("half of them restarted: all know after %d ms, %d votes dropped as replays", after/sched.Millisecond, r1)
	if r1 > r0 {
		t.Errorf("%d votes of restarted members were taken for replays", r1)
	}
}
