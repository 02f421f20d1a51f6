package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
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

// TestRivalLoses: two live processes with one name. The lower generation stops
// writing, at one address or another, whoever came first.
func TestRivalLoses(t *testing.T) {
	for _, gens := range [][2]uint64{{5, 9}, {9, 5}} {
		t.Run(fmt.Sprint(gens), func(t *testing.T) {
			w := newNet(t, 4, 33, func(i int, c *Config) {
				if i == 1 {
					c.Name, c.Generation = []byte("twin"), gens[0]
				}
			})
			w.joinAll()
			w.set(1, "k", "first")
			w.converge(sched.Second)
			w.start(4, gens[1], func(_ int, c *Config) { c.Name = []byte("twin") })
			w.nodes[4].core.Join(w.now, addrOf(0))
			w.run(5 * sched.Second)
			loser, winner := w.nodes[1], w.nodes[4]
			if gens[0] > gens[1] {
				loser, winner = winner, loser
			}
			if !loser.core.me.Silenced || winner.core.me.Silenced {
				t.Errorf("silenced: loser %v, winner %v", loser.core.me.Silenced, winner.core.me.Silenced)
			}
			if !has(loser, Superseded) || !has(loser, NameConflict) {
				t.Error("the loser was not told")
			}
			if loser.core.Write(w.now, &Op{Kind: Set, Version: loser.core.store.Max(loser.core.store.Owner()) + 1, Key: []byte("k")}) != Silenced {
				t.Error("the loser may write")
			}
			if loser.core.counters.Renewals+winner.core.counters.Renewals != 0 {
				t.Error("somebody escalated")
			}
		})
	}
}

func TestForgedIntroductionsAreDropped(t *testing.T) {
	w := newNet(t, 2, 35, nil)
	w.joinAll()
	w.converge(sched.Second)
	c := &w.nodes[0].core
	if p := c.learn(12345, 1, []byte("nobody"), addrOf(9), addrOf(9)); p != 0 || c.counters.Drops[DropForged] != 1 {
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

// TestTheSilencedSpeaksAgain: whoever lost its name writes again within seconds
// after the rival is gone, under a generation above it: killed, left, or never
// more than one handshake; and not while the rival answers.
func TestTheSilencedSpeaksAgain(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, stay := range []sched.Instant{100 * sched.Millisecond, sched.Second, 30 * sched.Second} {
			t.Run(fmt.Sprintf("sealed=%v/%dms", sealed, stay/sched.Millisecond), func(t *testing.T) {
				set := func(i int, c *Config) {
					if i == 1 || i == 4 {
						c.Name, c.Generation = []byte("twin"), uint64(5+i)
					}
					if sealed {
						c.Keys = ringOf(string(c.Cluster), 1)
					}
				}
				w := newNet(t, 4, 34, set)
				w.joinAll()
				w.set(1, "k", "first")
				w.converge(2 * sched.Second)
				x := w.start(4, 1, set)
				x.core.Join(w.now, addrOf(1))
				w.pump(x)
				w.run(stay)
				d := w.nodes[1]
				if !d.core.me.Silenced {
					t.Fatal("the rival has not won")
				}
				x.down = true
				delete(w.at, x.addr)
				w.nodes = w.nodes[:4]
				w.run(8 * sched.Second)
				if d.core.me.Silenced || !has(d, Restored) || d.core.me.Gen <= x.core.me.Gen {
					t.Fatalf("silenced %v, generation %d after %d", d.core.me.Silenced, d.core.me.Gen, x.core.me.Gen)
				}
				w.set(1, "k", "again")
				w.converge(2 * sched.Second)
			})
		}
	}
}
