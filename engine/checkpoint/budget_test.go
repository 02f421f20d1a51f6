package checkpoint

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// crowd is a node that knows many authors: the log of origin o is that of peer o.
type crowd struct {
	side
	debts []mail.Debt
	top   []uint64
	lag   sched.Instant
}

func (c *crowd) Author(o state.Origin) uint32 { return uint32(o) }
func (c *crowd) Debt(p uint32) *mail.Debt     { return &c.debts[p] }

func newCrowd(n int) *crowd {
	c := &crowd{debts: make([]mail.Debt, n+2), top: make([]uint64, n+2)}
	c.store.Init(state.Limits{Origins: n + 2, Keys: 4 * n, ValueBytes: 1 << 20}, 1)
	c.board.Init(n + 2)
	c.rtt.Sample(sched.Millisecond)
	c.wheel.Init(1, sched.Second)
	c.word.Init(&Parts{Host: c, Store: &c.store, Mender: c, Witness: c, Board: &c.board, Due: 1, Timer: c.wheel.Timer(0), Lag: &c.lag, Count: &c.count})
	for i := range n + 1 {
		o, _ := c.store.Add(codec.OriginID(10+i), 1, fmt.Append(nil, "author", i))
		c.word.Reset(o)
	}
	return c
}

// write lets a version of an author come over somebody else.
func (c *crowd) write(now sched.Instant, o state.Origin) {
	c.top[o]++
	c.store.Apply(o, &codec.Entry{Version: c.top[o], Key: []byte("k"), Value: []byte("v")})
	c.store.Advance(o, c.top[o], 0)
	c.word.Took(now, o, uint32(o)+1, c.top[o]-1, c.top[o])
}

// TestQuestionsHaveABudget: what others bring of many authors that write all the time is compared
// within 5 seconds, and the questions are no more than a round in four seconds takes; and the loop that
// is late asks no faster than one that knows few.
func TestQuestionsHaveABudget(t *testing.T) {
	const seconds = 60
	late := sched.Instant(0)
	f := func(n int, every, within sched.Instant, most int) {
		c := newCrowd(n)
		c.lag = late
		since := make([]sched.Instant, n+2) // the first version that was not compared
		longest := sched.Instant(0)
		for now := sched.Instant(sched.Second); now < (1+seconds)*sched.Second; now += pause / 2 {
			for o := state.Origin(2); int(o) <= n+1; o++ {
				at := now / (pause / 2) * (pause / 2)
				if (at+sched.Instant(o)*pause/2)%every == 0 {
					c.write(now, o)
					if since[o] == 0 {
						since[o] = now
					}
				}
			}
			if now%pause == 0 {
				c.word.Step(now)
			}
			for o := state.Origin(2); int(o) <= n+1; o++ {
				if !c.debts[o].Asks() {
					continue
				}
				c.debts[o].Sent()
				sum, _ := c.store.Sum(o, &state.Budget{Words: wordsMost})
				b := codec.AppendCheckpoint(nil, &codec.Checkpoint{ID: c.store.ID(o), Version: c.top[o], Sum: sum})
				_, body, _ := codec.NextRecord(b)
				r := new(reconcile.Frame)
				r.Begin(now, 1, uint32(o))
				r.Fresh = true
				if c.word.Receive(r, body); !c.word.Compared(o) {
					t.Fatal("not compared")
				}
				longest, since[o] = max(longest, now-since[o]), 0
			}
			for o := range since {
				if since[o] != 0 {
					longest = max(longest, now-since[o])
				}
			}
		}
		if asked := int(c.count.CheckpointsAsked); longest > within || asked > most*seconds+asksMost {
			t.Errorf("%d authors write each %d ms: %d questions a second, the longest wait was %d ms", n, every/sched.Millisecond, asked/seconds, longest/sched.Millisecond)
		}
	}
	f(10, 400*sched.Millisecond, sched.Second, askRate)
	f(10, 100*sched.Millisecond, 5*sched.Second, askRate)
	f(40, 400*sched.Millisecond, 5*sched.Second, askRate)
	f(200, 400*sched.Millisecond, 5*sched.Second, 200/askRound)
	f(200, 50*sched.Millisecond, 5*sched.Second, 200/askRound)
	f(500, 400*sched.Millisecond, 5*sched.Second, 500/askRound)
	late = 20 * sched.Millisecond // later, but never more than so many
	f(200, 400*sched.Millisecond, 12*sched.Second, askRate)
	f(10, 400*sched.Millisecond, sched.Second, askRate)
}
