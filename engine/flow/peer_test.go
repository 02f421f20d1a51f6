package flow

import (
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

func TestDealingsBytes(t *testing.T) {
	if n := unsafe.Sizeof(dealings{}); n != partBytes {
		t.Errorf("dealings have %d bytes", n)
	}
}

// TestWhoRestsKeepsItsLedger: two nodes that keep the budget of one peer alone, and meet ten in turn,
// hold between them what they began with, whatever was lost of their dealings: what was given arrives
// once, however late.
func TestWhoRestsKeepsItsLedger(t *testing.T) {
	const nodes, seed = 11, 5
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	var all [nodes]*control
	var peers [nodes][nodes]Peer
	plan := PaperPlan(1_000_000, sched.Second)
	begun := uint64(0)
	for i := range all {
		all[i] = newControl(t, tune.FlowOn, plan)
		all[i].budgets.Init(0, 1, 1400)
		all[i].source.free = false
		all[i].source.tau = uint32(1+i) * 10_000
		all[i].source.Want(1, uint32(nodes-i)*20_000)
		begun += uint64(all[i].source.tau)
	}
	now, given := sched.Instant(sched.Second), uint64(0)
	say := func(from, to int) {
		h := codec.Header{Flags: codec.FlagRates}
		all[from].source.Tell(&peers[from][to].pair, &h.Rates, false)
		all[to].Met(now, &peers[to][from], uint32(from+1), &h, true, true, nodes)
	}
	for range 2000 {
		now += sched.Second / 4
		a, b := int(rand.Uint32n(nodes)), int(rand.Uint32n(nodes))
		if a == b {
			continue
		}
		all[a].Begin(now, &peers[a][b], uint32(b+1))
		say(a, b)
		if rand.Uint32n(4) != 0 { // some answers are lost
			say(b, a)
		}
	}
	for range 2 { // nothing is under way any more
		for a := range all {
			for b := range all {
				if a != b {
					h := codec.Header{Flags: codec.FlagRates}
					all[a].source.Tell(&peers[a][b].pair, &h.Rates, false)
					all[b].source.take(now, &peers[b][a].pair, &h.Rates, true)
				}
			}
		}
	}
	sum, spilled := uint64(0), uint64(0)
	for i := range all {
		sum += uint64(all[i].source.tau)
		spilled += all[i].source.Spilled
		given += all[i].source.given
		if n := all[i].parts.Len(); n != 1 {
			t.Errorf("node %d keeps the budgets of %d peers", i, n)
		}
	}
	if sum+spilled != begun || given == 0 {
		t.Errorf("%d is allowed in all and %d spilled, %d at first; %d given", sum, spilled, begun, given)
	}
}

// TestBudgetsThatAreLost: what was held back for a peer goes when its budget was given to another, no
// frame from before is judged then, and what became of the old one is still counted.
func TestBudgetsThatAreLost(t *testing.T) {
	c := newControl(t, tune.FlowOn, Plan{})
	c.budgets.Init(0, 1, 1400)
	var p, q Peer
	c.board.Want(1, dueNews)
	seq := uint32(7)
	for ; c.board.Held(1) == 0; seq++ {
		c.Sent(0, &p, 1400, dueNews, seq, seq%16 == 0)
		c.Hold(0, 1, &p)
	}
	now := sched.Instant(sched.Second)
	for range 3 { // nothing is answered
		c.board.Release(1)
		c.Hold(now, 1, &p)
		c.Sent(now, &p, 1400, dueNews, seq, true)
		seq, now = seq+1, now+5*sched.Second
	}
	was, _ := c.Peer(&p, 1, 0)
	before := c.State()
	before.Add(&was)
	if was.Cuts == 0 || was.Timeouts == 0 || !was.Stalled {
		t.Fatalf("it answers nothing, and is %+v", was)
	}
	c.Sent(now, &q, 1400, dueNews, 1, false)
	is, _ := c.Peer(&p, 1, 0)
	after := c.State()
	after.Add(&is)
	if after.BudgetCuts != before.BudgetCuts || after.BudgetTimeouts != before.BudgetTimeouts {
		t.Errorf("%d cuts and %d timeouts are told, %d and %d before", after.BudgetCuts, after.BudgetTimeouts, before.BudgetCuts, before.BudgetTimeouts)
	}
	if is.Cuts != 0 || is.Stalled || is.Rate != rateStart {
		t.Errorf("one that rests is %+v", is)
	}
	c.Acked(now, 1, &p, &Ack{High: seq - 1, Map: 1, Sent: seq - 1})
	if c.board.Release(1); c.Hold(now, 1, &p) != 0 || c.board.Held(1) != 0 || c.board.Of(1) != dueNews {
		t.Errorf("%b is due and %b held where nothing was sent", c.board.Of(1), c.board.Held(1))
	}
	c.Sent(now, &p, 1400, dueNews, seq, true)
	c.Acked(now+1, 1, &p, &Ack{High: seq, Map: 1, Sent: seq})
	if is, _ = c.Peer(&p, 1, 0); is.Loss != 0 || is.Cuts != 0 || is.Rate < rateStart {
		t.Errorf("after the first answer: %+v", is)
	}
}
