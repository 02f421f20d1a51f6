package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

func has(d *node, k EventKind) bool {
	for _, e := range d.events {
		if e.Kind == k {
			return true
		}
	}
	return false
}

// TestAmnesia: an owner that lost its state under the same generation gets its
// own past told, and publishes under a new generation.
func TestAmnesia(t *testing.T) {
	w := newNet(t, 4, 31, nil)
	w.joinAll()
	for k := range 5 {
		w.set(1, fmt.Sprint(k), "x")
	}
	w.converge(sched.Second)
	w.start(1, 1, nil)
	w.set(1, "fresh", "1")
	w.nodes[1].core.Join(w.now, addrOf(0))
	w.converge(10 * sched.Second)
	if n := w.nodes[1].core.counters.Renewals; n != 1 {
		t.Errorf("%d renewals", n)
	}
	w.set(1, "fresh", "2")
	w.converge(sched.Second)
}

// twins makes the nodes of some indexes bear one name, each in its generation.
func twins(sealed bool, gens map[int]uint64) func(i int, c *Config) {
	return func(i int, c *Config) {
		if gen := gens[i]; gen != 0 {
			c.Name, c.Generation = []byte("twin"), gen
		}
		if sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
	}
}

// mayWrite tells whether a node takes a write.
func (w *net) mayWrite(i int) bool {
	c := &w.nodes[i].core
	w.nodes[i].version++
	return c.Write(w.now, &Op{Kind: Set, Version: w.nodes[i].version, Key: []byte("k"), Value: []byte("v")}) == Written
}

// TestANewcomerDoesNotTakeAName: of two live processes with one name the one in service
// keeps it, whichever began earlier, and nobody escalates; the newcomer is refused and
// told by whom, and the one in service hears of it once.
func TestANewcomerDoesNotTakeAName(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, gens := range [][2]uint64{{5, 9}, {9, 5}} {
			t.Run(fmt.Sprint(sealed, gens), func(t *testing.T) {
				set := twins(sealed, map[int]uint64{1: gens[0], 4: gens[1]})
				w := newNet(t, 4, 33, set)
				w.joinAll()
				w.set(1, "k", "first")
				w.converge(2 * sched.Second)
				x := w.start(4, gens[1], set)
				x.core.Join(w.now, addrOf(0))
				w.pump(x)
				w.run(3 * sched.Second)
				why, ok := x.core.door.Seeds.Why(addrOf(0))
				if !ok || why.Plain || why.Reason != codec.RefusedName || why.Holder != addrOf(1) {
					t.Errorf("the newcomer was told %v, %+v", ok, why)
				}
				w.run(20 * sched.Second)
				d := w.nodes[1]
				if d.core.me.Silenced || !w.mayWrite(1) || x.core.roster.Reach() != 0 {
					t.Errorf("silenced %v; the newcomer reaches %d", d.core.me.Silenced, x.core.roster.Reach())
				}
				if d.core.counters.Renewals+x.core.counters.Renewals != 0 {
					t.Error("somebody escalated")
				}
				told := 0
				for _, ev := range d.events {
					if ev.Kind == NameConflict && ev.Addr == x.addr && ev.Generation == gens[1] {
						told++
					}
				}
				if told != 1 {
					t.Errorf("the one in service was told %d times: %+v", told, d.events)
				}
				for _, i := range []int{0, 2, 3} {
					c := &w.nodes[i].core
					if o := c.store.FindName([]byte("twin")); o == 0 || c.store.ID(o) != d.core.me.ID {
						t.Errorf("node %d holds the newcomer", i)
					}
				}
			})
		}
	}
}

