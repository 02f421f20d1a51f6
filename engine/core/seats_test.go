package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// TestSeatsAreForTheLiving: members that come one after the other and are killed
// never keep the next one out, however many there are, and nobody who lives gives
// a seat.
func TestSeatsAreForTheLiving(t *testing.T) {
	const limit, stay, come = 64, 2, 200
	w := newNet(t, stay, 83, func(_ int, c *Config) { c.Limits.State = seatsOf(limit) })
	w.joinAll()
	w.converge(5 * sched.Second)
	w.set(0, "k", "v")
	worst := sched.Instant(0)
	for i := stay; i < stay+come; i++ {
		d := w.start(i, 1, func(_ int, c *Config) { c.Limits.State = seatsOf(limit) })
		d.core.Join(w.now, addrOf(0))
		w.pump(d)
		w.set(i, "addr", "x")
		worst = max(worst, w.seated(d, stay, 2*sched.Second))
		w.run(200 * sched.Millisecond)
		d.down = true
		delete(w.at, d.addr)
		w.run(1500 * sched.Millisecond)
		for k, n := range w.nodes[:stay] {
			if n.core.store.Len() > limit {
				t.Fatalf("%d origins at node %d", n.core.store.Len(), k)
			}
		}
	}
	c := &w.nodes[0].core.counters
	t.Logf("in after %d ms at most; %d buried early, %d evicted", worst/sched.Millisecond, c.Unseated, c.Evicted)
	if c.Unseated == 0 {
		t.Error("the table was never full of the dead")
	}
	w.run(10 * sched.Second)
	for i := range stay {
		if w.statusOf(i, 1-i) != member.Alive || w.nodes[i].core.roster.Reach() != stay-1 || has(w.nodes[i], MemberQuiet) {
			t.Errorf("node %d reaches %d others", i, w.nodes[i].core.roster.Reach())
		}
	}
}

func seatsOf(origins int) state.Limits {
	l := DefaultLimits().State
	l.Origins = origins
	return l
}

// seated runs until the first few nodes have the newcomer's state and it has
// theirs, and gives the time that took.
func (w *net) seated(d *node, first int, limit sched.Instant) sched.Instant {
	w.t.Helper()
	in := func() bool {
		for _, n := range w.nodes[:first] {
			o, back := n.core.store.Find(d.core.me.ID), d.core.store.Find(n.core.me.ID)
			if o == 0 || back == 0 || n.core.store.Max(o) == 0 || d.core.store.Max(back) < n.core.store.Max(n.core.store.Owner()) {
				return false
			}
		}
		return true
	}
	for start := w.now; w.now < start+limit; w.run(5 * sched.Millisecond) {
		if in() {
			return w.now - start
		}
	}
	w.t.Fatalf("node %d is not in after %d ms: drops %v", d.i, limit/sched.Millisecond, w.nodes[0].core.counters.Drops)
	return 0
}

// TestWhoIsKilledIsReplaced: of a cluster that has as many members as it may have one is killed, and
// another one comes under a new name at a new address, as where containers are replaced. It is told
// that there is no seat, and has one within two and a half seconds of the moment when the dead one is known
// to be dead; who takes the place of one that left has one at once.
func TestWhoIsKilledIsReplaced(t *testing.T) {
	const seats = 8
	for _, leaves := range []bool{false, true} {
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			set := func(i int, c *Config) { sealed(i, c); c.Limits.State = seatsOf(seats) }
			w := newNet(t, seats, 84, set)
			w.joinAll()
			w.converge(5 * sched.Second)
			old := w.nodes[seats-1]
			if leaves {
				w.set(seats-1, string(declare.LeaveKey), "")
				w.run(20 * sched.Millisecond)
			}
			old.down = true
			w.start(seats, 1, set)
			w.nodes[seats].core.Join(w.now, addrOf(0))
			w.pump(w.nodes[seats])
			in := func() bool {
				for _, d := range w.nodes {
					if d != old && d.core.roster.Reach() != seats-1 {
						return false
					}
				}
				return true
			}
			if leaves {
				w.until("it has the seat", sched.Second, in)
				return
			}
			w.until("it is told", sched.Second, func() bool {
				why, ok := w.nodes[seats].core.door.Seeds.Why(addrOf(0))
				return ok && why.Reason == codec.RefusedFull
			})
			w.until("the other is dead", 4*sched.Second, func() bool { return has(w.nodes[0], MemberDied) })
			w.until("it has the seat", 2500*sched.Millisecond, in)
		})
	}
}
