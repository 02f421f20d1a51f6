package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const us = sched.Microsecond

// chosen lets a choice look for a while at how things are, with so much news a second.
func chosen(c *Choice, now *sched.Instant, span sched.Instant, rate uint64, l *Load) {
	for end := *now + span; *now < end; *now += lookEvery {
		l.News += rate * uint64(lookEvery) / uint64(sched.Second)
		c.Look(*now, l)
	}
}

// However large a cluster is and however long its round trips, no member more makes the number
// of those who are told directly leap, and nobody who is one of few is told by somebody else.
func TestTheChoiceHasNoCliff(t *testing.T) {
	for _, trip := range []sched.Instant{0, 50 * us, 200 * us, 400 * us, 10 * ms} {
		last, told := 0.0, 0
		for n := 1; n < 5000; n++ {
			var c Choice
			now := sched.Instant(sched.Second)
			c.Init(128)
			chosen(&c, &now, sched.Second, 10, &Load{Members: n, Trip: trip})
			k := min(c.Direct(), n)
			if c.Mails() && k < n || k < min(n, leastOf) || n <= 64 && k != n {
				t.Fatalf("trip %d, %d members: %d directly, mail %v", trip, n, k, c.Mails())
			}
			if told-k > 1+told/32 {
				t.Fatalf("trip %d, %d members: %d directly, %d of one fewer", trip, n, k, told)
			}
			if hops := 2 - float64(k)/float64(n); hops > last*1.04 && last != 0 {
				t.Fatalf("trip %d, %d members: %.3f hops on average, %.3f of one fewer", trip, n, hops, last)
			} else {
				last = hops
			}
			told = k
		}
	}
}

// A loop that is busy with news tells fewer, step by step, and more again when there is less to
// say; where as much is said it stays for a hold that doubles each time it was too short. What
// keeps a loop busy and is no news changes nothing.
func TestABusyLoopTellsFewer(t *testing.T) {
	var c Choice
	now, l := sched.Instant(sched.Second), &Load{Members: 200, Trip: 300 * us}
	c.Init(128)
	direct := func(name string, span sched.Instant, rate uint64, lag sched.Instant, want int) {
		t.Helper()
		l.Lag = lag
		if chosen(&c, &now, span, rate, l); c.Direct() != want {
			t.Errorf("%s: %d directly, want %d", name, c.Direct(), want)
		}
	}
	chosen(&c, &now, sched.Second, 10, l)
	rest := c.Direct()
	if rest < 90 || rest > 100 {
		t.Fatalf("%d directly at rest", rest)
	}
	direct("at rest", 10*sched.Second, 10, 0, rest)
	direct("busy with something else", 10*sched.Second, 10, 5*ms, rest)
	direct("one look is none", lookEvery, 2000, 5*ms, rest)
	direct("one step", hotLooks*lookEvery, 2000, 5*ms, 64)
	direct("and all of them", 10*sched.Second, 2000, 5*ms, leastOf)
	direct("between hot and cool", 10*sched.Second, 2000, 500*us, leastOf)
	direct("as much is said", 5*sched.Second, 2000, 0, leastOf)
	direct("less is said", 10*sched.Second, 100, 0, rest)
	if why := c.Why(); why != WhyMany || c.Mails() {
		t.Errorf("%v, mail %v", why, c.Mails())
	}
	l.Members = 100
	direct("fewer members", lookEvery, 100, 0, c.direct)
	if why := c.Why(); why != WhyFew || !c.Mails() {
		t.Errorf("%v, mail %v", why, c.Mails())
	}
	direct("few of them, and busy", 10*sched.Second, 2000, 5*ms, leastOf)
	if why := c.Why(); why != WhyBusy || c.Mails() {
		t.Errorf("%v, mail %v", why, c.Mails())
	}
	holds := c.holds
	for round := range 4 { // with more directly it is busy again each time
		began := now
		for c.Direct() == leastOf && now-began < 20*60*sched.Second {
			l.Lag = 0
			chosen(&c, &now, lookEvery, 2000, l)
		}
		if round > 0 && now-began < holdAt {
			t.Errorf("round %d: the hold was %d ms", round, (now-began)/ms)
		}
		l.Lag = 5 * ms
		chosen(&c, &now, sched.Second, 2000, l)
	}
	if c.holds <= holds {
		t.Errorf("%d doublings of the hold, %d before", c.holds, holds)
	}
}
