package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestNobodyTakesTheRoomOfAll: members that offer as much as they like, behind holes that nobody fills or
// with what is here, keep this node's own news from nobody, and one that offers holes keeps no other from it.
func TestNobodyTakesTheRoomOfAll(t *testing.T) {
	for _, held := range []bool{false, true} {
		w := newWorld(1000, 32, 2)
		to, from, author := w.apart()
		n := w.nodes[to]
		o := w.offer(to, from, author)
		o.From, o.News, o.To, o.Held, o.Before, o.Alone = 3, 3, 4, 2, 2, !held
		if held {
			o.Held = 4
		}
		fill := func() {
			for range 2 * tasksMax {
				o.Serial++
				o.To++ // else it was covered lately
				if held {
					o.Held++
				}
				n.tree.Take(w.now, o)
			}
		}
		fill()
		if other := *o; !held {
			other.Peer++
			if v := n.tree.Take(w.now, &other); v != Taken {
				t.Errorf("another sender: verdict %d", v)
			}
			for range 8 { // liars
				o.Peer++
				fill()
			}
		}
		if len(n.tree.tasks) < waitsMax || len(n.tree.tasks) > tasksMax {
			t.Errorf("held %v: %d tasks", held, len(n.tree.tasks))
		}
		before := n.tree.parcels.busy
		n.tree.Learn(uint32(to+1), 0, 1)
		n.tree.Flush(w.now)
		told := 0
		for i := range n.tree.parcels.slots {
			if s := &n.tree.parcels.slots[i]; s.stage == queued && s.origin == uint32(to+1) {
				told += n.tree.parts.Ring.in(s.Range).n
			}
		}
		if told < len(w.nodes)-2 {
			t.Errorf("held %v: own news goes to %d of %d members (%d parcels before)", held, told, len(w.nodes)-1, before)
		}
		if w.now += 60 * sched.Second; !held {
			if o.Peer++; n.tree.Take(w.now, o) != Taken || len(n.tree.tasks) != 1 {
				t.Errorf("%d wait in vain", len(n.tree.tasks))
			}
		}
	}
}

// TestBlameEndsWithALife: what a member did not cover, or was asked about, is held against nobody who has
// its handle later; its range is covered anew.
func TestBlameEndsWithALife(t *testing.T) {
	for _, another := range []bool{false, true} {
		w := newWorld(100, 4, 3)
		n := w.nodes[0]
		w.write(0, 1)
		p := n.due[0]
		var x Parcel
		n.tree.Next(p, &x)
		n.tree.Sent(w.now, p, 1, false)
		n.tree.Answered(w.now, p, x.Serial, true)
		n.tree.Gone(w.now, p)
		n.peers[p].out, n.peers[p].misses, n.peers[p].lone = sched.Never, outMax, w.now
		if another {
			n.tree.Another(p)
		} else {
			n.peers[p].out = 0
		}
		n.tree.Lacks(w.now+sched.Second, x.Lo, 1, 0)
		if got := n.count.DelegationsFalse; (got == 0) != another || (n.peers[p].out == 0) != another || n.tree.Waiting() != 1 {
			t.Errorf("another %v: %d to blame, out until %d, %d ranges to cover", another, got, n.peers[p].out, n.tree.Waiting())
		}
	}
}
