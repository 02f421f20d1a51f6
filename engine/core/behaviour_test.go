package core

import (
	"math"
	"net/netip"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// The behaviours that people expect of a membership engine, each as a test; the
// table in package engine says which is which. Those that need sockets,
// goroutines or the embedder's calls are there.

// village is a cluster that knows itself.
func village(t *testing.T, n int, seed uint64, cfg func(i int, c *Config)) *net {
	w := newNet(t, n, seed, cfg)
	w.joinAll()
	w.converge(10 * sched.Second)
	w.until("all are in touch", 10*sched.Second, w.allAlive)
	w.run(2 * sched.Second)
	return w
}

// allAlive tells whether everybody who is up believes everybody who is up to be
// alive, and has been answered by it.
func (w *net) allAlive() bool {
	for i := range w.nodes {
		for j := range w.nodes {
			if i != j && !w.nodes[i].down && !w.nodes[j].down && !w.trusts(i, j) {
				return false
			}
		}
	}
	return true
}

func (w *net) trusts(i, j int) bool {
	c := &w.nodes[i].core
	p := c.roster.Find(w.nodes[j].core.me.ID)
	return p != 0 && c.peers[p].Takes() && c.Parts().Detector.Status(p) == member.Alive
}

func (w *net) peer(i, j int) uint32 {
	w.t.Helper()
	p := w.nodes[i].core.roster.Find(w.nodes[j].core.me.ID)
	if p == 0 {
		w.t.Fatalf("node %d does not know node %d", i, j)
	}
	return p
}

// say lets node `from` send one record to node `to`, whatever it believes.
func (w *net) say(from, to int, typ codec.Type, body []byte) {
	w.t.Helper()
	c, d := &w.nodes[from].core, w.nodes[to]
	var buf [codec.FrameBytesMax]byte
	h := c.page.Header
	h.Flags = c.guard.Flags() | codec.FlagPrints
	h.StatePrint, h.LivePrint = c.Fingerprint(), c.live.LivePrint()
	b := codec.AppendHeader(buf[:0], &h)
	start := len(b)
	b = codec.EndRecord(append(codec.BeginRecord(b, typ), body...), start)
	b, _ = c.guard.Finish(b, w.peer(from, to))
	d.core.Receive(w.now, w.nodes[from].addr, b)
	w.pump(d)
}

// claim lets node `from` tell node `to` a fact about node `about`.
func (w *net) claim(from, to, about int, incarnation uint32, s member.Status) {
	w.t.Helper()
	w.say(from, to, codec.TypeVerdict, codec.AppendFact(nil, codec.Fact{
		ID: w.nodes[about].core.me.ID, Incarnation: incarnation, Status: s,
	}))
}

// incarnation of node j, as node i knows it.
func (w *net) incarnation(i, j int) uint32 {
	if i == j {
		c := &w.nodes[i].core
		return c.live.Incarnation(c.live.Self())
	}
	return w.nodes[i].core.live.Incarnation(w.peer(i, j))
}

// nobodyDied fails if any node that is up believed another to be dead.
func (w *net) nobodyDied() {
	w.t.Helper()
	for _, d := range w.nodes {
		for _, ev := range d.events {
			if ev.Kind == MemberDied {
				w.t.Errorf("node %d believed %v to be dead", d.i, ev.Addr)
			}
		}
	}
}

func (w *net) forgetEvents() {
	for _, d := range w.nodes {
		d.events = nil
	}
}

func TestBehaviour01RefutationRaisesTheIncarnation(t *testing.T) {
	for _, s := range []member.Status{member.Suspect, member.Dead} {
		for _, inc := range []uint32{0, 7} {
			w := village(t, 5, 101, nil)
			w.claim(1, 2, 3, inc, s)
			if got := w.statusOf(2, 3); got != member.Suspect {
				t.Errorf("a claim of %v makes it %v", s, got)
			}
			d := w.until("it is alive again everywhere", 2*sched.Second, func() bool {
				for i := range w.nodes {
					if w.incarnation(i, 3) <= inc || i != 3 && w.statusOf(i, 3) != member.Alive {
						return false
					}
				}
				return true
			})
			t.Logf("%v at %d refuted everywhere after %d ms", s, inc, d/sched.Millisecond)
			w.run(5 * sched.Second)
			w.nobodyDied()
			if got := w.incarnation(3, 3); got != inc+1 {
				t.Errorf("incarnation %d after an accusation at %d: one above is enough", got, inc)
			}
		}
	}
}

func TestBehaviour02StaleClaimsAreIgnored(t *testing.T) {
	w := village(t, 5, 102, nil)
	w.claim(1, 2, 3, 10, member.Dead)
	w.until("refuted", 2*sched.Second, func() bool { return w.incarnation(0, 3) == 11 && w.incarnation(2, 3) == 11 })
	w.run(5 * sched.Second)
	w.forgetEvents()
	for _, inc := range []uint32{0, 2, 9, 10} {
		for _, s := range []member.Status{member.Alive, member.Suspect, member.Dead, member.Left, member.Buried} {
			w.claim(1, 2, 3, inc, s)
			if w.statusOf(2, 3) != member.Alive || w.incarnation(2, 3) != 11 {
				t.Fatalf("%v at %d moved it to %v at %d", s, inc, w.statusOf(2, 3), w.incarnation(2, 3))
			}
		}
	}
	w.run(5 * sched.Second)
	for _, d := range w.nodes {
		if len(d.events) > 0 {
			t.Errorf("node %d: %+v", d.i, d.events)
		}
	}
	if got := w.incarnation(3, 3); got != 11 {
		t.Errorf("it refuted what was stale: %d", got)
	}
}

// A dead one does not come alive by an older word, even if its death was told
// with a high incarnation (a hole that other engines have had).
func TestBehaviour02DeathAtAHighIncarnationIsNotUndone(t *testing.T) {
	w := village(t, 5, 103, nil)
	w.nodes[3].down = true
	w.claim(1, 2, 3, 10, member.Dead)
	w.until("dead", 5*sched.Second, func() bool { return w.statusOf(2, 3) == member.Dead })
	w.claim(1, 2, 3, 2, member.Alive)
	if w.statusOf(2, 3) != member.Dead || w.incarnation(2, 3) != 10 {
		t.Errorf("%v at %d", w.statusOf(2, 3), w.incarnation(2, 3))
	}
}

func TestBehaviour03ExtremeIncarnationsEvictNobody(t *testing.T) {
	w := village(t, 5, 104, nil)
	for _, inc := range []uint32{math.MaxUint32, math.MaxUint32 - 1, member.IncarnationMax, 1 << 31} {
		for _, s := range []member.Status{member.Suspect, member.Dead, member.Left, member.Buried} {
			for to := range w.nodes {
				if to != 1 {
					w.claim(1, to, 3, inc, s)
				}
			}
		}
	}
	w.run(5 * sched.Second)
	w.nobodyDied()
	if !w.allAlive() {
		t.Error("not all are alive")
	}
	if n := w.nodes[2].core.live.Counters().DropIncarnation; n == 0 {
		t.Error("not counted")
	}
}

// Accusations that climb in legal steps up to the end of the range make the
// accused take a new generation; it is never without one that counts.
func TestBehaviour03ExhaustedIncarnationIsANewGeneration(t *testing.T) {
	w := village(t, 4, 105, nil)
	was := w.nodes[3].core.me.Gen
	for range 5000 {
		if w.nodes[3].core.me.Gen != was {
			break
		}
		w.claim(1, 3, 3, w.incarnation(3, 3)+member.IncarnationStep-1, member.Suspect)
		w.run(sched.Millisecond)
	}
	if w.nodes[3].core.me.Gen == was {
		t.Fatal("no new generation")
	}
	w.converge(10 * sched.Second)
	w.until("all alive", 10*sched.Second, w.allAlive)
}

// Both live processes with one name learn of each other, with the other's
// address; the one in service keeps it whichever came first, and the newcomer is
// refused. Those who write keep their places.
func TestBehaviour05NameConflictIsToldOnBothSides(t *testing.T) {
	for _, gens := range [][2]uint64{{5, 9}, {9, 5}} {
		set := twins(false, map[int]uint64{1: gens[0], 4: gens[1]})
		w := newNet(t, 4, 106, set)
		w.joinAll()
		w.set(1, "k", "v")
		w.converge(5 * sched.Second)
		w.start(4, gens[1], set)
		w.nodes[4].core.Join(w.now, addrOf(0))
		w.pump(w.nodes[4])
		w.run(10 * sched.Second)
		told := func(i int, kind EventKind, addr netip.AddrPort) bool {
			return slices.ContainsFunc(w.nodes[i].events, func(ev Event) bool { return ev.Kind == kind && ev.Addr == addr })
		}
		why, _ := w.nodes[4].core.door.Seeds.Why(addrOf(0))
		if !told(1, NameConflict, addrOf(4)) || !told(4, Refused, addrOf(0)) || why.Holder != addrOf(1) {
			t.Errorf("generations %v: told %+v and %+v, %+v", gens, w.nodes[1].events, w.nodes[4].events, why)
		}
		if w.nodes[1].core.me.Silenced || has(w.nodes[1], Superseded) {
			t.Errorf("generations %v: the one in service lost", gens)
		}
		for _, i := range []int{0, 2, 3} {
			if o := w.nodes[i].core.store.FindName([]byte("twin")); o == 0 || w.nodes[i].core.store.ID(o) != w.nodes[1].core.me.ID {
				t.Errorf("generations %v: node %d holds the newcomer", gens, i)
			}
		}
	}
}

// A node that comes back at another address takes its name back at once, whether
// it was alive, dead or had left there.
func TestBehaviour06NameIsReclaimedFromANewAddress(t *testing.T) {
	for _, how := range []string{"unnoticed", "dead", "left"} {
		w := village(t, 5, 107, nil)
		w.set(3, "old", "1")
		w.converge(5 * sched.Second)
		switch how {
		case "dead":
			w.nodes[3].down = true
			w.until("dead", 5*sched.Second, func() bool { return w.statusOf(0, 3) == member.Dead })
		case "left":
			w.set(3, string(declare.LeaveKey), "")
			w.until("left", 5*sched.Second, func() bool { return w.statusOf(0, 3) == member.Left })
			w.nodes[3].down = true
		}
		delete(w.at, addrOf(3))
		at := netip.MustParseAddrPort("10.9.9.9:1")
		w.start(3, 2, func(_ int, c *Config) { c.Advertise = at })
		w.set(3, "new", "2")
		began := w.now
		w.nodes[3].core.Join(w.now, addrOf(0))
		w.pump(w.nodes[3])
		w.until("all trust it", 3*sched.Second, w.allAlive)
		w.converge(3 * sched.Second)
		t.Logf("%s: back at another address after %d ms", how, (w.now-began)/sched.Millisecond)
		for i := range w.nodes {
			if i != 3 {
				if p, _ := w.nodes[i].core.Peer(w.peer(i, 3)); p.Addr != at {
					t.Errorf("%s: node %d has it at %v", how, i, p.Addr)
				}
			}
		}
	}
}

// Nearly all nodes restart at once, with lower or higher generations: everybody
// is alive everywhere soon. (The same generation again is what no node may take;
// what can be seen of it is TestAmnesia.)
func TestBehaviour07MassRestart(t *testing.T) {
	for _, gen := range []uint64{49, 1, 51} {
		const n = 20
		w := village(t, n, 108, func(_ int, c *Config) { c.Generation = 50 })
		for i := 1; i < n; i++ {
			w.set(i, "life", "1")
		}
		w.converge(5 * sched.Second)
		for i := 1; i < n; i++ {
			w.start(i, gen, nil)
			w.set(i, "life", "2")
			w.nodes[i].core.Join(w.now, addrOf(0))
			w.pump(w.nodes[i])
		}
		d := w.until("all are back", 15*sched.Second, w.allAlive)
		w.converge(5 * sched.Second)
		t.Logf("generation %d after 50: all back after %d ms", gen, d/sched.Millisecond)
		for i := 1; i < n; i++ {
			if w.nodes[i].core.me.Silenced {
				t.Errorf("generation %d: node %d took itself for a rival", gen, i)
			}
		}
	}
}
