package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/sched"
)

// TestTwoSwapDeclaredAddresses: two members that said their addresses swap them. All others follow,
// and the two meet again as soon as they say where they are.
func TestTwoSwapDeclaredAddresses(t *testing.T) {
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		w := newNet(t, 5, 94, sealed)
		says := func(i int) {
			d := w.nodes[i]
			d.core.Advertise(w.now, d.addr)
			w.set(i, string(declare.AddrKey), string(declare.AppendAddr(nil, d.addr)))
		}
		w.joinAll()
		for i := range w.nodes {
			says(i)
		}
		w.converge(5 * sched.Second)
		a, b := w.nodes[1], w.nodes[2]
		a.addr, b.addr = b.addr, a.addr
		w.at[a.addr], w.at[b.addr] = a, b
		w.run(5 * sched.Second)
		for i, n := range w.nodes {
			for _, j := range []int{1, 2} {
				if i != 1 && i != 2 && n.core.peers[w.peer(i, j)].at.Addr != w.nodes[j].addr {
					t.Errorf("node %d sends to the old address of %d", i, j)
				}
			}
		}
		says(1)
		says(2)
		took := w.until("all say where they are", 5*sched.Second, func() bool {
			return w.oneCluster() && w.equal() && a.core.peers[w.peer(1, 2)].at.Addr == b.addr && b.core.peers[w.peer(2, 1)].at.Addr == a.addr
		})
		w.compare()
		t.Logf("%d ms", took/sched.Millisecond)
	})
}
