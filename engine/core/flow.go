package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Flow control has two halves. The rate of the own origin bounds how fast its
// writes are published: what is above it stays in the store, above the max that
// peers are told of, and is published in its newest form when there is rate
// again. So held writes cost no memory of their own, and a key that is written
// ten times meanwhile is sent once. The budget of a peer is asked before a frame
// to it is encoded: what is due and may not go waits for the peer's timer.

// FlowMode says what flow control does.
type FlowMode uint8

// The modes. FlowReport computes everything and holds nothing back.
const (
	FlowOn FlowMode = iota
	FlowReport
	FlowOff
)

// Throttle is what happens to a local write above the allowed rate.
type Throttle uint8

// Coalesce publishes it later, in its newest form. Refuse leaves it to the
// shell, which asks [Core.Admit] before it takes a version.
const (
	Coalesce Throttle = iota
	Refuse
)

const (
	entryCost   = 16  // bytes of an entry beside key and value, about
	publishMost = 256 // entries that one turn publishes
)

// flowing is the flow control of this node.
type flowing struct {
	source   flow.Source
	gate     flow.Gate
	receiver flow.Receiver
	on       bool // holds back
	rated    bool // the source is in use

	written uint64 // newest own version, published or not
	behind  bool   // there are unpublished writes
	meter   flow.Meter
	partner flow.Partner // of the exchange that this node started last
}

func (c *Core) initFlow(now sched.Instant) {
	f, cfg := &c.flow, &c.cfg
	f.on = cfg.Flow == FlowOn
	plan := c.lab.Plan
	if plan == (flow.Plan{}) && c.lab.Deltas < 0 {
		plan = flow.DefaultPlan(cfg.Frame, cfg.Interval)
	}
	f.rated = cfg.Flow != FlowOff && plan != (flow.Plan{})
	f.source.Init(plan)
	f.meter.Init(now)
	f.receiver.Init(now, uint64(cfg.ReceiveMax))
	burst := 4 * cfg.Frame
	if c.lab.Deltas > 0 {
		burst = flow.Thousandth
	}
	f.gate.Init(now, f.source.Allowed(), burst)
}

// overload looks at a datagram before it is decoded. The hint in its header is not
// proven; a forged one harms nobody but its sender. What a datagram weighs is
// noted when its sender is known (took).
func (c *Core) overload(datagram []byte) bool {
	if c.cfg.Flow == FlowOff {
		return false
	}
	hint := len(datagram) > 3 && datagram[3]&byte(codec.FlagRepair>>8) != 0
	if c.flow.receiver.Arrived(c.now, hint) && c.flow.on {
		c.counters.Drops[DropShed]++
		return true
	}
	return false
}

// took charges a frame to the rate at which peers may send: it opened, or came in
// clear from the address that the peer proved. Nobody else can make peers slow.
func (c *Core) took(size int) {
	if c.cfg.Flow != FlowOff {
		c.flow.receiver.Took(c.now-c.arrived, size)
	}
}

// flowBlock fills the flow block of a frame to the peer and adds the rates.
func (c *Core) flowBlock(p uint32) (asked bool) {
	if c.cfg.Flow == FlowOff {
		return false
	}
	f, q, h := &c.flow, &c.peers[p], &c.out
	h.Credit = f.receiver.Credit()
	if f.receiver.Hot() {
		h.Mark |= codec.MarkCongested
	}
	if q.due&dueData != 0 && q.budget.Ask(c.now) {
		h.Mark |= codec.MarkNow
		asked = true
	}
	if q.due != 0 && q.due&^(dueRuns|dueDigest) == 0 && !q.owed {
		h.Flags |= codec.FlagRepair
	}
	if q.tell {
		q.tell = false
		over := c.overflows(p)
		if f.rated && (over || !f.source.Free() || q.pair.Given() != 0 || q.pair.Taken() != 0) {
			h.Flags |= codec.FlagRates
			f.source.Tell(&q.pair, &h.Rates, over)
		}
	}
	return asked
}

// hold takes out of what is due to the peer what its budget does not let go. It
// is due again when the peer's timer fires.
func (c *Core) hold(p uint32) {
	q := &c.peers[p]
	if c.cfg.Flow == FlowOff || q.due&(dueData|dueUrgent) == 0 {
		return
	}
	var held uint16
	class := flow.Probe
	look := func(due uint16, as flow.Class) {
		if q.due&due != 0 && !q.budget.Allow(c.now, as) {
			held |= q.due & due
			class = max(class, as)
		}
	}
	look(dueUrgent, flow.Urgent)
	look(dueNews, flow.Normal)
	look(dueRuns, flow.Repair)
	if held == 0 {
		if q.due&dueData != 0 && q.held == 0 {
			q.budget.Release()
		}
		return
	}
	if q.budget.Hold(c.now); !c.flow.on {
		return
	}
	c.counters.FramesHeld++
	if held&dueRumor != 0 { // others go on without this peer; anti-entropy repairs what it misses
		c.endRumor(p)
		held &^= dueRumor
	}
	if at := q.budget.When(class); held&dueRuns != 0 && at-c.now > c.cfg.Interval {
		c.differ.DropRuns(p) // it asks again
		held &^= dueRuns
		q.due &^= dueRuns
	}
	q.due &^= held
	q.held |= held
	if q.held != 0 {
		c.wheel.Set(peerTimer(p, timerPace), max(c.now+1, q.budget.When(class)))
	}
}

