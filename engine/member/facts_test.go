package member

import (
	"math/rand/v2"
	"net/netip"
	"testing"

	"pgregory.net/rapid"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// give hands facts to a table as record 13.
func give(t testing.TB, x *Table, now sched.Instant, from uint32, facts ...codec.Fact) {
	t.Helper()
	var b []byte
	for _, f := range facts {
		b = codec.AppendFact(b, f)
	}
	if _, err := x.OnRecord(now, from, codec.TypeVerdict, b, nil); err != nil {
		t.Fatal(err)
	}
}

// Whatever the order in which the same facts come, and however often, two tables end alike once
// graces are over.
func TestFactsMergeInAnyOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		facts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) codec.Fact {
			return codec.Fact{
				ID:          testID(rapid.Uint32Range(3, 8).Draw(t, "member")),
				Incarnation: rapid.Uint32Range(0, 3).Draw(t, "incarnation"),
				Status:      Status(rapid.IntRange(0, int(Left)).Draw(t, "status")),
			}
		}), 1, 30).Draw(t, "facts")
		var prints [2]uint64
		for i := range prints {
			var r Ring
			x, cfg := new(Table), quick()
			r.Init(10, [2]uint64{1, 1})
			x.Init(&cfg, DefaultLimits(10), &r, 1, testID(1), 1, 1)
			for h := uint32(2); h <= 10; h++ {
				x.Add(1, h, testID(h))
			}
			now := sched.Instant(2)
			for _, k := range rand.New(rand.NewPCG(uint64(i), 1)).Perm(len(facts)) {
				x.learn(now, x.Find(facts[k].ID), facts[k].Incarnation, facts[k].Status, 2)
				x.learn(now, x.Find(facts[k].ID), facts[k].Incarnation, facts[k].Status, 2)
			}
			x.expire(now + 10*sched.Second)
			x.expire(now + 20*sched.Second)
			if prints[i] = x.LivePrint(); prints[i] != x.recomputePrint() {
				t.Fatal("fingerprint")
			}
		}
		if prints[0] != prints[1] {
			t.Fatal("order matters")
		}
	})
}

func TestStaleClaimsAreIgnored(t *testing.T) {
	x, now := alone(t, 10)
	id := testID(4)
	give(t, x, *now, 2, codec.Fact{ID: id, Incarnation: 5, Status: Alive})
	give(t, x, *now, 2, codec.Fact{ID: id, Incarnation: 4, Status: Suspect}, codec.Fact{ID: id, Incarnation: 4, Status: Dead}, codec.Fact{ID: id, Incarnation: 4, Status: Left}, codec.Fact{ID: id, Incarnation: 5, Status: Alive})
	if x.Status(4) != Alive || x.Incarnation(4) != 5 || x.Counters().FactsStale != 4 {
		t.Errorf("%v %d %+v", x.Status(4), x.Incarnation(4), x.Counters())
	}
	// A death with a higher incarnation moves the incarnation too, so that an older sign of life
	// does not raise it.
	give(t, x, *now, 2, codec.Fact{ID: id, Incarnation: 10, Status: Dead})
	give(t, x, *now, 2, codec.Fact{ID: id, Incarnation: 7, Status: Alive})
	if x.Incarnation(4) != 10 || x.Status(4) != Suspect {
		t.Errorf("%v %d", x.Status(4), x.Incarnation(4))
	}
}

func TestAntiEntropyCannotRaiseTheDead(t *testing.T) {
	x, now := alone(t, 10)
	x.set(*now, 4, 3, Dead, 2)
	give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: 3, Status: Alive}, codec.Fact{ID: testID(4), Incarnation: 3, Status: Suspect}, codec.Fact{ID: testID(4), Incarnation: 0, Status: Alive})
	if x.Status(4) != Dead {
		t.Error(x.Status(4))
	}
	give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: 4, Status: Alive})
	if x.Status(4) != Alive {
		t.Error("its own word does not raise it")
	}
}

func TestImpossibleIncarnations(t *testing.T) {
	x, now := alone(t, 10)
	for _, inc := range []uint32{IncarnationStep + 1, 1<<31 - 1, 1<<32 - 1} {
		for s := Alive; s < codec.Statuses; s++ {
			before := x.Counters().DropIncarnation
			give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: inc, Status: s})
			give(t, x, *now, 2, codec.Fact{ID: testID(1), Incarnation: inc, Status: s})
			if d := x.Counters().DropIncarnation - before; d != 2 && s != Buried {
				t.Errorf("%v at %d: %d drops", s, inc, d)
			}
			var ack codec.ProbeAck
			x.OnProbe(*now, 2, &codec.Probe{Target: testID(1), Incarnation: inc, Status: s}, &ack)
			if ack.Incarnation != 0 {
				t.Errorf("refuted %v at %d by %d", s, inc, ack.Incarnation)
			}
		}
	}
	if x.Incarnation(4) != 0 || x.Incarnation(1) != 0 || x.LivePrint() != 0 {
		t.Error("a forgery left a trace")
	}
	// Step by step a forger gets far, but never around: the node then asks for a new generation.
	own := uint32(0)
	for range 5000 {
		give(t, x, *now, 2, codec.Fact{ID: testID(1), Incarnation: min(own+IncarnationStep, 1<<32-1), Status: Suspect})
		if x.Incarnation(1) < own {
			t.Fatal("wrapped")
		}
		own = x.Incarnation(1)
	}
	if !x.Exhausted() {
		t.Errorf("at %d, not exhausted", own)
	}
	if !x.Renew(*now, testID(50)) || x.Exhausted() {
		t.Error("a new life is as old as the one before")
	}
}

