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
	p := c.byID.Find(w.nodes[1].core.me.ID)
	q := &c.peers[p]
	if p == 0 || !c.members.Has(p) {
		t.Fatal("they never met")
	}
	c.resetPeer(p, q.origin, q.at.Addr)
	c.live.Watch(c.now, p, q.id)
	c.dead(p)
	c.prove(p, q.at.Addr)
	if c.members.Has(p) || q.life != dead {
		t.Error("a condemned peer that answered is a partner of exchanges")
	}
	if c.Detector().Status(p) >= member.Dead {
		t.Fatal("the detector condemned it too")
	}
	c.heardFrom(p)
	if !c.members.Has(p) || !q.open() {
		t.Error("it refuted, and is no partner")
	}
}

// Whatever happens to peers, in whatever order: what is counted is what there is,
// and the partners of exchanges are the open peers.
func TestLivesAreCounted(t *testing.T) {
	const seed, handles = 5, 20
	w := newNet(t, 1, seed, nil)
	c := &w.nodes[0].core
	rand := new(sched.Rand)
	rand.Seed(seed)
	c.peers = make([]peer, handles+1)
	moves := []func(p uint32){
		c.becomeNamed, c.becomeFree, c.becomeProven, c.becomeHeard, c.becomeQuiet, c.becomeDead, c.becomeLeft,
	}
	seen := [phases]bool{}
	for step := range 20_000 {
		p := 1 + rand.Uint32n(handles)
		q := &c.peers[p]
		left, proven := q.left(), q.proven()
		k := rand.Uint32n(uint32(len(moves)))
		if q.life == free {
			k = 0 // nothing else happens to nobody
		}
		moves[k](p)
		seen[q.life] = true
		if k > 1 && (left && !q.left() || proven && !q.proven()) {
			t.Fatalf("seed %d, step %d: move %d took back what was said or proven: now %d", seed, step, k, q.life)
		}
		var want census
		for p := range c.peers[1:] {
			if is := c.peers[p+1].life; is != free {
				want[is]++
			}
			if c.members.Has(uint32(p+1)) != c.peers[p+1].open() {
				t.Fatalf("seed %d, step %d: peer %d is in phase %d", seed, step, p+1, c.peers[p+1].life)
			}
		}
		if want != c.lives || c.reach() != want[open] {
			t.Fatalf("seed %d, step %d: %v, counted %v", seed, step, want, c.lives)
		}
	}
	for is, was := range seen {
		if !was {
			t.Errorf("no peer was ever in phase %d", is)
		}
	}
}
