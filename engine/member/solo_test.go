package member

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestASignOfLifeCountsOnce: of two members, one that does not answer and of which something still
// arrives is suspected and not condemned, for a grace after each sign; when the signs end it is.
func TestASignOfLifeCountsOnce(t *testing.T) {
	x, clock := alone(t, 2)
	now := *clock
	run := func(span sched.Instant, each func()) (died sched.Instant) {
		for end := now + span; now < end; now += 5 * ms {
			if each != nil {
				each()
			}
			x.Tick(now)
			for s := (Send{}); x.Next(now, &s); {
			}
			if x.Status(2) == Dead {
				return now
			}
		}
		return 0
	}
	grace := x.cfg.SoloGrace
	for end := now + 20*sched.Second; x.Status(2) != Suspect; {
		if run(5*ms, nil); now > end {
			t.Fatalf("who is silent is %v", x.Status(2))
		}
	}
	last := now
	if died := run(5*grace, func() {
		if now-last >= grace/2 {
			x.Heard(now, 2)
			last = now
		}
	}); died != 0 {
		t.Fatalf("dead %v after something of it arrived", time.Duration(died-last))
	}
	if died := run(4*grace, nil); died == 0 || died-last > 5*grace/2 {
		t.Errorf("nothing arrives any more: it is %v, %v after the last sign; the grace is %v", x.Status(2), time.Duration(now-last), time.Duration(grace))
	}
}

// TestWhoIsAloneAccusesNobodyToOthers: a node that nobody answers suspects everybody by itself. It is told to
// the suspects only, with probes and by themselves: whoever hears of it answers, so the others are there, and
// know better. When one of them asks what this node believes, they hear no other accusation either; deaths they do.
func TestWhoIsAloneAccusesNobodyToOthers(t *testing.T) {
	x, clock := alone(t, 5)
	now := *clock
	told, itself, probed := 0, 0, 0
	drain := func() {
		for s := (Send{}); x.Next(now, &s); {
			if s.Kind == SendProbe && s.Probe.Status == Suspect {
				probed++
			}
			for b := x.AppendSend(nil, 1300, &s); len(b) > 0; {
				var typ codec.Type
				var body []byte
				if typ, body, b = codec.NextRecord(b); typ != codec.TypeVerdict {
					continue
				}
				facts, err := codec.ParseFacts(body)
				if err != nil {
					t.Fatal(err)
				}
				for i := range facts.Len() {
					switch f := facts.At(i); {
					case f.Status != Suspect:
					case f.ID == s.ID:
						itself++
					default:
						told++
					}
				}
			}
		}
	}
	for end := now + 20*sched.Second; x.Status(2) != Suspect || x.Status(3) != Suspect; now += 5 * ms {
		if x.Tick(now); now > end {
			t.Fatalf("of those who are silent one is %v, one %v", x.Status(2), x.Status(3))
		}
		drain()
	}
	none := codec.AppendObserved(nil, false, new([codec.ObservedBuckets]uint64))
	_, body, _ := codec.NextRecord(none)
	digest, err := codec.ParseObserved(body)
	if err != nil {
		t.Fatal(err)
	}
	x.OnDigest(now, 4, digest)
	drain()
	x.correctSoon(4, 2)
	for end := now + x.cfg.Period; now < end; now += 5 * ms {
		x.Tick(now)
		drain()
	}
	if told != 0 || itself < 2 || probed == 0 {
		t.Errorf("others were told %d suspicions; the suspects were %d times, and by %d probes", told, itself, probed)
	}
	for end := now + 2*x.cfg.SoloGrace; now < end && x.Status(2) != Dead; now += 5 * ms {
		x.Tick(now)
	}
	if x.Status(2) != Dead || len(x.hot) == 0 {
		t.Errorf("after the grace it is %v, and %d facts are spread", x.Status(2), len(x.hot))
	}
}

// TestTheEndOfACutKillsNobody: a node is cut off from all others and suspects them by itself; the cut ends at any
// time before the grace of the first is over, long after it began to watch others, too. It condemns nobody, and
// nobody condemns it then.
func TestTheEndOfACutKillsNobody(t *testing.T) {
	f := func(name string, cfg Config, nodes int, step sched.Instant) {
		for after := step; after < cfg.SoloGrace-cfg.Period/2; after += step {
			c := newCluster(t, nodes, cfg)
			c.run(10 * cfg.Period)
			n, first, deaths := c.node(1), sched.Instant(0), 0
			c.cut = func(from, to uint32) bool { return from == 1 || to == 1 }
			for first == 0 || c.now < first+after {
				c.run(10 * ms)
				if first == 0 && n.lists[Suspect].len > 0 {
					first = c.now
				}
			}
			c.cut, c.log = nil, func(_ *node, x *Change) {
				if x.To == Dead && x.Member != 1 {
					deaths++
				}
			}
			c.run(cfg.SoloGrace + 5*cfg.Period)
			if deaths > 0 {
				t.Errorf("%s, %d members: the cut ends %v after the first suspicion, then %d are condemned", name, nodes, time.Duration(after), deaths)
			}
			for _, m := range c.nodes {
				c.all(m.h, Alive)
			}
		}
	}
	f("LAN", LAN(), 20, 400*ms)
	f("WAN", WAN(), 20, 1200*ms)
	f("WAN", WAN(), 40, 2900*ms)
}

// TestASurvivorAloneCondemns: whoever is left alone knows of all deaths, as soon as the grace of one observer
// is over, with nobody to agree; two who are left know as soon as a quorum does.
func TestASurvivorAloneCondemns(t *testing.T) {
	for _, c := range []struct{ nodes, left int }{{2, 1}, {3, 1}, {3, 2}, {5, 1}, {5, 2}, {12, 1}, {12, 2}} {
		x := newCluster(t, c.nodes, LAN())
		x.run(3 * sched.Second)
		for _, n := range x.nodes[c.left:] {
			n.down = true
		}
		died := x.now
		known := func() bool {
			for _, n := range x.nodes[:c.left] {
				for _, m := range x.nodes[c.left:] {
					if n.Status(m.h) != Dead {
						return false
					}
				}
			}
			return true
		}
		for !known() {
			if x.run(10 * ms); x.now-died > 6*sched.Second {
				break
			}
		}
		took, most := x.now-died, x.cfg.SoloGrace+7*x.cfg.Period
		if t.Logf("%d of %d are left: %v", c.left, c.nodes, time.Duration(took)); took > most {
			t.Errorf("%d of %d are left and know after %v; bound %v", c.left, c.nodes, time.Duration(took), time.Duration(most))
		}
	}
}
