package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/sched"
)

// liar starts a process at an address of its own that says to be node i, in the
// generation that it has now.
func (w *net) liar(i int, sealed bool) *node {
	return w.start(len(w.nodes), 1, func(_ int, c *Config) {
		if sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
		c.Name, c.Generation = w.nodes[i].core.cfg.Name, w.nodes[i].core.me.Gen
	})
}

// TestNobodyTakesThePlaceOfAMemberInService: a holder of the key (in clear,
// anybody) shakes hands with members under the name and generation of another
// one, from another address and with a boot salt of their own: with one, with
// all, before and after, once and again. The member is heard all along by the
// others, and nothing of it is left when the liar stops.
func TestNobodyTakesThePlaceOfAMemberInService(t *testing.T) {
	f := func(name string, sealed bool, told []int, again int) {
		t.Run(fmt.Sprintf("%s/sealed=%v", name, sealed), func(t *testing.T) {
			w := newNet(t, 4, 61, func(_ int, c *Config) {
				if sealed {
					c.Keys = ringOf(string(c.Cluster), 1)
				}
			})
			w.joinAll()
			w.run(2 * sched.Second)
			w.converge(sched.Second)
			for range again {
				x := w.liar(1, sealed)
				for _, i := range told {
					x.core.Join(w.now, w.nodes[i].addr)
				}
				w.pump(x)
				w.run(3 * sched.Second)
				x.down = true
				delete(w.at, x.addr)
				w.nodes = w.nodes[:4]
				if sealed {
					for i, d := range w.nodes {
						if i != 1 && d.core.peers[w.peer(i, 1)].at.Addr != addrOf(1) {
							t.Errorf("node %d sends to the liar", i)
						}
					}
				}
			}
			w.run(2 * sched.Second)
			for _, d := range w.nodes {
				d.core.counters.Drops[DropReplay], d.core.counters.Drops[DropClaim] = 0, 0
			}
			w.set(1, "after", "the liar")
			w.set(0, "after", "the liar")
			if d := w.converge(sched.Second); d > 100*sched.Millisecond {
				t.Errorf("a write takes %d ms", d/sched.Millisecond)
			}
			w.run(3 * sched.Second)
			for i, d := range w.nodes {
				if n := d.core.counters.Drops[DropReplay] + d.core.counters.Drops[DropClaim]; n != 0 {
					t.Errorf("node %d drops %d frames after the liar is gone", i, n)
				}
				for _, e := range d.events {
					if e.Kind == MemberDied {
						t.Errorf("node %d takes somebody for dead", i)
					}
				}
			}
		})
	}
	for _, sealed := range []bool{true, false} {
		f("one is told", sealed, []int{0}, 1)
		f("all are told", sealed, []int{0, 2, 3}, 1)
		f("again and again", sealed, []int{0, 2}, 5)
	}
}

// TestLiarUnderTheSameSalt: somebody seals under the salt of a member and uses up
// its counters: the member is heard again as soon as it answers a challenge.
func TestLiarUnderTheSameSalt(t *testing.T) {
	w := sealedNet(t, 3, 62, nil)
	w.joinAll()
	w.run(2 * sched.Second)
	salt := w.nodes[1].core.guard.Salt()
	x := w.start(3, 1, func(_ int, c *Config) {
		c.Keys = ringOf(string(c.Cluster), 1)
		c.Name, c.Generation, c.Salt = w.nodes[1].core.cfg.Name, w.nodes[1].core.me.Gen, salt
	})
	for range 20_000 { // it goes far ahead of the member's counters
		var b [128]byte
		if _, err := x.core.guard.Finish(codec.AppendHeader(b[:0], x.core.head(codec.FlagPrints)), 0); err != nil {
			t.Fatal(err)
		}
	}
	x.core.Join(w.now, w.nodes[0].addr)
	w.pump(x)
	w.run(2 * sched.Second)
	x.down = true
	delete(w.at, x.addr)
	w.nodes = w.nodes[:3]
	w.run(2 * sched.Second)
	w.set(1, "after", "the liar")
	if d := w.converge(5 * sched.Second); d > 100*sched.Millisecond {
		t.Errorf("a write takes %d ms", d/sched.Millisecond)
	}
	before := w.dropped(DropReplay)
	w.run(2 * sched.Second)
	if n := w.dropped(DropReplay) - before; n != 0 {
		t.Errorf("%d frames dropped as replays in 2 s", n)
	}
}

