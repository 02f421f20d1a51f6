package flow

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	dueAsk = 1 << iota
	dueNews
	dueRepair
	dueOther
	dueRumor
	dueWeight
)

type control struct {
	Control
	store state.Store
	own   state.Origin
	board due.Board
	wheel sched.Wheel
	n     Counters
}

func newControl(t *testing.T, mode tune.Flow, plan Plan) *control {
	t.Helper()
	c := new(control)
	c.store.Init(state.LimitsDefault(), 1)
	c.own, _ = c.store.Add(7, 1, []byte("own"))
	c.board.Init(1)
	c.wheel.Init(3, 0)
	c.Init(0, &Config{
		Flow: mode, Plan: plan, Frame: 1400, Frames: 16, Entries: -1, Interval: 100 * sched.Millisecond,
		Due: Due{Urgent: dueAsk | dueWeight, News: dueNews | dueRumor, Repairs: dueRepair, Passing: dueRumor, Weighty: dueWeight}, ByKey: true, Quiet: dueRepair,
	}, &Parts{Store: &c.store, Own: c.own, Board: &c.board, Pace: c.wheel.Timers(0, 1), Later: c.wheel.Timer(2), Count: &c.n})
	return c
}

// write puts an own entry into the store and hands it to Publish.
func (c *control) write(t *testing.T, now sched.Instant, v uint64, waits bool) bool {
	t.Helper()
	e := codec.Entry{Version: v, Key: fmt.Appendf(nil, "key %d", v), Value: make([]byte, 100)}
	if c.store.Apply(c.own, &e) != state.OK {
		t.Fatal("no room")
	}
	told := c.Publish(now, Write{Version: v, Key: len(e.Key), Value: len(e.Value), Waits: waits})
	if told {
		c.store.Advance(c.own, v, 0)
	}
	return told
}

// A budget that is used up holds back what is due, class by class, until it is
// released; what has no class goes.
func TestHoldAndRelease(t *testing.T) {
	c := newControl(t, tune.FlowOn, Plan{})
	var p Peer
	const all = dueAsk | dueNews | dueRepair | dueOther
	c.board.Want(1, all)
	if gone := c.Hold(0, 1, &p); gone != 0 || c.board.Held(1) != 0 {
		t.Fatalf("a full bucket holds %b, %b is gone", c.board.Held(1), gone)
	}
	for seq := uint32(1); c.board.Held(1) == 0; seq++ {
		if seq > 10_000 {
			t.Fatal("nothing is ever held")
		}
		c.Sent(0, &p, 1400, dueNews, seq, false)
		if gone := c.Hold(0, 1, &p); gone != 0 {
			t.Fatalf("%b is given up", gone)
		}
	}
	at := c.wheel.Next()
	if c.board.Held(1) != dueRepair || c.board.Of(1) != all&^dueRepair || at == sched.Never {
		t.Errorf("first held is %b until %d", c.board.Held(1), at)
	}
	if c.n.FramesHeld != 1 {
		t.Errorf("%d frames held", c.n.FramesHeld)
	}
	c.board.Release(1)
	if c.Hold(at+sched.Second, 1, &p); c.board.Held(1) != 0 || c.board.Of(1) != all {
		t.Errorf("%b is held a second later", c.board.Held(1))
	}
}

// Rumors are given up where they may not go, and repairs where they would wait for
// longer than an interval: then nothing waits for the timer.
func TestGiveUpWhatNeedNotWait(t *testing.T) {
	c := newControl(t, tune.FlowOn, Plan{})
	var p Peer
	var gone uint32
	for seq := uint32(1); gone&(dueRumor|dueRepair) != dueRumor|dueRepair; seq++ {
		if seq > 10_000 {
			t.Fatalf("only %b is ever given up", gone)
		}
		c.Sent(0, &p, 1400, dueNews, seq, false)
		c.board.Drop(1, 0)
		c.board.Want(1, dueRumor|dueRepair)
		gone = c.Hold(0, 1, &p)
	}
	if c.board.Of(1) != 0 || c.board.Held(1) != 0 {
		t.Errorf("due %b, held %b", c.board.Of(1), c.board.Held(1))
	}
}