func TestNobodySpeaksForAnother(t *testing.T) {
	x, now := alone(t, 10)
	give(t, x, *now, 2, codec.Fact{ID: testID(1), Incarnation: 1, Status: Alive}) // about me
	give(t, x, *now, 0, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})  // by a stranger
	give(t, x, *now, 2, codec.Fact{ID: testID(99), Incarnation: 0, Status: Dead}) // about one
	give(t, x, *now, 1, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})  // as if by me
	give(t, x, *now, 4, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})  // about itself
	x.set(*now, 5, 0, Dead, 2)
	give(t, x, *now, 5, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead}) // by a condemned one
	x.set(*now, 6, 0, Suspect, 2)
	for _, s := range []Status{Suspect, Closed, Dead, Buried} {
		give(t, x, *now, 6, codec.Fact{ID: testID(4), Incarnation: 0, Status: s}) // by a suspect
	}
	give(t, x, *now, 6, codec.Fact{ID: testID(7), Incarnation: 1, Status: Alive}, codec.Fact{ID: testID(8), Incarnation: 0, Status: Left})
	if x.Incarnation(7) != 1 || x.Status(8) != Left {
		t.Error("a suspect's word that accuses nobody does not count")
	}
	c := x.Counters()
	if x.Status(4) != Alive || x.Incarnation(1) != 0 {
		t.Error("believed")
	}
	if c.DropIncarnation != 1 || c.DropStranger != 3 || c.DropSelf != 1 || c.DropDead != 5 {
		t.Errorf("%+v", c)
	}
}

// A death that is only heard of opens a grace; a claim shortens one that runs, and never lengthens
// it.
func TestGraceIsNeverSkippedNorLengthened(t *testing.T) {
	x, now := alone(t, 10)
	at := func(h uint32) sched.Instant { return x.facts[x.standings[h].fact].until - *now }
	give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})
	if x.Status(4) != Suspect || at(4) != 300*ms {
		t.Errorf("%v, %d ms", x.Status(4), at(4)/ms)
	}
	x.health = HealthMax
	give(t, x, *now, 2, codec.Fact{ID: testID(5), Incarnation: 0, Status: Suspect})
	if at(5) != 900*ms {
		t.Errorf("%d ms with the worst health", at(5)/ms)
	}
	*now += 100 * ms
	give(t, x, *now, 3, codec.Fact{ID: testID(5), Incarnation: 0, Status: Suspect}, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})
	if at(5) != 800*ms || at(4) != 200*ms {
		t.Errorf("%d, %d ms", at(5)/ms, at(4)/ms)
	}
	give(t, x, *now, 3, codec.Fact{ID: testID(5), Incarnation: 0, Status: Dead})
	if at(5) != 200*ms {
		t.Errorf("%d ms after a claim", at(5)/ms)
	}
	*now += 400 * ms
	give(t, x, *now, 3, codec.Fact{ID: testID(5), Incarnation: 0, Status: Dead})
	if at(5) > 0 {
		t.Error("a claim lengthened the grace")
	}
}

func TestLeftIsReapedAndStaysAway(t *testing.T) {
	x, now := alone(t, 10)
	give(t, x, *now, 4, codec.Fact{ID: testID(4), Incarnation: 0, Status: Left})
	give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: 0, Status: Suspect}, codec.Fact{ID: testID(4), Incarnation: 0, Status: Dead})
	if x.Status(4) != Left {
		t.Fatal(x.Status(4))
	}
	var s Send
	for until := *now + 61*sched.Second; *now < until; *now += 50 * ms {
		x.Tick(*now)
		for x.Next(*now, &s) {
			if s.To == 4 || s.Kind == SendGrave {
				t.Fatal("one that left is spoken to")
			}
			answerAll(x, *now, &s)
		}
	}
	var c Change
	for x.NextChange(&c) {
	}
	if x.Status(4) != Buried || c.To != Buried || !x.graves.Awake(*now, testID(4)) || x.LivePrint() != 0 {
		t.Fatalf("%v, print %x", x.Status(4), x.LivePrint())
	}
	if !x.Remove(*now, 4) || x.Add(*now, 4, testID(4)) {
		t.Error("it came back from its grave")
	}
	give(t, x, *now, 2, codec.Fact{ID: testID(4), Incarnation: 7, Status: Alive})
	if x.Find(testID(4)) != 0 || x.Counters().Grave != 1 {
		t.Error("a fact raised it")
	}
	*now += 86400 * sched.Second
	x.Tick(*now)
	if x.graves.Awake(*now, testID(4)) {
		t.Error("the grave is for ever")
	}
}

