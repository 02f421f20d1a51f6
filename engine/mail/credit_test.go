package mail

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// sharedLoop is a loop that engines share: each datagram costs it some time, and it sleeps when
// nothing is left to do.
type sharedLoop struct {
	credit  Credit
	now     sched.Instant
	cost    sched.Instant
	peers   int
	turns   []sched.Instant // by engine: when its flush is due; 0: it has none
	written []sched.Instant // and since when news waits for it; 0: none does
	waited  sched.Instant   // the longest of late
	sent    int
}

// run writes in turns at all engines, one each so often, and flushes when a turn has come.
func (l *sharedLoop) run(span, every sched.Instant) {
	next, engine := l.now, 0
	for end := l.now + span; l.now < end; {
		l.credit.Look(l.now)
		for ; next <= l.now; next += every {
			if engine = (engine + 1) % len(l.turns); l.turns[engine] == 0 {
				l.turns[engine], l.written[engine] = l.credit.Give(l.now, l.peers), next
			}
		}
		soon := next
		for i, at := range l.turns {
			if at != 0 && at <= l.now {
				l.waited = max(l.waited, l.now-l.written[i])
				l.now += sched.Instant(l.peers) * l.cost
				l.sent += l.peers
				l.turns[i] = 0
			} else if at != 0 {
				soon = min(soon, at)
			}
		}
		if soon > l.now {
			l.credit.Slept(soon - l.now)
			l.now = soon
		}
	}
}

func newSharedLoop(engines, peers int, cost sched.Instant) *sharedLoop {
	return &sharedLoop{
		now: sched.Second, cost: cost, peers: peers,
		turns: make([]sched.Instant, engines), written: make([]sched.Instant, engines),
	}
}

// A loop that has time lets every write leave at once.
func TestALoopWithTimeSharesAllOfIt(t *testing.T) {
	l := newSharedLoop(16, 15, 2*us)
	l.run(sched.Second, 100*us) // 30 of 100 us
	if l.waited > 200*us || l.sent < 15*9_900 {
		t.Errorf("%d datagrams, and news waited %d us", l.sent, l.waited/us)
	}
}

// One that has none sends as much as it can and no more, so that it sleeps a little; each engine
// has its turn, with all that was written meanwhile. When less is written, all is as before at once.
func TestALoopWithoutTimeSharesWhatItHas(t *testing.T) {
	l := newSharedLoop(16, 15, 10*us)
	l.run(sched.Second, 50*us) // 150 of 50 us
	l.sent, l.waited = 0, 0
	l.run(sched.Second, 50*us)
	if busy := 100 * sched.Instant(l.sent) * l.cost / sched.Second; busy < 70 || busy > 99 {
		t.Errorf("the loop works for %d %% of its time", busy)
	}
	if l.waited > creditMost+5*ms {
		t.Errorf("news waited %d ms", l.waited/ms)
	}
	l.run(200*ms, 500*us) // 150 of 500 us
	l.sent, l.waited = 0, 0
	l.run(sched.Second, 500*us)
	if l.waited > 500*us || l.sent < 15*1_990 {
		t.Errorf("afterwards %d datagrams, and news waited %d us", l.sent, l.waited/us)
	}
}

// However dear datagrams are, and however many a flush sends, no turn is further away than
// creditMost, and little is saved up.
func TestATurnIsNotFarAway(t *testing.T) {
	var c Credit
	now := sched.Instant(sched.Second)
	for range 1000 {
		c.Look(now)
		now += creditLook // it never sleeps
	}
	if c.price != priceMost {
		t.Fatalf("a datagram costs %d us", c.price/us)
	}
	for range 100 {
		if turn := c.Give(now, 1000); turn < now || turn > now+creditMost {
			t.Fatalf("its turn is in %d ms", (turn-now)/ms)
		}
	}
	now += sched.Second
	n := 0
	for ; c.Give(now, 1) == now; n++ {
	}
	if n > int(creditSaved/priceMost)+1 {
		t.Errorf("%d datagrams leave at once", n)
	}
	if c.Spend(now, -1); c.Give(now, 1) > now+creditMost {
		t.Error("what does not leave is not given back")
	}
}