// Where a receiver asks for little, what is urgent and as large as news leaves news its turn: it never
// leaves where news may not. And repairs wait for a frame's time, though intervals are shorter than
// that: asking again would cost as much as they do.
func TestWeightyKeepsNoNewsBack(t *testing.T) {
	c := newControl(t, tune.FlowOn, Plan{})
	c.cfg.Interval = 10 * sched.Millisecond
	var p Peer
	weighty, repairs, now := 0, 0, sched.Instant(0)
	for seq := uint32(1); now < 20*sched.Second; seq++ {
		c.Sent(now, &p, 0, dueNews, seq, false)
		c.Acked(now, 1, &p, &Ack{High: seq, Map: 1<<64 - 1, Sent: seq, Credit: Credit16(creditMin)})
		c.board.Release(1)
		c.board.Want(1, dueWeight|dueNews|dueRepair)
		c.Hold(now, 1, &p)
		switch due := c.board.Of(1); {
		case due&dueWeight != 0 && due&dueNews == 0:
			t.Fatalf("at %d ms %b may leave though news may not", now/sched.Millisecond, due)
		case due&dueRepair != 0 && seq%2 == 0:
			c.Sent(now, &p, 1400, dueRepair, seq, false)
			repairs++
		case due&dueWeight != 0:
			c.Sent(now, &p, 1400, dueWeight, seq, false)
			weighty++
		case now > sched.Second && c.board.Held(1)&dueRepair == 0:
			t.Fatalf("at %d ms repairs are given up", now/sched.Millisecond)
		}
		now += sched.Millisecond
	}
	if sent := 1400 * (weighty + repairs); sent > 20*creditMin+16*1400 || weighty == 0 {
		t.Errorf("%d weighty frames, %d of repair in 20 s at %d bytes/s", weighty, repairs, creditMin)
	}
}

// Report holds nothing back, Off looks at nothing.
func TestModesThatHoldNothing(t *testing.T) {
	for _, mode := range []tune.Flow{tune.FlowReport, tune.FlowOff} {
		c := newControl(t, mode, DefaultPlan(1400, 100*sched.Millisecond))
		var p Peer
		for seq := range uint32(10_000) {
			c.Sent(0, &p, 1400, dueNews, seq+1, false)
		}
		c.board.Want(1, dueNews)
		if c.Hold(0, 1, &p) != 0 || c.board.Held(1) != 0 || c.Shed(0, true) || c.Allowed() != RateMax || !c.write(t, 0, 1, true) {
			t.Errorf("mode %d holds back", mode)
		}
		if _, ok := c.Peer(&p, 1, 0); ok == (mode == tune.FlowOff) {
			t.Errorf("mode %d: a budget: %v", mode, ok)
		}
	}
}

// Writes above the rate wait, and are published in order as the rate allows; one that
// may not wait takes all before it along.
func TestPublishByTheRate(t *testing.T) {
	plan := DefaultPlan(1400, 100*sched.Millisecond)
	plan.Free, plan.Start = false, 10_000
	c := newControl(t, tune.FlowOn, plan)
	v := uint64(1)
	for ; c.write(t, 0, v, true); v++ {
		if v > 1000 {
			t.Fatal("there is no rate")
		}
	}
	for range 50 {
		v++
		if c.write(t, 0, v, true) {
			t.Fatal("one goes before those that wait")
		}
	}
	if !c.Behind() || c.Written() != v || c.n.WritesHeld != 51 || c.State().Unpublished != 51 {
		t.Fatalf("behind %v, written %d, %+v", c.Behind(), c.Written(), c.n)
	}
	for later := range sched.Instant(3) { // nor where there is rate for it alone
		v++
		if c.write(t, (later+1)*sched.Second, v, true) || !c.Behind() {
			t.Fatal("one goes before those that wait, after a while")
		}
	}
	now, last := sched.Instant(3*sched.Second), c.store.Max(c.own)
	for rounds := 0; c.Behind(); rounds++ {
		if now = max(now+1, c.wheel.Next()); now == sched.Never {
			t.Fatal("nothing wakes it")
		}
		c.wheel.Expire(now)
		to := c.PublishTo(now)
		if to < last || to > v || rounds > 10_000 {
			t.Fatalf("from %d to %d", last, to)
		}
		c.store.Advance(c.own, to, 0)
		last = to
	}
	if cost := 54 * (100 + 6 + entryCost); last != v || now < sched.Instant(cost-4*1400)*sched.Second/10_000 {
		t.Errorf("%d of %d published after %d ms", last, v, now/sched.Millisecond)
	}
	for c.write(t, now, v+1, true) {
		v++
	}
	if !c.write(t, now, v+2, false) || c.Behind() {
		t.Error("what may not wait waits")
	}
}

// A frame through flow control allocates nothing.
func TestControlDoesNotAllocate(t *testing.T) {
	c := newControl(t, tune.FlowOn, DefaultPlan(1400, 100*sched.Millisecond))
	var p Peer
	var h codec.Header
	now, seq := sched.Instant(0), uint32(0)
	if n := testing.AllocsPerRun(1000, func() {
		now += sched.Millisecond
		seq++
		c.Shed(now, false)
		c.board.Want(1, dueNews|dueRepair)
		c.Hold(now, 1, &p)
		h = codec.Header{}
		asked := c.Header(now, &p, dueNews, false, &h)
		c.Sent(now, &p, 1400, dueNews, seq, asked)
		c.Acked(now, 1, &p, &Ack{High: seq, Map: 1, Sent: seq})
		c.Met(now, &p, 1, &h, true, true, 3)
		c.Lacks(now, &p, 3)
		c.Ended(now, &p, Way{Pushed: true})
		c.Begin(now, &p, 1)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