// answerAll answers probes as a healthy cluster would.
func answerAll(x *Table, now sched.Instant, s *Send) {
	if s.Kind == SendProbe {
		x.OnAck(now, s.To, &codec.ProbeAck{Nonce: s.Probe.Nonce, Incarnation: x.Incarnation(s.To)})
	}
	x.AppendSend(nil, 1300, s)
}

func TestBurialSpreadsAndAsksForANewGeneration(t *testing.T) {
	cfg := quick()
	cfg.DeadAge, cfg.ReviveMax = 20*sched.Second, 2*sched.Second
	c := newCluster(t, 4, cfg)
	c.run(sched.Second)
	c.node(2).down = true
	slot := -1
	for range 400 { // who forgets a member says where it was
		c.run(100 * ms)
		slot = c.node(1).lies(c.now, testID(2), netip.MustParseAddrPort("192.0.2.2:1"))
	}
	c.all(2, Buried)
	if c.node(1).LivePrint() != 0 || c.node(3).LivePrint() != 0 {
		t.Error("a buried one is in the fingerprint")
	}
	// It comes back after all, and is told.
	c.node(2).down = false
	if slot < 0 {
		t.Fatal("no grave")
	}
	n, told := c.node(1), false
	for range 200 {
		c.now += 100 * ms
		n.Tick(c.now)
		var s Send
		for n.Next(c.now, &s) {
			if s.Kind == SendGrave && s.Grave == slot && s.ID == testID(2) {
				var ack codec.ProbeAck
				c.node(2).OnProbe(c.now, 1, &s.Probe, &ack)
				told = true
			}
		}
	}
	if !told || !c.node(2).BuriedSelf() || c.node(2).BuriedSelf() {
		t.Error("not told once")
	}
}

// A node that had to take a new generation starts anew, whatever was said of its old life.
func TestRenewedNodeIsAliveInItsFirstIncarnation(t *testing.T) {
	x, now := alone(t, 10)
	give(t, x, *now, 2, codec.Fact{ID: testID(1), Incarnation: 3, Status: Suspect})
	x.ring.Move(1, 3)
	if x.Renew(*now, testID(5)) || !x.Renew(*now, testID(50)) {
		t.Fatal("renew")
	}
	if x.Find(testID(1)) != 0 || x.Find(testID(50)) != 1 || x.Status(1) != Alive || x.Incarnation(1) != 0 || x.LivePrint() != 0 {
		t.Errorf("%v %d, print %x", x.Status(1), x.Incarnation(1), x.LivePrint())
	}
	if zone := x.ring.Zone(1); zone != 3 {
		t.Errorf("it is in zone %d, and was in 3", zone)
	}
	give(t, x, *now, 2, codec.Fact{ID: testID(50), Incarnation: 0, Status: Suspect})
	if x.Incarnation(1) != 1 || x.LivePrint() != x.recomputePrint() || x.LivePrint() == 0 {
		t.Error("it does not refute")
	}
	x.Tick(*now + sched.Second)
	if x.taken == 0 {
		t.Error("it watches nobody")
	}
	x.Leave(*now)
	if !x.Renew(*now, testID(51)) || x.Status(1) != Left || x.LivePrint() != x.recomputePrint() {
		t.Error("it does not go on leaving")
	}
}

// recomputePrint is LivePrint from scratch.
func (t *Table) recomputePrint() (sum uint64) {
	for h := uint32(1); h < uint32(len(t.standings)); h++ {
		if f := &t.facts[t.standings[h].fact]; f.member != 0 {
			sum += mix(t.ring.ID(h), f.incarnation, f.status)
		}
	}
	return sum
}

// A grave of which nobody knew where its member was is visited once that is known, however long
// after the burial.
func TestAGraveIsVisitedOnceItsPlaceIsKnown(t *testing.T) {
	cfg := quick()
	cfg.DeadAge, cfg.ReviveMax = 20*sched.Second, 2*sched.Second
	c := newCluster(t, 4, cfg)
	c.run(sched.Second)
	c.node(2).down = true
	c.run(40 * sched.Second)
	c.all(2, Buried)
	n := c.node(1)
	visited := func(slot int) bool {
		for range 40 {
			c.now += 100 * ms
			n.Tick(c.now)
			var s Send
			for n.Next(c.now, &s) {
				if s.Kind == SendGrave && s.Grave == slot && s.ID == testID(2) {
					return true
				}
			}
		}
		return false
	}
	if visited(0) {
		t.Fatal("visited nowhere")
	}
	slot := n.lies(c.now, testID(2), netip.MustParseAddrPort("192.0.2.2:1"))
	if slot < 0 || !visited(slot) {
		t.Errorf("grave %d is not visited though its place is known", slot)
	}
}
