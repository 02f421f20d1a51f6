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

// A loop that is late learns no round trips, and news goes to as many as before; mail comes
// back only where there is room for some members more.
func TestABusyLoopChangesNothing(t *testing.T) {
	var c Choice
	now, l := sched.Instant(sched.Second), &Load{Members: 200, Trip: 300 * us}
	c.Init(128)
	chosen(&c, &now, sched.Second, l)
	rest := c.Direct()
	if rest < 90 || rest > 100 || c.Why() != WhyMany {
		t.Fatalf("%d directly at rest, %v", rest, c.Why())
	}
	l.Lag, l.Trip = 5*ms, 100*ms
	if chosen(&c, &now, 10*sched.Second, l); c.Direct() != rest {
		t.Errorf("%d directly, %d before the loop was late", c.Direct(), rest)
	}
	l.Lag, l.Trip = 0, 300*us
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
