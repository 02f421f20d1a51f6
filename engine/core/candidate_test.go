package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// small is a node with room for few.
func small(t *testing.T) *net {
	return newNet(t, 3, 71, func(_ int, c *Config) {
		c.Spread = tune.SpreadRumor
		c.Limits = Limits{Peers: 16, State: state.Limits{Origins: 16, Keys: 1000, ValueBytes: 1 << 20}}
	})
}

// introduce lets the first node hear of somebody who is not there, with state.
func introduce(w *net, i int) (known bool) {
	c := &w.nodes[0].core
	name := fmt.Append(nil, "ghost", i)
	id := codec.MakeOriginID(c.me.Key, name, 1)
	p := c.learn(&codec.Intro{ID: id, Gen: 1, Name: name, Addr: addrOf(1000 + i)}, netip.AddrPort{})
	if p == 0 {
		return false
	}
	o := c.peers[p].origin
	e := codec.Entry{Version: 1, Key: []byte("k")}
	c.store.Apply(o, &e)
	c.store.Advance(o, 1, 0)
	c.moved(o)
	c.mail.News(c.now, o, 0, 1, c.counters.FramesReceived)
	w.pump(w.nodes[0])
	return true
}

// TestInventionsMakeRoom: candidates that never answer fill three quarters of
// the table at most, and give way to later ones, among them real members.
func TestInventionsMakeRoom(t *testing.T) {
	w := small(t)
	w.nodes[1].core.Join(w.now, addrOf(0))
	w.pump(w.nodes[1])
	w.run(sched.Second)
	c := &w.nodes[0].core
	taken := 0
	for i := range 400 {
		if introduce(w, i) {
			taken++
		}
		if c.roster.Used() > 16 || c.roster.Candidates() > 12 {
			t.Fatalf("%d peers, %d of them candidates", c.roster.Used(), c.roster.Candidates())
		}
		w.run(20 * sched.Millisecond)
	}
	who := map[uint32]bool{} // as events tell
	for _, ev := range w.nodes[0].events {
		switch ev.Kind {
		case EventsLost:
			t.Fatal("events are lost")
		case MemberJoined:
			if who[ev.Peer] {
				t.Fatalf("peer %d joins twice", ev.Peer)
			}
			who[ev.Peer] = true
		case MemberForgotten:
			if !who[ev.Peer] {
				t.Fatalf("peer %d is forgotten, and never joined", ev.Peer)
			}
			delete(who, ev.Peer)
		}
	}
	if len(who) != c.roster.Used() {
		t.Errorf("events tell of %d members, there are %d", len(who), c.roster.Used())
	}
	if taken < 20 || c.counters.Evicted < 8 || c.counters.Drops[DropFull] == 0 {
		t.Errorf("%d taken, %d evicted, %d refused", taken, c.counters.Evicted, c.counters.Drops[DropFull])
	}
	w.nodes[2].core.Join(w.now, addrOf(0))
	w.pump(w.nodes[2])
	w.run(10 * sched.Second)
	for i, d := range w.nodes {
		if d.core.roster.Reach() != 2 {
			t.Errorf("node %d reaches %d others", i, d.core.roster.Reach())
		}
	}
}
