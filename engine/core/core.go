package core

import (
	"bytes"
	"cmp"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/events"
	"github.com/quidnunc/quidnunc/engine/flow"
	"github.com/quidnunc/quidnunc/engine/gaps"
	"github.com/quidnunc/quidnunc/engine/interval"
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/engine/outbox"
	"github.com/quidnunc/quidnunc/engine/protect"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/roster"
	"github.com/quidnunc/quidnunc/engine/rumor"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// Core is one node's protocol state. It is not safe for concurrent use: one
// caller at a time, and now never goes back.
type Core struct {
	cfg   Config
	store *state.Store // of its own: readers may be at work in it when the core is gone
	rand  sched.Rand
	wheel sched.Wheel
	now   sched.Instant // set by enter alone: core.go

	origins originList    // by state.Origin; 0 unused
	peers   peerList      // by peer handle; 0 unused
	roster  roster.Roster // who they are, and their lives
	due     due.Board
	graves  names.Graves
	me      names.Self

	live   member.Detector
	events events.Cast

	mail   mail.Mail
	gaps   gaps.Gaps
	filler reconcile.Filler
	rumors rumor.Monger

	received reconcile.Frame
	page     reconcile.Page // the frame being composed

	flow   flow.Control
	differ differ
	walks  walk.Repair
	mends  interval.Mender // of dirty origins, and the end of own deletes
	word   checkpoint.Checkpoints

	queue    outbox.Outbox[Event] // what the shell is to be told
	guard    protect.Mode         // of frames: clear or sealed
	door     door.Door
	counters Counters

	in protect.Arrival // the frame being received

	paths link.Paths
}

// Init makes the core ready. It copies cfg. It panics on a configuration that
// the shell should have refused.
func (c *Core) Init(cfg *Config, now sched.Instant, wall sched.Wall) {
	*c = Core{cfg: *cfg, now: now, store: new(state.Store)}
	c.cfg.fill()
	if len(cfg.Name) == 0 || len(cfg.Name) > codec.NameBytesMax || cfg.Generation == 0 {
		panic("core: a node needs a name and a generation")
	}
	l := &c.cfg.Limits
	c.rand.Seed(cfg.Seed)
	c.me.Init(codec.FrameKey(cfg.Cluster), bytes.Clone(cfg.Name), cfg.Generation, c.cfg.Detector.DeadAge)
	c.me.Tell(now, wall)
	c.me.Addr = cfg.Advertise
	c.page.Cluster = codec.ClusterTag(cfg.Cluster)
	c.door.Init(now, &door.Config{Key: door.Key(&c.cfg.Secret, &c.rand), Introduced: l.Introduced, Busy: &c.counters.Drops[DropBusy]})
	c.me.Mode = c.cfg.Order.Common()
	c.me.Kinds = cmp.Or(c.cfg.Experiment.Kinds, c.me.Kinds)
	c.store.Init(l.State, c.rand.Uint64())
	if c.cfg.Order.Precise() {
		c.store.PrintKeys()
	}
	c.paths.Init(now, c.cfg.Experiment.AckDelay, l.Peers)
	c.wheel.Init(timersEngine+(l.Peers+1)*timersPeer, now)
	c.origins = make([]origin, 1, 16)
	c.peers = make([]peer, 1, 16)
	c.roster.Init(c.cfg.seats(), &c.rand)
	c.queue.Init(l.Events)
	c.due.Init(l.Peers)
	c.filler.Init(c.store, introductions{&c.now, c.store, &c.me, &c.origins, &c.peers}, l.Wants)
	self, st := c.store.Add(c.me.ID, c.me.Gen, c.me.Name)
	if st != state.OK {
		panic("core: no room for the own origin")
	}
	c.store.Tell(int64(now))
	c.store.SetOwner(self)
	c.initDiffer()
	c.initMending()
	c.initNews()
	c.noteOrigin(self)
	c.graves.Init(c.me.Key, c.cfg.Detector.GraveAge)
	c.initMembers()
	c.initFlow()
	if c.cfg.RepairEvery > 0 {
		c.wheel.Set(timerPeriod, now+c.rand.JitterLittle(c.cfg.RepairEvery))
	}
	c.mail.Settle.Pace.Init(now, c.wheel.Timer(timerExchange), &c.rand, c.cfg.Interval, &c.paths.Lag)
	c.wheel.Set(timerExchange, now+c.rand.Jitter(c.cfg.Interval))
}

// enter begins every call that is told the time. now never goes back (law 2): a
// caller whose clock does is held at the latest instant.
func (c *Core) enter(now sched.Instant) {
	c.now = max(c.now, now)
	c.store.Tell(int64(c.now))
}

// origin is what the core remembers of one origin beside its state.
type origin struct {
	peer uint32 // the peer that writes it; 0 for our own

	gap gaps.Gap

	known, left bool
}

func (c *Core) noteOrigin(o state.Origin) *origin {
	for int(o) >= len(c.origins) {
		c.origins = append(c.origins, origin{})
	}
	x := &c.origins[o]
	*x = origin{known: true}
	c.queue.Reset(o)
	c.mail.Settle.Reset(o)
	c.word.Reset(o)
	weight := uint8(1)
	if c.cfg.Weight != nil {
		weight = c.cfg.Weight(c.store.Name(o))
	}
	c.filler.Weigh(o, weight)
	return x
}

// forget notes that the store does not hold an origin any more.
func (l *originList) forget(o state.Origin) { (*l)[o] = origin{} }

// moved notes that the max of o went from `from` to where it is now.
func (c *Core) moved(o state.Origin) {
	c.mail.Settle.Moved(c.now, o)
	c.differ.Moved(o, c.now, c.counters.FramesReceived)
	c.queue.Moved(o)
}

// Parts are what a core is made of, for a shell to read between calls.
type Parts struct {
	reconcile.View // the replica, and what is known of origins; its Now is not set

	Filler   *reconcile.Filler // encodes runs
	Mail     *mail.Mail        // how own writes leave
	Self     *names.Self       // who this node is
	Detector *member.Detector
	Flow     *flow.Control
	Door     *door.Door   // seeds, and sources that were rejected
	Events   *events.Cast // user events: a shell takes them one after the other
	Repair   *walk.Repair
	Word     *checkpoint.Checkpoints // a shell takes its jobs; nothing else of it is to be called
	Keys     *protect.Sealed         // what seals; nil where frames are in clear
	Paths    *link.Paths             // what all paths have in common
}

// Parts gives the parts, which stay true. Any goroutine may ask for them; but for the store's
// reading methods they themselves are for who drives the core. A shell calls methods of theirs
// that change nothing, and those that end a walk, remove a seed or belong to an experiment.
func (c *Core) Parts() Parts {
	keys, _ := c.guard.(*protect.Sealed)
	return Parts{
		View: reconcile.View{Store: c.store, Own: c.store.Owner(), News: &c.mail.Settle, Graves: &c.graves},
		Self: &c.me, Mail: &c.mail, Filler: &c.filler, Detector: &c.live, Flow: &c.flow, Door: &c.door, Events: &c.events, Repair: &c.walks, Word: &c.word, Keys: keys, Paths: &c.paths,
	}
}

// Counters are what the core has done.
func (c *Core) Counters() *Counters {
	c.counters.Derived = c.guard.Derived()
	return &c.counters
}

// Deadline is when Tick next has work; sched.Never if only input makes work.
func (c *Core) Deadline() sched.Instant {
	return min(c.wheel.Next(), c.live.Deadline())
}

// book is the core as its own name is judged by: identity.go.
type book Core
