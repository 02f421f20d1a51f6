package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/roster"
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
	p := c.roster.Find(w.nodes[1].core.me.ID)
	q := &c.peers[p]
	if p == 0 || !c.roster.Reaches(p) {
		t.Fatal("they never met")
	}
	c.resetPeer(p, q.origin, q.at.Addr)
	c.live.Watch(c.now, p, q.id)
	c.dead(p)
	c.prove(p, q.at.Addr)
	if c.roster.Reaches(p) || q.Life != roster.Dead {
		t.Error("a condemned peer that answered is a partner of exchanges")
	}
	if c.Parts().Detector.Status(p) >= member.Dead {
		t.Fatal("the detector condemned it too")
	}
	c.heardFrom(p)
	if !c.roster.Reaches(p) || !q.Open() {
		t.Error("it refuted, and is no partner")
	}
}
