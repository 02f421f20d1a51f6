package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// A member that the others condemned before we ever met it, and that answers us, is
// no partner of exchanges until it has refuted: it would take turns from those that
// can be sent to.
func TestCondemnedPeersAreNoPartners(t *testing.T) {
	w := newNet(t, 3, 31, nil)
	w.joinAll()
	w.run(2 * sched.Second)
	c := &w.nodes[0].core
	p := c.byID.find(w.nodes[1].core.id)
	q := &c.peers[p]
	if p == 0 || !c.members.Has(p) {
		t.Fatal("they never met")
	}
	c.resetPeer(p, q.origin, q.addr)
	c.watch(p)
	c.dead(p)
	c.prove(p, q.addr)
	if c.members.Has(p) {
		t.Error("a condemned peer that answered is a partner of exchanges")
	}
	if c.Status(p) >= member.Dead {
		t.Fatal("the detector condemned it too")
	}
	c.heardFrom(p)
	if !c.members.Has(p) {
		t.Error("it refuted, and is no partner")
	}
}
