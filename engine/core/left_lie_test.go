package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// TestWhoHasNotLeftIsSpokenTo: a member tells all others that one of them has left, which has not.
// Once that one has refuted it, it is open to all, and gets what is written, whatever the way; one
// that did leave is not brought back by a lie.
func TestWhoHasNotLeftIsSpokenTo(t *testing.T) {
	for _, x := range []tune.Options{
		{Mode: tune.ModePush, Spread: tune.SpreadMail},
		{Mode: tune.ModePush, Spread: tune.SpreadGossip},
		{Mode: tune.ModePush, Order: tune.OrderPreciseOldest},
		{},
	} {
		w := newNet(t, 5, 31, func(_ int, c *Config) { c.Options = x })
		w.joinAll()
		w.converge(5 * sched.Second)
		w.run(sched.Second)
		for to := range 3 {
			w.claim(4, to, 3, w.incarnation(to, 3), member.Left)
			if w.statusOf(to, 3) != member.Left || !w.nodes[to].core.peers[w.peer(to, 3)].Left() {
				t.Fatalf("%+v: node %d finds it %v: nothing is shown", x, to, w.statusOf(to, 3))
			}
		}
		w.until("it refutes that", 10*sched.Second, func() bool {
			for i := range w.nodes {
				if i != 3 && (w.statusOf(i, 3) != member.Alive || !w.nodes[i].core.peers[w.peer(i, 3)].Open()) {
					return false
				}
			}
			return true
		})
		for i := range w.nodes {
			w.set(i, "k", "after it")
		}
		w.converge(5 * sched.Second)
	}
}

// TestWhoHasLeftIsNotBroughtBack: a member tells the others that one that said that it leaves is
// alive, in a later incarnation: it stays one that left.
func TestWhoHasLeftIsNotBroughtBack(t *testing.T) {
	w := newNet(t, 4, 32, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	w.set(3, string(declare.LeaveKey), "")
	w.run(sched.Second)
	w.nodes[3].down = true
	for to := range 2 {
		if !w.nodes[to].core.peers[w.peer(to, 3)].Left() {
			t.Fatalf("node %d has not heard that it leaves", to)
		}
		w.claim(2, to, 3, w.incarnation(to, 3)+1, member.Alive)
	}
	w.run(sched.Second)
	for to := range 2 {
		if q := &w.nodes[to].core.peers[w.peer(to, 3)]; !q.Left() {
			t.Errorf("node %d finds it in phase %d", to, q.Life)
		}
	}
}

// TestNobodyIsBuriedByOneLie: a member tells another in one breath that a third has left, and was
// buried. It is there, and refutes that: it needs no other life, and nothing of it is forgotten.
func TestNobodyIsBuriedByOneLie(t *testing.T) {
	w := newNet(t, 5, 33, nil)
	w.joinAll()
	w.set(3, "k", "v")
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	id := w.nodes[3].core.me.ID
	for range 20 {
		at := w.incarnation(0, 3)
		w.claim(4, 0, 3, at, member.Left)
		w.claim(4, 0, 3, at, member.Buried)
		if w.nodes[0].core.store.Find(id) == 0 {
			t.Fatal("it is forgotten")
		}
		w.run(100 * sched.Millisecond)
	}
	w.until("it refutes that", 10*sched.Second, func() bool { return w.statusOf(0, 3) == member.Alive })
	if w.nodes[3].core.me.ID != id {
		t.Error("it took another life")
	}
}
