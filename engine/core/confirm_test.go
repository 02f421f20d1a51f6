package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

// pairOf returns two members, the first of which has written 20 keys that the
// second has confirmed, and how the first sees the second.
func pairOf(t *testing.T) (*net, *Core, *peer, uint32) {
	w := newNet(t, 2, 11, nil)
	w.joinAll()
	w.converge(5 * sched.Second)
	for k := range 20 {
		w.set(0, fmt.Sprint(k), "v")
	}
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	c := &w.nodes[0].core
	p := c.roster.Find(w.nodes[1].core.me.ID)
	if c.peers[p].mail.Acked() != c.store.Max(c.store.Owner()) {
		t.Fatal("not confirmed")
	}
	return w, c, &c.peers[p], p
}

// A peer that says that it holds less than it did is believed, and mailed.
func TestHaveMayGoDown(t *testing.T) {
	w, c, q, p := pairOf(t)
	c.now = w.now
	b := codec.AppendHave(nil, codec.Have{Max: 3})
	c.mail.Receive(&reconcile.Frame{Now: c.now, Peer: p, Fresh: true, Ack: q.link.Last()}, b[codec.RecordBytes:])
	if q.mail.Acked() != 3 || q.mail.At() != 3 || !c.due.Has(p, dueMail) {
		t.Errorf("acked %d, cursor %d, due %x", q.mail.Acked(), q.mail.At(), c.due.Of(p))
	}
	if a := c.Agreement(0); a.Confirmed != 3 || a.Members != 1 {
		t.Errorf("confirmed %d by %d", a.Confirmed, a.Members)
	}
}

// Nobody has confirmed anything of a new generation.
func TestNewGenerationIsUnconfirmed(t *testing.T) {
	w, c, _, _ := pairOf(t)
	c.now = w.now
	c.renew(c.me.Gen + 1)
	if v := c.Agreement(0).Confirmed; v != 0 {
		t.Errorf("version %d is confirmed under a generation that nobody has heard of", v)
	}
}

// What a peer acknowledged of a former generation says nothing of the present one, however late
// it comes; what it says of that counts.
func TestLateAcknowledgementsAreOfTheirLife(t *testing.T) {
	w, c, q, p := pairOf(t)
	var late [][]byte
	w.filter = func(from, to *node, b []byte) bool {
		if from.i == 1 {
			late = append(late, append([]byte(nil), b...))
		}
		return from.i != 1
	}
	w.set(0, "last", "v")
	w.run(50 * sched.Millisecond)
	own, confirmed := c.store.Max(c.store.Owner()), q.mail.Acked()
	c.now = w.now
	c.renew(c.me.Gen + 1)
	for _, b := range late {
		c.Receive(w.now, addrOf(1), b)
		if v := c.peers[p].mail.Acked(); v != 0 || c.Agreement(0).Confirmed != 0 {
			t.Fatalf("version %d of the new generation is confirmed; of the one before %d were, of %d", v, confirmed, own)
		}
	}
	if len(late) == 0 {
		t.Fatal("no frame was late")
	}
	w.filter = nil
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	if v := c.Agreement(0).Confirmed; v != c.store.Max(c.store.Owner()) {
		t.Errorf("%d of %d are confirmed", v, c.store.Max(c.store.Owner()))
	}
}

// Mail of which nothing arrived, not even later frames, goes again by itself.
// Exchanges are put off, so that nothing else repairs it.
func TestLostMailGoesAgain(t *testing.T) {
	w := newNet(t, 2, 12, func(_ int, c *Config) { c.Interval = 3600 * sched.Second })
	w.joinAll()
	w.run(2 * sched.Second)
	w.set(0, "a", "1")
	w.run(2 * sched.Second)
	cut := true
	w.filter = func(from, to *node, b []byte) bool { return !cut }
	w.set(0, "b", "2")
	w.run(5 * sched.Millisecond)
	cut = false
	w.run(3 * sched.Second)
	d := &w.nodes[1].core
	if got := d.store.Max(d.store.Find(w.nodes[0].core.me.ID)); got != 2 {
		t.Errorf("3 s after its only frame was lost, the write is not there: max %d", got)
	}
}

// A gap is closed when its last version is there, by the pull, not by an exchange.
func TestGapIsChasedToItsEnd(t *testing.T) {
	w := newNet(t, 2, 13, func(_ int, c *Config) { c.Interval = 3600 * sched.Second })
	w.joinAll()
	w.run(2 * sched.Second)
	w.set(0, "a", "1")
	w.run(2 * sched.Second)
	c := &w.nodes[1].core
	o := c.store.Find(w.nodes[0].core.me.ID)
	c.now = w.now
	c.gaps.Found(c.now, o, c.roster.Find(w.nodes[0].core.me.ID), c.store.Max(o)+1)
	c.now += 2 * gaps.Patience
	c.wheel.Cancel(timerGaps)
	if c.gaps.Chase(c.now); !c.wheel.Armed(timerGaps) {
		t.Error("a gap of one version counts as closed")
	}
}
