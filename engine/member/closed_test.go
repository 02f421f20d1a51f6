package member

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// A process that ended, on a host that says so, is dead everywhere as soon as nobody can refute it
// any more.
func TestClosedPortIsFoundAtOnce(t *testing.T) {
	for _, n := range []int{2, 3, 5, 30} {
		c := newCluster(t, n, LAN())
		c.closed = true
		c.run(sched.Second)
		c.node(2).down = true
		c.run(600 * ms)
		c.all(2, Dead)
		if got := c.ever(Suspect); got != 0 {
			t.Errorf("%d nodes: %d living ones were suspected", n, got)
		}
	}
}

// The word of a kernel is evidence of one observer: it takes a quorum of them to suspect.
func TestRefusalDoesNotReplaceTheQuorum(t *testing.T) {
	c := newCluster(t, 10, LAN())
	c.run(sched.Second)
	liar := c.node(3)
	for range 100 { // somebody forges what the host of 2 says, to one observer, whenever it can matter
		c.run(20 * ms)
		liar.Refused(c.now, 2)
		c.turn(liar)
	}
	if got := c.ever(Suspect); got != 0 {
		t.Errorf("suspected %d times", got)
	}
	if r := liar.Counters().Rounds; r > 9*4*15 {
		t.Errorf("%d rounds of probes in three seconds", r)
	}
	c.all(2, Alive)
}

// A refusal of a stalled member shortens its grace only with a quorum, and a refutation ends it.
func TestClosedIsRefuted(t *testing.T) {
	x, now := alone(t, 10)
	for from := uint32(3); from < 9; from++ {
		x.OnVote(*now, from, &codec.Vote{Subject: testID(2), Round: 1, Stance: codec.StanceClosed})
	}
	if s := x.Status(2); s != Closed {
		t.Fatalf("six of nine say that its port is closed: %v", s)
	}
	x.OnFacts(*now, 2, fact1(t, codec.Fact{ID: testID(2), Incarnation: 1, Status: Alive}))
	if s := x.Status(2); s != Alive {
		t.Errorf("it refuted: %v", s)
	}
}

// fact1 is a verdict of one fact.
func fact1(t *testing.T, f codec.Fact) codec.Facts {
	facts, err := codec.ParseFacts(codec.AppendFact(nil, f))
	if err != nil {
		t.Fatal(err)
	}
	return facts
}

// A host says a few times to each who sends that a port is closed, and then once a second: what was
// said before a member was watched, or to other frames than probes, counts until it is heard.
func TestAWordThatOtherFramesGotCounts(t *testing.T) {
	f := func(said bool, want Status) {
		t.Helper()
		h := host{1: {id: 11, proven: true}}
		d, now := newDetector(h), sched.Instant(ms)
		if said {
			d.Refused(now, addrOf(1))
		}
		d.Watch(now, 1, 11)
		for ; now < 450*ms; now += ms { // nobody answers, and no host says so any more
			d.Tick(now)
			for d.Next(now) != nil {
			}
		}
		if got := d.Status(1); got != want {
			t.Errorf("said: %v, status %v", said, got)
		}
		h[1] = known{11, true, now}
		if d.Heard(now, 1); d.shut(1) {
			t.Error("it was heard, and its port counts as closed")
		}
	}
	f(true, Dead)
	f(false, Alive)
}

// Other words, of addresses that anybody makes up, push out no more than those, and cost no search.
func TestMadeUpAddressesAreForgotten(t *testing.T) {
	d, now := newDetector(host{1: {id: 11, proven: true}}), sched.Instant(sched.Second)
	for i := range uint16(1000) {
		d.Refused(now, netip.AddrPortFrom(addrOf(9).Addr(), i))
		d.Refused(now, addrOf(7))
	}
	d.Watch(now, 1, 11)
	if d.shut(1) || !d.refusals.since(addrOf(7), 0) {
		t.Error("an address is taken for another, or the last one is forgotten")
	}
}

// A node that came late has no vote of its own, but what the kernels of others say is not its own.
func TestALateNodeHearsOfClosedPorts(t *testing.T) {
	c := newCluster(t, 10, LAN())
	c.closed = true
	c.run(sched.Second)
	c.node(2).down = true
	for range 120 {
		for _, n := range c.nodes {
			n.health = HealthMax
		}
		c.run(5 * ms)
	}
	c.all(2, Dead)
}
