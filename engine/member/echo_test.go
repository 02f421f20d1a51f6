package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// settled is a cluster in which all watch each other, and know who leads.
func settled(t *testing.T, cfg Config) *cluster {
	c := newCluster(t, 6, cfg)
	c.run(5 * cfg.Period)
	return c
}

// slack is how long after a probe that did not come the follower begins to look.
func slack(cfg *Config) sched.Instant { return cfg.Period/32 + cfg.Period/16 }

// Of two members that watch each other one probes and one answers, and both know the round trip.
func TestOneRoundServesBothSides(t *testing.T) {
	count := func(cfg Config) (frames int) {
		c := settled(t, cfg)
		clear(c.frames)
		c.run(20 * cfg.Period)
		for _, n := range c.nodes {
			for _, o := range c.nodes {
				if n == o {
					continue
				}
				if n.leads(o.h) == o.leads(n.h) {
					t.Errorf("of %d and %d not one leads", n.h, o.h)
				}
				if rtt := n.RTT(o.h); rtt < 2*c.delay || rtt > 4*c.delay {
					t.Errorf("%d takes the way to %d for %v long, it is %v to %v", n.h, o.h, rtt, 2*c.delay, 4*c.delay)
				}
				if n.watching(o.h).missed > 0 || c.now-n.watching(o.h).acked > cfg.Period+slack(&cfg)+ms {
					t.Errorf("%d has not seen %d for %v", n.h, o.h, c.now-n.watching(o.h).acked)
				}
			}
		}
		return c.frames[codec.TypeProbe] + c.frames[codec.TypeProbeAck]
	}
	cfg := LAN()
	if n := count(cfg); n < 15*2*18 || n > 15*2*22 {
		t.Errorf("%d probes and answers of 15 pairs in 20 periods", n)
	}
	cfg.Without = Echoes
	if n := count(cfg); n < 15*4*18 {
		t.Errorf("%d probes and answers where nobody echoes", n)
	}
}

// A direction that is cut is missed by both sides as soon as if each probed for itself, a little
// more than a period later at most; one vote each condemns nobody.
func TestEitherDirectionIsMissedInTime(t *testing.T) {
	for _, leads := range []bool{true, false} {
		cfg := LAN()
		c := settled(t, cfg)
		a, b := c.node(1), c.node(2)
		if a.leads(b.h) != leads {
			a, b = b, a
		}
		c.cut = func(from, to uint32) bool { return from == a.h && to == b.h }
		most := c.now + cfg.Period + slack(&cfg) + (1+Tries)*cfg.TimeoutMin + 2*ms
		var sawA, sawB bool
		for c.now < most {
			c.run(ms)
			sawA, sawB = sawA || a.watching(b.h).missed > 0, sawB || b.watching(a.h).missed > 0
		}
		if !sawA || !sawB {
			t.Errorf("frames of the leader lost: %v; the sender misses the receiver: %v, and is missed: %v", leads, sawA, sawB)
		}
		c.run(sched.Second)
		c.cut = nil
		c.run(2 * cfg.Period)
		for _, n := range c.nodes {
			if len(n.was) > 0 {
				t.Errorf("node %d saw %v", n.h, n.was)
			}
		}
		if a.watching(b.h).stance.Against() || b.watching(a.h).stance.Against() {
			t.Error("a path that is whole again is still voted against")
		}
	}
}

// Who leads and falls silent is looked for by probes at once; a probe that is lost is no more than
// that.
func TestProbesOfAFollower(t *testing.T) {
	cfg := LAN()
	c := settled(t, cfg)
	a, b := c.node(1), c.node(2)
	if !a.leads(b.h) {
		a, b = b, a
	}
	for _, periods := range []sched.Instant{1, 10} { // the leader's probes do not come, its answers do
		c.cut = func(from, to uint32) bool {
			return from == a.h && to == b.h && a.waiting>>a.watchOf(b.h)&1 != 0 && a.watching(b.h).try > 0 && c.now == a.watching(b.h).sent[a.watching(b.h).try-1]
		}
		before := b.counters.ProbesSent
		c.run(periods * (cfg.Period + slack(&cfg) + ms))
		if n := b.counters.ProbesSent - before; periods > 1 && n < uint64(periods)-1 {
			t.Errorf("%d probes of the follower in %d periods", n, periods)
		}
		c.cut = nil
		if b.watching(a.h).missed > 0 || len(b.was) > 0 {
			t.Errorf("after %d periods %v", periods, b.was)
		}
	}
	c.run(3 * cfg.Period)
	before := b.counters.ProbesSent
	c.run(10 * cfg.Period)
	led := 0
	for _, n := range c.nodes {
		if n != b && b.leads(n.h) {
			led++
		}
	}
	if n := b.counters.ProbesSent - before; n > uint64(11*led) {
		t.Errorf("%d probes in 10 periods to %d members", n, led)
	}
}

// An echo of anything but the last answer, one that comes again, and one of a member that is not
// believed to be alive let no round rest.
func TestEchoesOfOtherAnswers(t *testing.T) {
	x, now := alone(t, 8)
	x.Tick(*now)
	h := uint32(2)
	for h < 8 && (x.leads(h) || x.watchOf(h) < 0) {
		h++
	}
	due := func(nonce uint32, echoes bool, echo uint32) sched.Instant {
		var ack codec.ProbeAck
		p := codec.Probe{Target: testID(1), Nonce: nonce, Echoes: echoes, Echo: echo, Held: 5}
		x.dues[x.watchOf(h)] = *now + ms
		x.OnProbe(*now, h, &p, &ack)
		return x.dues[x.watchOf(h)] - *now
	}
	rests := x.cfg.Period + x.cfg.Period/16
	f := func(what string, got sched.Instant, want bool) {
		t.Helper()
		if (got == rests) != want || !want && got != ms {
			t.Errorf("%s: the next round is due in %v", what, got)
		}
	}
	f("nothing was answered", due(10, true, 9), false)
	f("the last answer", due(20, true, 10), true)
	f("the same again", due(25, true, 10), false)
	f("another nonce", due(30, true, 22), false)
	f("no echo", due(40, false, 0), false)
	if got := due(41, false, 0); got != 0 {
		t.Errorf("the leader asks again, and the next round is due in %v", got)
	}
	f("a second time in a row", due(42, false, 0), false)
	f("no echo", due(40, false, 0), false)
	f("the last answer again", due(50, true, 40), true)
	x.learn(*now, h, 1, Suspect, h)
	f("a suspect's", due(60, true, 50), false)
}
