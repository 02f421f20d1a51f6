package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// The behaviours of a detector that can be trusted, as far as they can be seen without sockets.
// Names say which.

func TestCrashIsFound(t *testing.T) {
	for _, n := range []int{3, 5, 9, 30} {
		c := newCluster(t, n, quick())
		c.run(2 * sched.Second)
		if c.ever(Suspect) != 0 {
			t.Fatal("suspicion without cause")
		}
		c.node(2).down = true
		c.run(300 * ms)
		c.all(2, Suspect)
		c.run(350 * ms)
		c.all(2, Dead)
		if c.ever(Suspect) != 0 {
			t.Errorf("%d nodes: a living one was suspected", n)
		}
	}
}

func TestPairCondemnsAfterTheLongGrace(t *testing.T) {
	c := newCluster(t, 2, quick())
	c.run(sched.Second)
	c.node(2).down = true
	c.run(3 * sched.Second)
	c.all(2, Suspect)
	c.run(sched.Second)
	c.all(2, Dead)
}

// A path that is cut both ways for a second in a pair, and for ever in larger clusters, condemns
// nobody.
func TestOneBadPathCondemnsNobody(t *testing.T) {
	for _, n := range []int{2, 3, 5, 9} {
		c := newCluster(t, n, quick())
		c.run(sched.Second)
		c.cut = func(a, b uint32) bool { return a+b == 3 }
		c.run(sched.Second)
		if n == 2 {
			c.cut = nil
		}
		c.run(20 * sched.Second)
		if d := c.ever(Dead); d != 0 {
			t.Errorf("%d nodes: %d deaths", n, d)
		}
		if s := c.ever(Suspect); n > 2 && s != 0 {
			t.Errorf("%d nodes: %d suspicions", n, s)
		}
		c.run(sched.Second)
		for h := range uint32(n) {
			c.all(h+1, Alive)
		}
	}
}

func TestOneWayPathCondemnsNobody(t *testing.T) {
	for _, n := range []int{3, 5, 9} {
		c := newCluster(t, n, quick())
		c.run(sched.Second)
		c.cut = func(a, b uint32) bool { return a == 1 && b == 2 }
		c.run(20 * sched.Second)
		if s := c.ever(Suspect); s != 0 {
			t.Errorf("%d nodes: %d suspicions", n, s)
		}
	}
}

// A node that hears nobody, but is heard, is condemned, and what it says of the others afterwards
// kills none of them.
func TestDeafNodeKillsNobody(t *testing.T) {
	for _, n := range []int{3, 5, 20} {
		c := newCluster(t, n, quick())
		c.run(sched.Second)
		c.cut = func(a, b uint32) bool { return b == 1 }
		c.run(sched.Second)
		c.all(1, Dead)
		c.run(30 * sched.Second)
		for _, x := range c.nodes[1:] {
			for h, was := range x.was {
				for _, s := range was {
					if h != 1 && s == Dead {
						t.Errorf("%d nodes: %d believed %d dead", n, x.h, h)
					}
				}
			}
		}
		c.cut = nil
		c.run(10 * sched.Second)
		for h := range uint32(n) {
			c.all(h+1, Alive)
		}
	}
}

func TestPauseKillsNobody(t *testing.T) {
	for _, pause := range []sched.Instant{40 * ms, 200 * ms, 300 * ms} {
		c := newCluster(t, 20, quick())
		c.run(sched.Second)
		for i := range 30 {
			c.node(uint32(i%20) + 1).asleep = c.now + pause
			c.run(700 * ms)
		}
		if d := c.ever(Dead); d != 0 {
			t.Errorf("pause of %d ms: %d deaths", pause/ms, d)
		}
		if s := c.ever(Suspect); pause == 40*ms && s != 0 {
			t.Errorf("pause of %d ms: %d suspicions", pause/ms, s)
		}
	}
}

func TestRefutation(t *testing.T) {
	c := newCluster(t, 10, quick())
	c.run(sched.Second)
	a, b := c.node(1), c.node(2)
	f, _ := codec.ParseFacts(codec.AppendFact(nil, codec.Fact{ID: testID(2), Incarnation: 0, Status: Suspect}))
	a.OnFacts(c.now, 3, f)
	if a.Status(2) != Suspect {
		t.Fatal("not believed")
	}
	c.run(200 * ms)
	c.all(2, Alive)
	if b.Incarnation(2) != 1 || a.Incarnation(2) != 1 || b.Counters().Refutations != 1 {
		t.Errorf("incarnation %d here, %d there, %d refutations", b.Incarnation(2), a.Incarnation(2), b.Counters().Refutations)
	}
	if c.ever(Dead) != 0 {
		t.Error("a death")
	}
}

