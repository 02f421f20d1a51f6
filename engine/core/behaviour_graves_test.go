package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/declare"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/sched"
)

// shortLives has nodes forget the dead and those that left within seconds.
func shortLives(_ int, c *Config) {
	c.Detector = member.LAN()
	c.Detector.DeadAge, c.Detector.LeftAge, c.Detector.GraveAge = 4*sched.Second, 2*sched.Second, 600*sched.Second
	c.Detector.ReviveMax = 2 * sched.Second
}

// known counts the members and the origins that a node has, itself included.
func (d *node) known() (members, origins int) {
	return d.core.roster.Used() + 1, d.core.store.Len()
}

// Members that leave are forgotten everywhere and do not pile up, though new
// ones join all the time and are told of those that just left.
func TestBehaviour08LeftMembersAreReaped(t *testing.T) {
	w := village(t, 4, 108, shortLives)
	for round := range 40 {
		i := 4 + round
		d := w.start(i, 1, shortLives)
		d.core.Join(w.now, addrOf(round%4))
		w.pump(d)
		w.set(i, "k", fmt.Sprint(round))
		w.run(300 * sched.Millisecond)
		w.set(i, string(declare.LeaveKey), "")
		w.run(200 * sched.Millisecond)
		d.down = true
	}
	late := w.start(44, 1, shortLives) // hears of the last ones when they have left
	late.core.Join(w.now, addrOf(1))
	w.pump(late)
	w.run(10 * sched.Second)
	for _, d := range w.nodes {
		if m, o := d.known(); !d.down && (m != 5 || o != 5) {
			t.Errorf("node %d knows %d members, %d origins, of 5", d.i, m, o)
		}
	}
	w.converge(sched.Second)
	w.forgetEvents()
	w.run(60 * sched.Second)
	for _, d := range w.nodes {
		if !d.down && len(d.events) > 0 {
			t.Errorf("node %d still hears of %v", d.i, d.events)
		}
	}
}

// A node that was cut off while another one died and was buried brings it
// nowhere back: nobody who buried it sees it again, and the one that came back
// buries it too.
func TestBehaviour09AntiEntropyDoesNotRaiseTheDead(t *testing.T) {
	for _, how := range []string{"left", "died", "died unmet"} {
		w := newNet(t, 6, 109, shortLives)
		if how == "died unmet" { // 4 knows of 5 by hearsay only
			w.linked = func(a, b int) bool { return a+b != 9 }
		}
		w.joinAll()
		w.set(5, "k", "v")
		w.converge(5 * sched.Second)
		w.run(2 * sched.Second)
		w.linked = func(a, b int) bool { return (a == 4) == (b == 4) } // 4 is alone
		if how == "left" {
			w.set(5, string(declare.LeaveKey), "")
		}
		w.run(100 * sched.Millisecond)
		w.nodes[5].down = true
		w.until("buried", 30*sched.Second, func() bool { m, _ := w.nodes[0].known(); return m == 4 || m == 5 })
		w.run(500 * sched.Millisecond)
		w.forgetEvents()
		w.linked = nil
		w.until("4 is back and has buried it too", 60*sched.Second, func() bool {
			for _, d := range w.nodes[:5] {
				if m, o := d.known(); m != 5 || o != 5 {
					return false
				}
			}
			return w.allAlive()
		})
		w.converge(5 * sched.Second)
		w.run(20 * sched.Second)
		gone := w.nodes[5].addr
		for _, d := range w.nodes[:4] {
			for _, ev := range d.events {
				if ev.Addr == gone && (ev.Kind == MemberJoined || ev.Kind == MemberReachable || ev.Kind == MemberSuspected) {
					t.Errorf("%s: node %d: %+v", how, d.i, ev)
				}
			}
		}
	}
}

// A member that was named but never answered is condemned when the others say
// that it is dead, and buried like any; its keys are there until then.
func TestBehaviour11KeysOfTheDeadReachANewcomer(t *testing.T) {
	w := village(t, 4, 110, nil)
	w.set(3, "k", "v")
	w.converge(5 * sched.Second)
	w.nodes[3].down = true
	w.until("dead", 5*sched.Second, func() bool { return w.statusOf(0, 3) == member.Dead && w.statusOf(1, 3) == member.Dead })
	d := w.start(4, 1, nil)
	d.core.Join(w.now, addrOf(0))
	w.pump(d)
	took := w.until("the newcomer knows its keys and its end", 10*sched.Second, func() bool {
		o := d.core.store.FindName([]byte("node-3"))
		return o != 0 && d.core.store.Max(o) == 1 && d.core.Parts().Detector.Status(d.core.origins[o].peer) == member.Dead
	})
	t.Logf("after %d ms", took/sched.Millisecond)
	if !has(d, MemberDied) {
		t.Error("no event")
	}
}

