package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const us = sched.Microsecond

// chosen lets a choice look for a while at how things are.
func chosen(c *Choice, now *sched.Instant, span sched.Instant, l *Load) {
	for end := *now + span; *now < end; *now += lookEvery {
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
			chosen(&c, &now, sched.Second, &Load{Members: n, Trip: trip})
			k := min(c.Direct(), n)
			if c.Mails() && k < n || k < min(n, leastRest) || n <= 64 && k != n {
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

// A loop that is late learns no round trips; mail comes back only where there is room for some
// members more.
func TestABusyLoopLearnsNothing(t *testing.T) {
	var c Choice
	now, l := sched.Instant(sched.Second), &Load{Members: 200, Trip: 300 * us}
	c.Init(128)
	chosen(&c, &now, sched.Second, l)
	rest := c.Direct()
	if rest < 90 || rest > 100 || c.Why() != WhyMany {
		t.Fatalf("%d directly at rest, %v", rest, c.Why())
	}
	l.Lag, l.Trip = 5*ms, 100*ms
	direct := c.direct
	if chosen(&c, &now, 10*sched.Second, l); c.direct != direct {
		t.Errorf("%d in the time of a second hop, %d before the loop was late", c.direct, direct)
	}
	l.Lag, l.Trip = 0, 300*us
	if chosen(&c, &now, 2*sched.Second, l); c.Direct() != rest {
		t.Errorf("%d directly, %d before the loop was late", c.Direct(), rest)
	}
	l.Members = c.direct
	if chosen(&c, &now, lookEvery, l); c.Mails() {
		t.Error("mail, with no room for a member more")
	}
	l.Members = c.direct * restShare / (restShare + 1)
	if chosen(&c, &now, lookEvery, l); !c.Mails() || c.Why() != WhyFew {
		t.Errorf("mail %v, %v", c.Mails(), c.Why())
	}
	l.Members = c.direct
	if chosen(&c, &now, lookEvery, l); !c.Mails() {
		t.Error("no mail, and all can be told")
	}
}

// A choice learns what round trips take once in a while, and nothing from a loop that is late or
// from none: n members more than the room for mail end it, and a share more than that bring it back.
func TestWhatAChoiceLearns(t *testing.T) {
	const most, now = 128, sched.Instant(sched.Second)
	f := func(name string, at sched.Instant, l Load, learns bool) {
		t.Helper()
		c := Choice{most: most, direct: most, at: at}
		if c.Look(now, &l); (c.direct != most) != learns {
			t.Errorf("%s: %d directly", name, c.direct)
		}
	}
	const short = sched.Instant(10 * us)
	f("the first look", 0, Load{Trip: short}, true)
	f("another one soon after", now-lookEvery+1, Load{Trip: short}, false)
	f("the next one", now-lookEvery, Load{Trip: short}, true)
	f("no round trip is known", 0, Load{}, false)
	f("a loop that is late", 0, Load{Trip: short, Lag: coolLag}, false)
	f("one that is hardly not", 0, Load{Trip: short, Lag: coolLag - 1}, true)
	g := func(mails bool, members int, want bool) {
		t.Helper()
		c := Choice{most: most, direct: 90, at: now, mails: mails}
		if c.Look(now, &Load{Members: members}); c.Mails() != want {
			t.Errorf("mail before %v, %d members: %v", mails, members, c.Mails())
		}
	}
	g(true, 90, true)
	g(true, 91, false)
	g(false, 80, true) // 90 are 80 and an eighth more
	g(false, 81, false)
}

func TestRoot(t *testing.T) {
	for r := range 2000 {
		for _, x := range [...]int{r * r, r*r + r, r*r + 2*r} {
			if got := root(x); got != r {
				t.Fatalf("the root of %d: %d, want %d", x, got, r)
			}
		}
	}
}

// A late loop tells all of up to twice MailMax itself, and of more the fewer the later it is, down to
// the square root; a loop that is a little less late tells as many or twice as many. At rest it is as
// before.
func TestALateLoop(t *testing.T) {
	for _, n := range []int{150, 255, 300, 2000} {
		var c Choice
		now, l := sched.Instant(sched.Second), &Load{Members: n, Trip: 300 * us}
		c.Init(128)
		chosen(&c, &now, sched.Second, l)
		rest, last := c.Direct(), n
		for _, lag := range []sched.Instant{200 * us, 900 * us, 2 * ms, 4 * ms, 50 * ms} {
			l.Lag = lag
			chosen(&c, &now, 2*sched.Second, l)
			switch k := c.Direct(); {
			case lag < lateLag && k != rest:
				t.Errorf("%d members: %d directly at a lag of %d us, %d at rest", n, k, lag/us, rest)
			case lag > lateLag && (n <= 256 && !c.Mails() || c.Why() != WhyLate):
				t.Errorf("%d members: %d directly at a lag of %d us, and no mail", n, k, lag/us)
			case lag > lateLag && n > 256 && (c.Mails() || k > last || k < root(n) && k < rest || k > 2*root(n) && lag > 10*ms):
				t.Errorf("%d members: %d directly at a lag of %d us, %d at a shorter one", n, k, lag/us, last)
			default:
				last = k
			}
		}
		l.Lag = coolLag + 100*us
		if chosen(&c, &now, 2*sched.Second, l); n <= 256 && !c.Mails() {
			t.Errorf("%d members: no mail, and it is late still", n)
		}
		l.Lag = 0
		if chosen(&c, &now, 2*sched.Second, l); c.Direct() != rest || c.Mails() {
			t.Errorf("%d members: %d directly at rest again, %d before", n, c.Direct(), rest)
		}
	}
}
