package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// twinOf is a machine that was copied while it ran: the copy has the memory of the other, its name,
// its life, its keys and its peers, at an address of its own.
func (w *net) twinOf(was *net, i int) *node {
	d := was.nodes[i]
	d.alarm, d.i, d.addr = sched.Never, len(w.nodes), moved(i)
	w.nodes = append(w.nodes, d)
	w.at[d.addr] = d
	return d
}

// TestAMachineThatIsCopied: a machine is copied while it runs, and both go on, under one name and in
// one life. Soon one of them alone writes, all hold what it wrote, and both are told; when it goes
// the other one has the name again.
func TestAMachineThatIsCopied(t *testing.T) {
	for _, writes := range []string{"none", "original", "copy", "both"} {
		for _, declared := range []bool{true, false} {
			for _, goes := range []string{"winner", "loser"} {
				t.Run(fmt.Sprint(writes, " ", declared, " ", goes), func(t *testing.T) {
					both(t, func(t *testing.T, sealed func(int, *Config)) {
						copied(t, sealed, writes, declared, goes)
					})
				})
			}
		}
	}
}

func copied(t *testing.T, sealed func(int, *Config), writes string, declared bool, goes string) {
	say := func(w *net) {
		if !declared {
			for _, d := range w.nodes {
				d.core.me.Addr = netip.AddrPortFrom(netip.IPv4Unspecified(), 7946)
			}
		}
	}
	w, was := past(t, sealed, say), past(t, sealed, say)
	a := w.nodes[1]
	b := w.twinOf(was, 1)
	w.forgetEvents()
	for k := range 20 {
		for i, d := range w.nodes {
			if d != a && d != b || writes == "both" || writes == "original" && d == a || writes == "copy" && d == b {
				if !d.core.me.Silenced {
					w.set(i, fmt.Sprint("k", k), fmt.Sprint("of ", i))
				}
			}
		}
		w.run(20 * sched.Millisecond)
	}
	one := func() bool { return a.core.me.Silenced != b.core.me.Silenced }
	took := w.until("one of them writes", 5*sched.Second, one)
	winner, loser := a, b
	if a.core.me.Silenced {
		winner, loser = b, a
	}
	agree := func(x *node) bool {
		for _, d := range w.nodes {
			if d != loser && (d.core.store.Find(x.core.me.ID) == 0 || w.dump(d, d.core.store.Find(x.core.me.ID)) != w.dump(x, x.core.store.Owner())) {
				return false
			}
		}
		return true
	}
	took += w.until("all hold what it wrote", 5*sched.Second, func() bool { return agree(winner) })
	t.Logf("%d ms, the winner is %v, renewals %d and %d", took/sched.Millisecond, winner.addr, a.core.counters.Renewals, b.core.counters.Renewals)
	w.until("both are told", 5*sched.Second-took, func() bool { return has(loser, Superseded) && has(winner, NameConflict) })
	w.run(30 * sched.Second)
	if !one() || !loser.core.me.Silenced {
		t.Error("it did not stay so")
	}
	if n := a.core.counters.Renewals + b.core.counters.Renewals; n > 3 {
		t.Errorf("%d renewals", n)
	}
	if goes == "loser" {
		loser.down = true
		w.run(30 * sched.Second)
		if !agree(winner) {
			t.Error("not all hold what the winner wrote")
		}
		return
	}
	winner.down = true
	w.until("the loser speaks again", 15*sched.Second, func() bool { return !loser.core.me.Silenced && has(loser, Restored) })
	x := loser
	loser = nil
	w.nodes = append(w.nodes[:winner.i], w.nodes[winner.i+1:]...)
	for i, d := range w.nodes {
		d.i = i
	}
	w.set(x.i, "again", "v")
	w.until("all hold what it wrote", 5*sched.Second, func() bool { return agree(x) })
}

// TestACopyThatBegins: a process begins with the name and the life of a member in service, as with
// its disk. It is refused and told by whom, and the member goes on, with one renewal at most.
func TestACopyThatBegins(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprint("sealed ", sealed), func(t *testing.T) {
			set := twins(sealed, map[int]uint64{1: 5, 4: 5})
			w := newNet(t, 4, 35, set)
			w.joinAll()
			w.set(1, "k", "first")
			w.converge(2 * sched.Second)
			x := w.start(4, 5, set)
			x.version = 20
			w.set(4, "k", "of the copy")
			x.core.Join(w.now, addrOf(0))
			w.pump(x)
			w.until("the copy is told", 5*sched.Second, func() bool {
				why, ok := x.core.door.Seeds.Why(addrOf(0))
				return ok && !why.Plain && why.Reason == codec.RefusedName && why.Holder == addrOf(1)
			})
			w.run(10 * sched.Second)
			d := w.nodes[1]
			if d.core.me.Silenced || !w.mayWrite(1) || x.core.roster.Reach() != 0 || d.core.counters.Renewals > 1 || !has(d, NameConflict) {
				t.Errorf("silenced %v; the copy reaches %d; %d renewals; told %v", d.core.me.Silenced, x.core.roster.Reach(), d.core.counters.Renewals, has(d, NameConflict))
			}
			w.pump(d)
			w.run(sched.Second)
			for _, i := range []int{0, 2, 3} {
				c := &w.nodes[i].core
				if o := c.store.FindName([]byte("twin")); o == 0 || c.store.ID(o) != d.core.me.ID || w.dump(w.nodes[i], o) != w.dump(d, d.core.store.Owner()) {
					t.Errorf("node %d holds the copy", i)
				}
			}
		})
	}
}