// An owner's deletes and rewrites count as news; the same value again is a new
// version.
func TestBehaviour11SameValueIsANewVersion(t *testing.T) {
	w := village(t, 3, 111, nil)
	w.set(0, "k", "v")
	w.set(0, "k", "v")
	w.converge(5 * sched.Second)
	o := w.nodes[1].core.store.FindName([]byte("node-0"))
	if got := w.dump(w.nodes[1], o); got != "2 \"k\"=\"v\" 0\n" {
		t.Errorf("%q", got)
	}
	w.nodes[0].version++
	w.nodes[0].core.Write(w.now, &Op{Kind: Delete, Version: 3, Key: []byte("k")})
	w.pump(w.nodes[0])
	w.converge(5 * sched.Second)
	if got := w.dump(w.nodes[1], o); got != "3 \"k\"=\"\" 1\n" {
		t.Errorf("%q", got)
	}
}

// Two halves that have buried each other, which takes an hour with the usual
// times, still come together by themselves.
func TestBehaviour28HalvesThatBuriedEachOtherMerge(t *testing.T) {
	for _, n := range []int{2, 6, 12} {
		w := village(t, n, 128, shortLives)
		w.linked = func(a, b int) bool { return a%2 == b%2 }
		for i := range w.nodes {
			w.set(i, "during", fmt.Sprint(i))
		}
		w.run(60 * sched.Second)
		if m, _ := w.nodes[0].known(); m != n/2 {
			t.Fatalf("%d nodes: node 0 knows %d after the cut", n, m)
		}
		w.linked = nil
		d := w.until("merged", 300*sched.Second, w.allAlive)
		w.converge(10 * sched.Second)
		t.Logf("%d nodes: merged after %d ms", n, d/sched.Millisecond)
	}
}

// Cut into three for a minute, and with links that carry one way only.
func TestBehaviour28PartitionsHeal(t *testing.T) {
	for _, how := range []string{"three", "one way", "ring of three"} {
		w := village(t, 12, 129, nil)
		w.linked = func(a, b int) bool {
			a, b = a/4, b/4
			switch how {
			case "three":
				return a == b
			case "one way":
				return a <= b
			default:
				return a == b || (a+1)%3 == b
			}
		}
		for i := range w.nodes {
			w.set(i, "during", fmt.Sprint(i))
		}
		if cut := 60 * sched.Instant(sched.Second); how == "ring of three" {
			w.run(cut / 6) // they hear of each other all the time, and never stop suspecting
		} else {
			w.run(cut)
		}
		w.linked = nil
		d := w.until("healed", 10*sched.Second, w.allAlive)
		w.converge(10 * sched.Second)
		t.Logf("%s: healed after %d ms", how, d/sched.Millisecond)
	}
}

// A member whose only seed died finds the others if it has heard of one of them,
// by its other seeds, or by the seed's next life.
func TestBehaviour28IslandFindsTheRest(t *testing.T) {
	t.Run("another seed", func(t *testing.T) {
		w := village(t, 4, 130, nil)
		w.nodes[0].down = true
		d := w.start(4, 1, nil)
		d.core.Join(w.now, addrOf(0))
		w.run(60 * sched.Second) // a minute alone
		d.core.Join(w.now, addrOf(2))
		w.pump(d)
		w.until("in", 5*sched.Second, w.allAlive)
	})
	t.Run("the seed again", func(t *testing.T) {
		w := village(t, 4, 131, nil)
		w.nodes[0].down = true
		d := w.start(4, 1, nil)
		d.core.Join(w.now, addrOf(0))
		w.pump(d)
		w.run(120 * sched.Second)
		w.start(0, 2, nil)
		w.nodes[0].core.Join(w.now, addrOf(1))
		w.pump(w.nodes[0])
		took := w.until("in", 20*sched.Second, w.allAlive)
		t.Logf("after %d ms", took/sched.Millisecond)
	})
	t.Run("learned", func(t *testing.T) {
		w := village(t, 4, 132, nil)
		d := w.start(4, 1, nil)
		w.linked = func(a, b int) bool { return a != 4 && b != 4 || a == 0 || b == 0 } // 4 reaches the seed only
		d.core.Join(w.now, addrOf(0))
		w.pump(d)
		w.until("it has heard of another", 5*sched.Second, func() bool { return d.core.store.Len() > 2 })
		w.nodes[0].down = true
		w.run(60 * sched.Second)
		w.linked = nil
		took := w.until("in", 20*sched.Second, w.allAlive)
		t.Logf("after %d ms", took/sched.Millisecond)
	})
}
