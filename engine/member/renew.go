package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// Renew gives this node another identifier: it goes on under a new generation,
// alive in its first incarnation. Others get to know it as a new member. It is
// false when the identifier is taken.
func (t *Table) Renew(now sched.Instant, id codec.OriginID) bool {
	if t.ring.Find(id) != 0 {
		return false
	}
	if f := &t.facts[t.slot[t.self]]; f.member == t.self {
		t.addPrint(now, f, minus)
		f.incarnation, f.status = 0, Alive
		t.cool(t.slot[t.self])
	}
	t.ring.Remove(t.self)
	t.ring.Add(t.self, id)
	t.rebuildSoon(now)
	t.recountSoon(now)
	return true
}
