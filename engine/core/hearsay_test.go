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

// invent makes a node say that it met members which there are not.
func (w *net) invent(d *node, from, to int) {
	c := &d.core
	for i := from; i < to; i++ {
		name := fmt.Append(nil, "ghost-", i)
		id := codec.MakeOriginID(c.me.Key, name, 1)
		p := c.learn(&codec.Intro{ID: id, Gen: 1, Name: name, Addr: addrOf(1000 + i)}, addrOf(1000+i))
		if p == 0 {
			w.t.Fatalf("no room for invention %d", i)
		}
		o := c.peers[p].origin
		c.roster.BecomeProven(p, &c.peers[p].Life)
		e := codec.Entry{Version: 1, Key: []byte("k"), Value: []byte("ghost")}
		c.store.Apply(o, &e)
		c.store.Advance(o, 1, 0)
		c.moved(o)
		c.mail.News(c.now, o, 0, 0, c.counters.FramesReceived)
	}
	w.pump(d)
}

// TestInventedMembersEnd: a holder of the key invents thousands of members and goes.
// Half a minute later members and traffic are as before at every node, whoever was
// told first and whatever they told each other, and no seat is taken.
func TestInventedMembersEnd(t *testing.T) {
	for _, x := range []struct {
		name   string
		spread tune.Spread
		order  tune.Order
		sealed bool
		ghosts int
	}{
		{"mail", tune.SpreadAuto, tune.OrderFair, false, 10_000},
		{"mail sealed", tune.SpreadAuto, tune.OrderFair, true, 10_000},
		{"rumor", tune.SpreadRumor, tune.OrderFair, false, 1_000},
		{"gossip sealed", tune.SpreadGossip, tune.OrderFair, true, 1_000},
		{"precise", tune.SpreadAuto, tune.OrderPreciseNewest, false, 300},
	} {
		t.Run(x.name, func(t *testing.T) {
			const honest = 4
			if testing.Short() {
				x.ghosts = min(x.ghosts, 1_000)
			}
			w := newNet(t, honest+1, 91, func(i int, c *Config) {
				if c.Spread, c.Order = x.spread, x.order; x.sealed {
					c.Keys = ringOf(string(c.Cluster), 1)
				}
				if i == honest {
					c.Limits = Limits{Peers: 16_384, State: state.LimitsDefault()}
					c.Limits.State.Origins = 16_384
				}
			})
			w.joinAll()
			w.converge(5 * sched.Second)
			w.run(10 * sched.Second)
			before := w.traffic(5 * sched.Second)
			w.invent(w.nodes[honest], 0, x.ghosts)
			w.run(5 * sched.Second)
			most := 0
			for _, d := range w.nodes[:honest] {
				most = max(most, d.core.roster.Candidates())
			}
			if most < min(x.ghosts, 1000)/2 {
				t.Fatalf("only %d were believed", most)
			}
			w.nodes[honest].down = true
			delete(w.at, w.nodes[honest].addr)
			w.run(30 * sched.Second)
			for _, d := range w.nodes[:honest] {
				c := &d.core
				if c.roster.Candidates() != 0 || c.roster.Used() != honest || c.store.Len() != honest+1 {
					t.Errorf("node %d has %d members, %d of them never met, and %d origins", d.i, c.roster.Used(), c.roster.Candidates(), c.store.Len())
				}
			}
			if after := w.traffic(5 * sched.Second); after.frames > 2*before.frames || after.bytes > 2*before.bytes {
				t.Errorf("traffic %+v, before %+v", after, before)
			}
			w.converge(sched.Second) // the liar's own state is that of a dead member
		})
	}
}

type traffic struct{ frames, bytes int }

// traffic is what all send in a while.
func (w *net) traffic(d sched.Instant) (sum traffic) {
	w.carried = func(_ *node, _ netip.AddrPort, b []byte) {
		sum.frames++
		sum.bytes += len(b)
	}
	w.run(d)
	w.carried = nil
	return sum
}

// TestHearsayLastsWhileSomebodyMeetsThem: who is met only by others stays known as long
// as those meet it, over many hops, and costs little; and it ends once it is cut off
// from all.
func TestHearsayLastsWhileSomebodyMeetsThem(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseNewest} {
		t.Run(order.String(), func(t *testing.T) { hearsayLasts(t, order) })
	}
}

func hearsayLasts(t *testing.T, order tune.Order) {
	const n = 8
	w := newNet(t, n, 92, func(_ int, c *Config) { c.Order = order })
	w.linked = func(a, b int) bool { return a-b == 1 || b-a == 1 }
	for i, d := range w.nodes {
		if i > 0 {
			d.core.Join(w.now, addrOf(i-1))
			w.pump(d)
		}
	}
	w.converge(60 * sched.Second)
	for _, d := range w.nodes {
		d.events = nil
	}
	w.run(30 * sched.Second)
	all := w.traffic(60 * sched.Second)
	for _, d := range w.nodes {
		if d.core.roster.Used() != n-1 || has(d, MemberForgotten) {
			t.Errorf("node %d knows %d others; forgot some: %v", d.i, d.core.roster.Used(), has(d, MemberForgotten))
		}
	}
	t.Logf("%d frames, %d bytes a second and node", all.frames/60/n, all.bytes/60/n)
	w.set(0, "k", "news")
	w.converge(5 * sched.Second)
}