// TestAFarMemberThatRestedKeepsItsPlace: nothing came from a member on a path of 400 ms for so long that what was known
// of the path's speed is lent to another. Whoever then answers from elsewhere as that member, in its life or a later one, waits
// for as long as an answer of the member takes: it is in service, and keeps its place.
func TestAFarMemberThatRestedKeepsItsPlace(t *testing.T) {
	for _, later := range []uint64{0, 1} {
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			w := newNet(t, 3, 65, func(i int, c *Config) {
				sealed(i, c)
				c.Experiment.NoDetector = true
			})
			near := w.delay
			w.delay = [2]sched.Instant{400 * sched.Millisecond, 400 * sched.Millisecond}
			w.joinAll()
			for i := range 20 {
				w.set(0, "k", fmt.Sprint(i))
				w.run(sched.Second)
			}
			a, p := &w.nodes[0].core, w.peer(0, 1)
			was := a.peers[p].link.RTT().Smoothed()
			for others := 0; a.peers[p].link.RTT().Known() && others < 3; others++ { // as after a minute in which nothing went either way
				other := new(link.Path)
				other.Init(0)
				a.paths.Hears(other, w.now+active.RestAfter+2*sched.Second)
			}
			if q := &a.peers[p]; q.link.RTT().Known() || was < 800*sched.Millisecond || !q.Open() {
				t.Fatalf("the round trip was %d ms, and is known %v; open %v", was/sched.Millisecond, q.link.RTT().Known(), q.Open())
			}
			x := w.start(3, 1, func(i int, c *Config) {
				sealed(i, c)
				c.Experiment.NoDetector = true
				c.Name, c.Generation = w.nodes[1].core.cfg.Name, w.nodes[1].core.me.Gen+later
			})
			far := w.delay
			w.filter = func(from, to *node, _ []byte) bool {
				if w.delay = far; from == x || to == x {
					w.delay = near
				}
				return from != x || to == w.nodes[0]
			}
			for range 10 {
				x.core.Join(w.now, w.nodes[0].addr)
				w.pump(x)
				w.run(150 * sched.Millisecond)
			}
			w.run(2 * sched.Second)
			if p = w.peer(0, 1); p == 0 || a.peers[p].at.Addr != w.nodes[1].addr {
				t.Errorf("%d lives later: who answers from elsewhere has the place of the member", later)
			}
		})
	}
}

// TestAMemberThatMovesIsFollowed: the same life at another address, as behind a
// router that gives it another port, is sent to there within half a second, and
// nobody takes it for dead.
func TestAMemberThatMovesIsFollowed(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		w := newNet(t, 4, 63, func(_ int, c *Config) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), 1)
			}
		})
		w.joinAll()
		w.run(2 * sched.Second)
		d := w.nodes[1]
		delete(w.at, d.addr)
		d.addr = netip.MustParseAddrPort("10.9.9.9:7946")
		w.at[d.addr] = d
		w.run(500 * sched.Millisecond)
		for i, n := range w.nodes {
			if i != 1 && n.core.peers[w.peer(i, 1)].at.Addr != d.addr {
				t.Errorf("sealed %v: node %d sends to the old address", sealed, i)
			}
			if has(n, MemberDied) {
				t.Errorf("sealed %v: node %d takes somebody for dead", sealed, i)
			}
		}
	}
}

// TestNumbersInAnothersName: somebody sends frames in a member's name, from its address and with
// numbers far ahead. As soon as it stops the member's frames are fresh again: what others hold is
// compared with its checkpoint, they know that they hold all of it, and its acknowledgements move,
// without anything being sent twice.
func TestNumbersInAnothersName(t *testing.T) {
	for _, sealed := range []bool{false, true} {
		for _, ahead := range []uint32{100, 1 << 20, 1 << 30} {
			numbersInAnothersName(t, sealed, ahead)
		}
	}
}

func numbersInAnothersName(t *testing.T, sealed bool, ahead uint32) {
	w := newNet(t, 3, 64, func(_ int, c *Config) {
		if sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
	})
	w.joinAll()
	w.converge(5 * sched.Second)
	for range 20 {
		w.impersonateAt(1, 0, ahead, codec.AppendPad(nil, 8))
		w.run(5 * sched.Millisecond)
	}
	stopped := w.now
	w.set(0, "k", "0")
	w.set(1, "k", "1")
	d := &w.nodes[0].core
	o := d.store.Find(w.nodes[1].core.me.ID)
	fresh := func() bool {
		q, _ := d.Peer(w.peerOf(0, 1))
		r, _ := w.nodes[1].core.Peer(w.peerOf(1, 0))
		return q.Acked == w.nodes[0].version && r.Acked == w.nodes[1].version && q.Same > stopped && d.word.Compared(o)
	}
	took := w.until("fresh", 2*sched.Second, fresh)
	rewinds := func() uint64 { return d.counters.Rewinds + w.nodes[1].core.counters.Rewinds }
	was := rewinds()
	for i := range 50 {
		w.set(0, "k", fmt.Sprint(i))
		w.set(1, "k", fmt.Sprint(i))
		w.run(20 * sched.Millisecond)
	}
	w.until("fresh", 2*sched.Second, fresh)
	if n := rewinds() - was; n > 0 {
		t.Errorf("sealed %v, %d ahead: %d rewinds without a loss", sealed, ahead, n)
	}
	t.Logf("sealed %v, %d ahead: fresh after %d ms", sealed, ahead, took/sched.Millisecond)
}
