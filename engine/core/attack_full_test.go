package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

const fullNodes = 8

// fullReplica is a cluster whose node 3 has room for some of what the others
// write, over paths that reorder.
func fullReplica(t *testing.T, keys int) *net {
	const n = fullNodes
	w := newNet(t, n, 55, func(i int, c *Config) {
		if i == 3 {
			c.Limits.State = roomFor(64, 50, 1<<20)
		}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range keys {
		for i := range n {
			if i != 3 {
				w.set(i, fmt.Sprint("k", k), strings.Repeat("v", 200))
			}
		}
		w.run(sched.Millisecond)
	}
	return w
}

// TestFullReplicaIsLeftInPeace: a replica without room is not mailed in vain
// without end, does not ask without end for what it has no room for, stays a
// member in good standing, and keeps what it has.
func TestFullReplicaIsLeftInPeace(t *testing.T) {
	for _, keys := range []int{10, 100} {
		w := fullReplica(t, keys)
		full := &w.nodes[3].core
		w.run(20 * sched.Second)
		was := full.counters
		const span = 10
		w.run(span * sched.Second)
		received, pulls := (full.counters.FramesReceived-was.FramesReceived)/span, (full.counters.PullsSent-was.PullsSent)/span
		t.Logf("%d keys each: %d frames and %d bytes a second, %d pulls", keys, received, (full.counters.BytesReceived-was.BytesReceived)/span, pulls)
		if received > 600 || pulls > 60 {
			t.Errorf("%d frames received and %d pulls a second", received, pulls)
		}
		if st := full.store.Stats(); st.LiveKeys < 50 || st.LiveKeys > 50+2*fullNodes {
			t.Errorf("%d keys in a store of 50 and a share for each of %d", st.LiveKeys, fullNodes)
		}
		for i := range w.nodes {
			if i != 3 && w.statusOf(i, 3) != member.Alive || has(w.nodes[i], MemberQuiet) {
				t.Errorf("node %d believes it to be %v", i, w.statusOf(i, 3))
			}
		}
	}
}

// TestFullReplicaFillsUp: when there is room again, what was missing comes.
func TestFullReplicaFillsUp(t *testing.T) {
	w := fullReplica(t, 9)
	w.run(20 * sched.Second)
	if w.equal() {
		t.Fatal("there was room for everything")
	}
	w.start(1, 2, nil) // without its keys
	w.nodes[1].core.Join(w.now, addrOf(0))
	w.pump(w.nodes[1])
	w.run(5 * sched.Second)
	t.Logf("level after 5 s and %d ms more", w.converge(10*sched.Second)/sched.Millisecond)
}