func TestPartitionHeals(t *testing.T) {
	for _, n := range []int{2, 5, 20, 60} {
		for _, parts := range []uint32{2, 3} {
			c := newCluster(t, n, quick())
			c.run(sched.Second)
			c.cut = func(a, b uint32) bool { return a%parts != b%parts }
			c.run(60 * sched.Second)
			for _, x := range c.nodes {
				for h := range uint32(n) {
					if s := x.Status(h + 1); (s == Alive) != ((h+1)%parts == x.h%parts) {
						t.Errorf("%d nodes, %d parts: node %d believes %d %v", n, parts, x.h, h+1, s)
					}
				}
			}
			for _, x := range c.nodes {
				clear(x.was)
			}
			c.cut = nil
			c.run(5 * sched.Second)
			for h := range uint32(n) {
				c.all(h+1, Alive)
			}
			if d := c.ever(Dead); d != 0 {
				t.Errorf("%d nodes, %d parts: %d deaths while healing", n, parts, d)
			}
		}
	}
}

func TestLeave(t *testing.T) {
	c := newCluster(t, 12, quick())
	c.run(sched.Second)
	n := c.node(3)
	n.Leave(c.now)
	c.turn(n)
	sent := c.frames
	n.Leave(c.now)
	c.run(100 * ms)
	c.all(3, Left)
	if !n.LeaveDone(c.now + sched.Second) {
		t.Error("leaving has no end")
	}
	// It is answered with "left" for a while, then not at all; it does not refute.
	var ack codec.ProbeAck
	if !n.OnProbe(c.now, 1, &codec.Probe{Target: testID(3), Status: Suspect}, &ack) || ack.Status != Left || ack.Incarnation != 0 {
		t.Errorf("%+v", ack)
	}
	if n.OnProbe(c.now+2*sched.Second, 1, &codec.Probe{Target: testID(3)}, &ack) {
		t.Error("answered after it left")
	}
	c.run(5 * sched.Second)
	c.all(3, Left)
	if c.ever(Suspect) != 0 || n.Counters().Refutations != 0 {
		t.Error("leaving looks like failing")
	}
	clear(sent)
	c.run(5 * sched.Second)
	for _, x := range c.nodes {
		if x.LivePrint() != c.node(1).LivePrint() {
			t.Error("fingerprints differ")
		}
	}
}

// Leaving while cut off is bounded, and the others learn it when they meet the word later, or find
// it dead.
func TestLeaveWhileCutOff(t *testing.T) {
	c := newCluster(t, 6, quick())
	c.run(sched.Second)
	c.cut = func(a, b uint32) bool { return a == 3 || b == 3 }
	n := c.node(3)
	n.Leave(c.now)
	c.run(sched.Second)
	if !n.LeaveDone(c.now) {
		t.Error("not done")
	}
	n.down = true
	c.all(3, Dead)
}

// A verdict that a node has missed is repaired by comparing fingerprints.
func TestMissedVerdictIsRepaired(t *testing.T) {
	c := newCluster(t, 20, quick())
	c.run(sched.Second)
	c.node(2).down = true
	deaf := uint32(7)
	c.cut = func(a, b uint32) bool { return b == deaf }
	c.run(250 * ms)
	c.cut = nil
	for _, n := range c.nodes { // nothing is spread any more
		for len(n.hot) > 0 {
			n.cool(n.hot[0].fact)
		}
	}
	c.run(2 * sched.Second)
	c.all(2, Dead)
}

// With the same members but no news a cluster sends probes and answers, and nothing else.
func TestIdleClusterIsQuiet(t *testing.T) {
	c := newCluster(t, 30, quick())
	c.run(2 * sched.Second)
	for typ, n := range c.frames {
		if typ != 10 && typ != 11 {
			t.Errorf("%d frames of type %d", n, typ)
		}
	}
}

func TestCrashIsFoundUnderLoss(t *testing.T) {
	c := newCluster(t, 30, quick())
	c.loss = 0.2
	c.run(2 * sched.Second)
	c.node(5).down = true
	c.run(1500 * ms)
	c.all(5, Dead)
	if c.ever(Dead) != 0 {
		t.Error("a living one is dead")
	}
}