// unhold makes due again what was held back.
func (c *Core) unhold(p uint32) {
	q := &c.peers[p]
	if due := q.held; due != 0 {
		q.held = 0
		c.want(p, due)
	}
}

// spent charges an encoded frame to the peer's budget.
func (c *Core) spent(p uint32, n int, due uint16, asked bool) {
	if c.cfg.Flow == FlowOff {
		return
	}
	q := &c.peers[p]
	if due&dueData == 0 {
		q.budget.Charge(n)
		return
	}
	q.budget.Spend(c.now, n, q.link.Last(), asked)
}

// flowedBack takes the acknowledgement, the credit and the rates of a frame.
// fresh: no later frame of the peer was seen.
func (c *Core) flowedBack(p uint32, fresh bool) {
	if c.cfg.Flow == FlowOff {
		return
	}
	q, h := &c.peers[p], &c.in
	if h.AckMap != 0 && fresh {
		a := flow.Ack{High: h.Ack, Map: h.AckMap | q.link.Excused(h.Ack), Sent: q.link.Last(), Credit: h.Credit, Marked: h.Mark&codec.MarkCongested != 0, Lag: c.paths.Lag}
		if !q.budget.Acked(c.now, &a) {
			c.counters.Absurd++
		}
		if q.held != 0 && q.budget.Allow(c.now, flow.Repair) {
			c.unhold(p)
		}
	}
	if h.Mark&codec.MarkNow != 0 {
		c.want(p, dueHave)
	}
	if h.Flags&codec.FlagRates == 0 || !c.flow.rated {
		return
	}
	if c.flow.source.Meet(c.now, &q.pair, &h.Rates, fresh, c.reach(), c.cfg.Interval) {
		q.tell = true
		c.want(p, dueHave)
	}
	if h.Rates.Overflow {
		c.flow.partner.SaysOver(p)
	}
}

// exchangeWith is what is remembered of the exchange that runs with the peer.
func (c *Core) exchangeWith(p uint32) *flow.Exchange {
	return c.peers[p].with.At(c.now, c.cfg.Interval)
}

// lacks notes how many entries more the peer was found to lack.
func (c *Core) lacks(p uint32, entries int) {
	c.exchangeWith(p).Lacks(entries)
	c.peers[p].tell = true
}

// deltasLeft is how many entries may still be sent in the exchange with a peer.
func (c *Core) deltasLeft(p uint32) int {
	if c.lab.Deltas < 0 {
		return c.lab.Deltas // any number: an exchange that is over is still remembered
	}
	return c.exchangeWith(p).Left(c.lab.Deltas)
}

// exchangeLimit is how many entries the answers of one exchange can hold.
func (c *Core) exchangeLimit() int {
	if c.lab.Deltas > 0 {
		return c.lab.Deltas
	}
	st := c.store.Stats()
	mean := entryCost + st.ValueBytes/max(1, st.LiveKeys)
	return max(1, c.lab.Frames*c.cfg.Frame/mean)
}

// overflows reports whether what the peer lacks is more than the exchange with
// it can hold.
func (c *Core) overflows(p uint32) bool { return c.exchangeWith(p).Over(c.exchangeLimit()) }

// beginExchange ends the exchange that this node started before and adapts the
// own rate to it. Only these count: the partner was chosen here.
func (c *Core) beginExchange(p uint32) {
	f := &c.flow
	if !f.rated {
		return
	}
	c.look()
	if q := &c.peers[f.partner.Peer()]; q.takes() {
		f.source.Exchange(c.sentLoad(q), c.receivedLoad())
		f.gate.SetRate(c.now, f.source.Allowed())
		c.publishLater()
	}
	f.partner.Begin(p)
	if p != 0 {
		c.peers[p].with.Begin(c.now)
		c.peers[p].tell = true
	}
}

// sentLoad is what the last exchange showed of what its partner lacks.
func (c *Core) sentLoad(q *peer) flow.Load {
	return q.with.Load(c.exchangeLimit(), flow.Service{
		Starved: q.budget.Starved(c.now, c.cfg.Interval), Pushed: c.cfg.Spread != Gossip,
		Used: c.flow.meter.Used(), Rate: q.budget.Rate(),
	})
}

// receivedLoad is what the last exchange showed of the partner's set for us. Where
// authors send their writes themselves it does not matter: others' sets are
// others' writes.
func (c *Core) receivedLoad() flow.Load {
	if c.spread() == Mail {
		return flow.Slack
	}
	return c.flow.partner.Load(c.exchangeLimit(), c.lab.Deltas)
}

// look measures what the writer used and wished since the last look.
func (c *Core) look() {
	f := &c.flow
	waiting := uint64(0)
	if f.behind {
		waiting = uint64(c.store.Missing(c.self, c.store.Max(c.self)) * c.meanCost())
	}
	if f.meter.Look(c.now, waiting) {
		f.source.Want(f.meter.Used(), f.meter.Wants())
	}
}

// limitRate follows a limit on entries that changed.
func (c *Core) limitRate() {
	if c.lab.Deltas > 0 {
		c.flow.source.SetLimit(flow.PaperLimit(c.lab.Deltas, c.cfg.Interval))
	}
}

// weigh is the share of an origin in a fair division.
func (c *Core) weigh(o state.Origin) uint8 {
	if c.cfg.Weight == nil {
		return 1
	}
	return max(1, c.cfg.Weight(c.store.Name(o)))
}
