package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/precise"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// differ is how this cluster finds and sends what differs: by version vector
// (package compare) or key by key (package precise). It is chosen once, and called
// for records and frames, not for entries.
type differ interface {
	// Fingerprint is what members compare: equal ones hold the same.
	Fingerprint() uint64
	// Reached is the version up to which a shell may look for news of an origin.
	Reached(o state.Origin) uint64
	// Scattered: entries may be here beyond an origin's max, which moves when the
	// author's fingerprint is ours; so every write has a stamp.
	Scattered() bool

	// Begin begins an exchange and reports whether that takes a Sync.
	Begin(now sched.Instant, p uint32) (sync bool)
	Receive(f *reconcile.Frame, t codec.Type, body []byte) reconcile.Verdict
	Expire(now sched.Instant)

	// The composers report whether nothing of their kind is due any more.
	AppendSync(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendDigest(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendAsk(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendRuns(b []byte, g *reconcile.Page) (out []byte, done bool)
	AppendTurn(b []byte, g *reconcile.Page) (out []byte, done bool)

	// Moved notes that an origin moved on, Forget that it was removed.
	Moved(o state.Origin, now sched.Instant, frame uint64)
	Forget(o state.Origin)
	// Drop gives up what is under way with a peer, DropRuns the runs alone.
	Drop(p uint32)
	DropRuns(p uint32)
}

// initDiffer chooses the way to compare.
func (c *Core) initDiffer() {
	cfg, l := &c.cfg, &c.cfg.Limits
	parts := reconcile.Parts{
		View: c.Parts().View, Filler: &c.filler, Rand: &c.rand, Count: &c.counters.exchangeCounters,
		Board: &c.due, Due: reconcile.Due{Digest: dueDigest, Runs: dueRuns, Ask: dueAsk, Turn: dueTurn},
		Budgets: budgets{&c.peers, &c.flow}, Busy: &c.counters.Drops[DropBusy],
	}
	if cfg.Order.Precise() {
		if cfg.Diff != tune.DiffAuto {
			panic("core: Diff and Order: precise orders compare by key")
		}
		x := new(precise.Precise)
		x.Init(&precise.Config{
			Order: cfg.Order, Compare: cfg.Compare, Kind: syncKind(cfg.Mode),
			Frames: c.cfg.Experiment.Frames, Jobs: l.Jobs, Wants: l.Wants, NoPrint: c.cfg.Experiment.NoPrint,
		}, &precise.Parts{Parts: parts, Host: preciseHost{&c.peers}, Timer: c.wheel.Timer(timerPrecise)})
		c.differ = x
		return
	}
	x := new(compare.Compare)
	x.Init(&compare.Config{
		Diff: cfg.Diff, Order: cfg.Order, Kind: syncKind(cfg.Mode), Recent: cfg.Experiment.RecentSpan, Frame: cfg.Frame,
		Frames: c.cfg.Experiment.Frames, Jobs: l.Jobs, Wants: l.Wants, Whole: c.cfg.Experiment.Whole, NoPrint: c.cfg.Experiment.NoPrint, Key: c.me.Key,
	}, &compare.Parts{
		Parts: parts, Host: compareHost{&c.peers, &c.origins}, Hot: &c.mail.Relay, Vector: &c.counters.compareCounters,
	})
	c.differ = x
	c.walks.Init(c.me.ID, &walk.Parts{
		Host:  walkHost{&c.peers, &c.origins, &c.mail.Settle, &c.roster, &c.guard},
		Store: c.store, Vectors: x, Rand: &c.rand, Board: &c.due, Due: dueToken, Timer: c.wheel.Timer(timerRepair),
		Count: &c.counters.walkCounters, Shared: parts.Count, Busy: parts.Busy,
	})
}

// Fingerprint is what members compare: equal ones hold the same.
func (c *Core) Fingerprint() uint64 { return c.differ.Fingerprint() }

const tidyCells = 256 // of what the store puts off, once an interval; an idle shell lets it do more

// exchangeAgain is what happens once an interval, and less often where all are level.
func (c *Core) exchangeAgain() {
	c.exchange()
	if c.mail.Spread() == tune.SpreadRumor {
		c.rumors.Ask()
	}
	c.mends.Step(c.now)
	c.Refill(c.now)
	c.store.Tidy(tidyCells)
	c.mends.Collect(c.now, c.Agreement(0).Confirmed)
	c.mail.Settle.Pace.Again(c.now, c.store.DirtyOrigins() > 0 || c.flow.Behind())
}

// exchange ends the exchange that this node started last, and starts one with one peer.
func (c *Core) exchange() {
	var p uint32
	var last, next *flow.Peer
	ok := false
	switch x := c.cfg.Experiment; {
	case x.Partner != nil:
		p = x.Partner()
		ok = p != 0
	case x.Uniform:
		var one [1]uint32
		ok = sched.Sample(&c.rand, c.roster.Partners(), one[:]) == 1
		p = one[0]
	default:
		p, ok = c.roster.Partner()
	}
	if q := &c.peers[c.flow.Partner()]; q.Takes() {
		last = &q.flow
	}
	c.flow.Ended(c.now, last, flow.Way{Pushed: c.mail.Pushes(), Mailed: c.mail.Mails()})
	if p != 0 {
		next = &c.peers[p].flow
	}
	c.flow.Begin(c.now, next, p)
	if ok {
		c.startExchange(p)
	}
}

func (c *Core) startExchange(p uint32) {
	c.counters.Exchanges++
	if c.differ.Begin(c.now, p) {
		c.due.Want(p, dueSync)
	}
}

func syncKind(m tune.Mode) codec.SyncKind {
	switch m {
	case tune.ModePush:
		return codec.SyncPush
	case tune.ModePull:
		return codec.SyncPull
	default:
		return codec.SyncPushPull
	}
}

// onDifference takes a record of a comparison.
func (c *Core) onDifference(_ uint32, t codec.Type, body []byte) bool {
	if t == codec.TypeDigest && c.walks.Showed(&c.received, body) {
		return true
	}
	return c.judge(c.differ.Receive(&c.received, t, body))
}
