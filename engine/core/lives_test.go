package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// late is what the second of two members sends to the first, kept back.
func late(w *net) *[][]byte {
	all := new([][]byte)
	w.filter = func(from, to *node, b []byte) bool {
		if from.i == 1 {
			*all = append(*all, append([]byte(nil), b...))
		}
		return from.i != 1
	}
	return all
}

// holdAll lets nothing arrive.
func holdAll(all *[][]byte) func(from, to *node, b []byte) bool {
	return func(from, to *node, b []byte) bool {
		if from.i == 1 {
			*all = append(*all, append([]byte(nil), b...))
		}
		return false
	}
}

// unconfirmed gives a member what was kept back: it confirms nothing of its present life.
func unconfirmed(t *testing.T, w *net, all [][]byte) {
	t.Helper()
	if len(all) == 0 {
		t.Fatal("no frame was late")
	}
	c := &w.nodes[0].core
	for _, b := range all {
		c.Receive(w.now, addrOf(1), b)
		if v := c.Agreement(0).Confirmed; v != 0 {
			t.Fatalf("version %d of the present life is confirmed", v)
		}
	}
	w.filter = nil
	w.pump(w.nodes[0])
	w.converge(5 * sched.Second)
	w.run(sched.Second)
	if v := c.Agreement(0).Confirmed; v != c.store.Max(c.store.Owner()) {
		t.Errorf("%d of %d are confirmed later", v, c.store.Max(c.store.Owner()))
	}
}

// intro is how a member is told of.
func (d *node) intro() *codec.Intro {
	me := &d.core.me
	return &codec.Intro{ID: me.ID, Gen: me.Gen, Since: me.Since, Name: me.Name, Addr: d.addr}
}

func (d *node) renew(now sched.Instant) {
	d.core.enter(now)
	d.core.renew(d.core.me.Gen + 1)
}

// TestConfirmationsFromAnotherLife: a peer acknowledges our former life, and takes another life
// itself, of which we hear before the acknowledgement comes.
func TestConfirmationsFromAnotherLife(t *testing.T) {
	w, c, _, _ := pairOf(t)
	all, a, b := late(w), w.nodes[0], w.nodes[1]
	w.set(0, "last", "v") // its acknowledgement is late
	w.run(5 * sched.Millisecond)
	a.renew(w.now)
	b.renew(w.now)
	w.filter = holdAll(all)
	w.set(1, "k", "v")
	c.learn(b.intro(), b.addr)
	c.prove(c.roster.Find(b.core.me.ID), b.addr)
	w.run(50 * sched.Millisecond)
	unconfirmed(t, w, *all)
}

// TestConfirmationsByOnesWhoSawNothing: a peer hears of two lives of ours from others, and
// acknowledges what it holds of the first when it has seen no frame of either, whatever numbers our
// frames have.
func TestConfirmationsByOnesWhoSawNothing(t *testing.T) {
	for _, last := range []uint32{5, 1 << 30, 1<<31 + 5, 3 << 30, 1<<32 - 5} {
		t.Run(fmt.Sprint(last), func(t *testing.T) {
			w, c, q, _ := pairOf(t)
			all, a, b := late(w), w.nodes[0], w.nodes[1]
			q.link.Init(last)
			w.filter = holdAll(all)
			a.renew(w.now)
			b.core.enter(w.now)
			b.core.learn(a.intro(), a.addr)
			o := b.core.store.Find(c.me.ID)
			b.core.prove(b.core.origins[o].peer, a.addr)
			var run codec.RunWriter
			run.Begin(make([]byte, 0, codec.FrameBytesMax), codec.FrameBytesMax, codec.RunHead{ID: c.me.ID, Max: 1})
			run.Entry(&codec.Entry{Version: 1, Key: []byte("k"), Value: []byte("v")})
			_, body, _ := codec.NextRecord(run.End(1))
			if b.core.Take(w.now, 0, o, codec.TypeRun, body); b.core.store.Max(o) != 1 {
				t.Fatal("it took nothing")
			}
			w.set(1, "k", "v")
			w.run(50 * sched.Millisecond)
			a.renew(w.now)
			unconfirmed(t, w, *all)
		})
	}
}

// TestNumbersGoOnFromZero: whoever begins another life is sent the frame after the last one, also where
// that one was number 0 of 2^32: lower numbers are old ones to it.
func TestNumbersGoOnFromZero(t *testing.T) {
	w := quietPair(t)
	c := &w.nodes[0].core
	p := c.origins[c.store.Find(w.nodes[1].core.me.ID)].peer
	c.paths.Ended(^uint32(49)) // of somebody else
	c.peers[p].link.Init(^uint32(0))
	c.peers[p].link.Sent(false)
	c.resetPeer(p, c.peers[p].origin, w.nodes[1].addr)
	if last := c.peers[p].link.Last(); last != 0 {
		t.Errorf("after number 0 comes %d", int32(last)+1)
	}
}