// TestTheSeniorKeepsItsNameAfterACut: two boots with one name, each in service on its
// side of a cut: once it heals the senior has the name everywhere, under a generation
// above the other's, and the junior is silent for as long as the senior lives.
func TestTheSeniorKeepsItsNameAfterACut(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		t.Run(fmt.Sprintf("sealed=%v", sealed), func(t *testing.T) {
			set := twins(sealed, map[int]uint64{1: 5, 6: 9})
			w := newNet(t, 6, 34, set)
			w.joinAll()
			w.set(1, "k", "first")
			w.converge(2 * sched.Second)
			w.linked = func(a, b int) bool { return (a < 3) == (b < 3) }
			w.until("the other side gives it up", 10*sched.Second, func() bool { return w.statusOf(3, 1) == member.Dead })
			x := w.start(6, 9, set)
			x.core.Join(w.now, addrOf(3))
			w.pump(x)
			w.until("its name is another's there", 10*sched.Second, func() bool {
				c := &w.nodes[4].core
				o := c.store.FindName([]byte("twin"))
				return o != 0 && c.store.ID(o) == x.core.me.ID
			})
			w.linked = nil
			old := w.nodes[1]
			d := w.until("the senior has it everywhere", 30*sched.Second, func() bool {
				for _, i := range []int{0, 2, 3, 4, 5} {
					c := &w.nodes[i].core
					if o := c.store.FindName([]byte("twin")); o == 0 || c.store.ID(o) != old.core.me.ID {
						return false
					}
				}
				return x.core.me.Silenced
			})
			t.Logf("%d ms after the cut", d/sched.Millisecond)
			if old.core.me.Silenced || old.core.counters.Renewals != 1 || !has(x, Superseded) || !w.mayWrite(1) || w.mayWrite(6) {
				t.Errorf("silenced %v, %d renewals", old.core.me.Silenced, old.core.counters.Renewals)
			}
			w.run(30 * sched.Second)
			if !x.core.me.Silenced || old.core.me.Silenced || old.core.counters.Renewals != 1 {
				t.Errorf("later: silenced %v and %v, %d renewals", old.core.me.Silenced, x.core.me.Silenced, old.core.counters.Renewals)
			}
			old.down = true
			w.until("the junior speaks again", 15*sched.Second, func() bool { return !x.core.me.Silenced && has(x, Restored) })
			if !w.mayWrite(6) {
				t.Error("it may not write")
			}
		})
	}
}

func TestForgedIntroductionsAreDropped(t *testing.T) {
	w := newNet(t, 2, 35, nil)
	w.joinAll()
	w.converge(sched.Second)
	c := &w.nodes[0].core
	if p := c.learn(&codec.Intro{ID: 12345, Gen: 1, Name: []byte("nobody"), Addr: addrOf(9)}, addrOf(9)); p != 0 || c.counters.Drops[DropForged] != 1 {
		t.Error("an id that does not belong to its name was believed")
	}
}

func TestLeave(t *testing.T) {
	w := newNet(t, 5, 37, nil)
	w.joinAll()
	w.set(3, "k", "v")
	w.converge(sched.Second)
	w.set(3, string(declare.LeaveKey), "")
	w.run(100 * sched.Millisecond)
	if a := w.nodes[3].core.Agreement(0); a.Members != 4 || a.Confirmed != w.nodes[3].version {
		t.Errorf("confirmed %d by %d", a.Confirmed, a.Members)
	}
	for i, d := range w.nodes {
		if i != 3 && !has(d, MemberLeft) {
			t.Errorf("node %d did not hear", i)
		}
	}
}

func TestStoppedNodeIsLeftAloneAndFoundAgain(t *testing.T) {
	w := newNet(t, 4, 39, nil)
	w.joinAll()
	w.converge(sched.Second)
	w.nodes[2].down = true
	for k := range 100 {
		w.set(0, "k", fmt.Sprint(k))
		w.run(500 * sched.Millisecond)
	}
	if !has(w.nodes[0], MemberDied) {
		t.Error("still mailed")
	}
	w.nodes[2].down = false
	d := w.converge(15 * sched.Second)
	t.Logf("level after %d ms", d/sched.Millisecond)
}

// TestAnswersToTheDeadAreDropped: peers that fall silent while an answer to
// them is under way give its place back.
func TestAnswersToTheDeadAreDropped(t *testing.T) {
	w := newNet(t, 20, 41, func(_ int, c *Config) { c.Limits.Jobs = 4 })
	w.joinAll()
	w.converge(5 * sched.Second)
	c := &w.nodes[0].core
	for p := uint32(1); p < 20; p++ {
		if c.vectors().Open(&reconcile.Frame{Now: c.now, Peer: p}, codec.DigestWantRuns); c.vectors().Answering(p) {
			c.due.Want(p, dueRuns)
			c.silent(p)
		}
	}
	w.pump(w.nodes[0])
	if jobs, _ := c.vectors().Held(); jobs != 0 {
		t.Errorf("%d answers are still under way", jobs)
	}
}
