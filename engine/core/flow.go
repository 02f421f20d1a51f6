package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/sched"
)

// Nothing queues up for a slow reader: a peer that can't keep up is sent less, in the newest form,
// and what was overwritten meanwhile is sent once. The budget of a peer is asked before a frame to
// it is encoded: what is due and may not go waits for the peer's timer (package flow).

func (c *Core) initFlow() {
	cfg := &c.cfg
	plan := c.cfg.Experiment.Plan
	if plan == (flow.Plan{}) && c.cfg.Experiment.Deltas < 0 {
		plan = flow.DefaultPlan(cfg.Frame, cfg.Interval)
	}
	c.flow.Init(c.now, &flow.Config{
		Flow: cfg.Flow, Plan: plan, Frame: cfg.Frame, Frames: c.cfg.Experiment.Frames, Entries: c.cfg.Experiment.Deltas, Interval: cfg.Interval,
		ReceiveMax: cfg.ReceiveMax, Quiet: dueRuns | dueDigest, Active: cfg.Limits.Peers,
		Due: flow.Due{Urgent: dueUrgent, News: dueNews, Repairs: dueRepair, Passing: dueRumor | dueParcel, Weighty: dueDigest}, ByKey: cfg.Order.Precise(),
	}, &flow.Parts{
		Store: c.store, Own: c.store.Owner(), Board: &c.due, Pace: timersOf(&c.wheel, timerPace),
		Later: c.wheel.Timer(timerPublish), Count: &c.counters.flowCounters,
	})
}

// hold takes out of what is due to the peer what its budget does not let go. It is due
// again when the peer's timer fires, or given up.
func (c *Core) hold(p uint32) {
	gone := c.flow.Hold(c.now, p, &c.peers[p].flow)
	if gone&dueRumor != 0 { // others go on without this peer; anti-entropy repairs what it misses
		c.rumors.EndContact(p)
	}
	if gone&dueRuns != 0 {
		c.differ.DropRuns(p) // it asks again
	}
}

// flowedBack takes the acknowledgement, the credit and the rates of a frame.
// fresh: no later frame of the peer was seen.
func (c *Core) flowedBack(p uint32, fresh bool) {
	q, h := &c.peers[p], &c.in.Header
	if h.AckMap != 0 && fresh {
		a := flow.Ack{High: h.Ack, Map: h.AckMap | q.link.Excused(h.Ack), Sent: q.link.Last(), Credit: h.Credit, Marked: h.Mark&codec.MarkCongested != 0, Lag: c.paths.Lag, Peers: c.roster.Reach()}
		c.flow.Acked(c.now, p, &q.flow, &a)
	}
	if c.flow.Met(c.now, &q.flow, p, h, fresh, h.AckMap != 0 && q.link.Means(h.Ack), c.roster.Reach()) {
		c.due.Want(p, dueHave)
	}
}

// Admit asks whether a write of so many bytes of key and value may be made now
// (flow.Control.Admit).
func (c *Core) Admit(now sched.Instant, key, value int) (ok bool, rate uint32, at sched.Instant) {
	c.enter(now)
	return c.flow.Admit(now, key, value)
}

// publish tells the cluster of a write, now or when there is rate for it.
func (c *Core) publish(op *Op) {
	if c.flow.Publish(c.now, flow.Write{
		Version: op.Version, Key: len(op.Key), Value: len(op.Value),
		Waits: !c.cfg.Refuse && !codec.System(op.Key), More: op.Batch > 1,
	}) {
		c.mail.Class(op.Class)
		c.advanceSelf(op.Version)
	}
}

func (c *Core) advanceSelf(to uint64) {
	from := c.store.Max(c.store.Owner())
	c.store.Advance(c.store.Owner(), to, c.store.Floor(c.store.Owner()))
	c.moved(c.store.Owner())
	c.mail.News(c.now, c.store.Owner(), from, 0, c.counters.FramesReceived)
}

// FlowState sums up flow control. It looks at every peer.
func (c *Core) FlowState() flow.State {
	s := c.flow.State()
	for p := uint32(1); int(p) < len(c.peers); p++ {
		if x, ok := c.PeerFlow(p); ok {
			s.Add(&x)
		}
	}
	return s
}

// PeerFlow tells the budget of a peer; false if frames don't go there.
func (c *Core) PeerFlow(p uint32) (x flow.PeerState, ok bool) {
	if p == 0 || int(p) >= len(c.peers) {
		return x, false
	}
	q := &c.peers[p]
	if !q.Proven() || q.Left() {
		return x, false
	}
	sent := c.store.Max(c.store.Owner())
	if c.mail.Mails() {
		sent = q.mail.At()
	}
	return c.flow.Peer(&q.flow, p, sent)
}
