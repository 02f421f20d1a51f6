package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Renew gives this node another identifier: it goes on under a new generation,
// alive in its first incarnation, or leaving if it was. Others get to know it as
// a new member. It is false when the identifier is taken.
func (t *Table) Renew(now sched.Instant, id codec.OriginID) bool {
	if t.ring.Find(id) != 0 {
		return false
	}
	t.release(t.standings[t.self].fact)
	t.obtain(t.self) // there is room: one was given back
	t.spent = false
	zone := t.ring.Zone(t.self)
	t.ring.Remove(t.self)
	t.ring.Add(t.self, id)
	t.ring.Move(t.self, zone)
	if t.leaving {
		t.set(now, t.self, 0, Left, t.self)
	}
	t.sparse.fewOld = true
	t.rebuildSoon(now)
	t.recountSoon(now)
	return true
}
