package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/sched"
)

// move gives a node another address, as it shows to others.
func (w *net) move(i int, to netip.AddrPort) {
	d := w.nodes[i]
	if w.at[d.addr] == d {
		delete(w.at, d.addr)
	}
	d.addr = to
	w.at[to] = d
}

func moved(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, 0, byte(i)}), 7946)
}

// TestAllAddressesChange: while a cluster is cut in two each member gets another address, one after
// the other or all at once, and says so or has never said any. Then one member of a half is told an
// address of the other, as by a name that is looked up: all become one cluster again by that alone, within 5 s.
func TestAllAddressesChange(t *testing.T) {
	cuts, seeds := []sched.Instant{10 * sched.Second, 600 * sched.Second}, []uint64{92, 93, 94}
	if testing.Short() {
		cuts, seeds = cuts[:1], seeds[:1]
	}
	for _, cut := range cuts {
		for _, says := range []bool{false, true} {
			for _, once := range []bool{false, true} {
				for _, seed := range seeds {
					both(t, func(t *testing.T, sealed func(int, *Config)) { allMove(t, seed, cut, says, once, sealed) })
				}
			}
		}
	}
}

func allMove(t *testing.T, seed uint64, cut sched.Instant, says, once bool, sealed func(int, *Config)) {
	w := newNet(t, 6, seed, sealed)
	if !says {
		for _, d := range w.nodes {
			d.core.me.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), 7946)
		}
	}
	w.joinAll()
	w.converge(5 * sched.Second)
	w.linked = func(from, to int) bool { return from/3 == to/3 }
	w.run(cut)
	for i := range w.nodes {
		w.move(i, moved(i))
		if says {
			w.nodes[i].core.Advertise(w.now, moved(i))
			w.set(i, string(declare.AddrKey), string(declare.AppendAddr(nil, moved(i))))
		}
		w.set(i, "k", "moved")
		if !once {
			w.run(2 * sched.Second)
		}
	}
	w.run(20 * sched.Second)
	meet := func(i, seed int) {
		w.nodes[i].core.Join(w.now, moved(seed))
		w.pump(w.nodes[i])
	}
	if once { // within the halves nobody finds anybody
		for i := range w.nodes {
			meet(i, i/3*3)
		}
		w.until("halves", 30*sched.Second, func() bool {
			for _, d := range w.nodes {
				if d.core.roster.Reach() != 2 {
					return false
				}
			}
			return true
		})
	}
	w.linked = nil
	meet(4, 0)
	took := w.until("one cluster", 5*sched.Second, func() bool { return w.oneCluster() && w.equal() })
	w.compare()
	t.Logf("cut for %d s, says it %v, at once %v: %d ms", cut/sched.Second, says, once, took/sched.Millisecond)
}

// TestTwoSwapAddresses: two members that say no address get each other's address, at once. They are followed, nobody
// takes anybody for dead, and all news arrive within a second.
func TestTwoSwapAddresses(t *testing.T) {
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		w := newNet(t, 5, 93, sealed)
		for _, d := range w.nodes {
			d.core.me.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), 7946)
		}
		w.joinAll()
		w.converge(5 * sched.Second)
		for turn := range 4 {
			a, b := w.nodes[1], w.nodes[2]
			a.addr, b.addr = b.addr, a.addr
			w.at[a.addr], w.at[b.addr] = a, b
			for i := range w.nodes {
				w.set(i, "k", fmt.Sprint(turn))
			}
			took := w.until("all news", sched.Second, w.equal)
			t.Logf("turn %d: %d ms", turn, took/sched.Millisecond)
			w.run(20 * sched.Second)
			w.compare()
			if !w.oneCluster() {
				t.Error("not one cluster")
			}
			for i, n := range w.nodes {
				if has(n, MemberDied) {
					t.Errorf("node %d takes somebody for dead", i)
				}
				for _, j := range []int{1, 2} {
					if i != j && n.core.peers[w.peer(i, j)].at.Addr != w.nodes[j].addr {
						t.Errorf("turn %d: node %d sends to the old address of %d", turn, i, j)
					}
				}
			}
		}
	})
}

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

// TestAMoveCostsFewGreetings: whoever moves is greeted where it speaks from, and greets back, until
// its old address has been silent for long enough. That is some dozens of greetings and answers
// for each peer, not as many as the path has time for.
func TestAMoveCostsFewGreetings(t *testing.T) {
	both(t, func(t *testing.T, sealed func(int, *Config)) {
		const n = 12
		w := newNet(t, n, 303, sealed)
		for _, d := range w.nodes {
			d.core.me.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), 7946)
		}
		w.joinAll()
		w.converge(5 * sched.Second)
		w.run(sched.Second)
		greetings := 0
		w.sniff = func(b []byte) {
			var h codec.Header
			rest, err := codec.ParseFrame(b, &h)
			if t, _, _ := codec.NextRecord(rest); h.Flags&codec.FlagHello != 0 || err == nil && (t == codec.TypeHello || t == codec.TypeHelloReply) {
				greetings++
			}
		}
		for turn := range 5 {
			greetings = 0
			w.move(n-1, netip.AddrPortFrom(addrOf(100).Addr(), uint16(3000+turn)))
			w.run(3 * sched.Second)
			if greetings > 60*(n-1) {
				t.Errorf("turn %d: %d greetings and answers", turn, greetings)
			}
			for i := range n - 1 {
				if w.addrAt(i, n-1) != w.nodes[n-1].addr {
					t.Errorf("turn %d: node %d has not followed", turn, i)
				}
			}
		}
		w.nobodyDied()
	})
}
