package compare

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// Host is the node around a comparison.
type Host interface {
	// Peer is what is kept of a peer; good until the host adds one.
	Peer(p uint32) *Peer
	// Author is the peer that writes an origin, 0 for none.
	Author(o state.Origin) uint32
}

// Hot is told what a peer was found to lack: package rumor.
type Hot interface {
	Needed(f *reconcile.Frame, wants []reconcile.Want)
}

// Config is what a comparison is told before it starts.
type Config struct {
	Diff    tune.Diff
	Order   tune.Order
	Kind    codec.SyncKind // of the exchanges that this node begins
	Recent  sched.Instant  // DiffRecent: what changed since is sent first
	Frame   int            // bytes of a datagram
	Frames  int            // frames of one answer
	Jobs    int            // answers under way at once, at least 2: one for each direction
	Wants   int            // origins in one answer
	Whole   bool           // an answer that is cut by Left ends with a whole origin
	NoPrint bool           // exchanges begin with a digest
	Key     [2]uint64      // of the cluster; sketches are keyed with it
}

// Compare is one node's comparisons. The zero Compare is not ready: call Init. One
// caller at a time.
type Compare struct {
	cfg      Config
	host     Host
	view     reconcile.View
	store    *state.Store
	rand     *sched.Rand
	filler   *reconcile.Filler
	board    *due.Board
	due      reconcile.Due
	budgets  reconcile.Budgets
	hot      Hot
	n        *Counters
	shared   *reconcile.Counters
	busy     *uint64
	outdone  bool // by the frame at hand
	jobs     reconcile.Pool[reconcile.Job, *reconcile.Job]
	window   codec.OriginID // where the next digest starts
	ladder   ladder
	recent   Recent
	activity Activity
	updates  Updates
	moves    []move   // by origin, for the update list
	answers  []answer // to increments, that wait for their frames
	parts    []part   // of the vector that differ, and of which more is to be said
	batch    [batchMax]uint32
	rests    rests
}

// Counters are what the ways to compare did, beside reconcile.Counters.
type Counters struct {
	BatchesSent     uint64 // of the digests: some origins, in an order of ours
	SketchesSent    uint64
	SketchesDecoded uint64 // those of others that showed all differences
	TurnsSent       uint64 // messages of a comparison that carry no digest
	TurnsReceived   uint64
	Fallbacks       uint64 // comparisons that came down to the version vector
	RangesSent      uint64 // records of fingerprints of ranges
}

// Parts are what a comparison by version vector shares with the node around it.
type Parts struct {
	reconcile.Parts
	Host   Host
	Hot    Hot // nil: nobody is told
	Vector *Counters
}

// Peer is what is kept of a peer: the comparison that is under way with it.
type Peer struct {
	peel    Peel   // how far our order was walked
	offered uint16 // increments that it was sent
	turn    uint8
	say     uint8
	kind    codec.SyncKind
	mine    bool              // we began it
	asks    codec.DigestFlags // of the digest that is due
	windows uint8             // of it that may still be sent
	runs    uint8             // the job that answers the peer
	pulls   uint8             // the job with what it is asked for
}

// Answering reports whether runs for the peer are under way.
func (c *Compare) Answering(p uint32) bool { return c.host.Peer(p).runs != 0 }

// Init makes a comparison ready. It panics on a way that does not fit the rest.
func (c *Compare) Init(cfg *Config, parts *Parts) {
	*c = Compare{
		cfg: *cfg, host: parts.Host, hot: parts.Hot, n: parts.Vector,
		view: parts.View, store: parts.View.Store, filler: parts.Filler, rand: parts.Rand,
		board: parts.Board, due: parts.Due, budgets: parts.Budgets, shared: parts.Count, busy: parts.Busy,
	}
	c.jobs.Init(cfg.Jobs, cfg.Wants, &parts.Parts)
	n := c.store.Limits().Handles()
	switch cfg.Diff {
	case tune.DiffAuto, tune.DiffVector, tune.DiffSketch, tune.DiffRanges:
		return
	case tune.DiffRecent, tune.DiffPeel:
		c.recent.Init(n)
	case tune.DiffActivity:
		c.activity.Init(n)
	case tune.DiffUpdates:
		c.updates.Init(n, UpdatesLimitDefault)
		c.moves = make([]move, n+1)
		c.answers = make([]answer, 0, answersMax)
	default:
		panic("compare: unknown way to compare")
	}
	if cfg.NoPrint {
		panic("compare: Way and NoPrint: there is nothing to compare before the digest")
	}
}

// Fingerprint is what members compare: equal ones hold the same.
func (c *Compare) Fingerprint() uint64 { return c.store.Fingerprint() }

// Reached is the version up to which a shell may look for news of an origin.
func (c *Compare) Reached(o state.Origin) uint64 { return c.store.Max(o) }

// Scattered reports that entries may be here beyond an origin's max. None are.
func (c *Compare) Scattered() bool { return false }

// Moved notes that an origin moved on, or has a new id; frame is the number of the
// frame that brought it.
func (c *Compare) Moved(o state.Origin, now sched.Instant, frame uint64) {
	switch c.cfg.Diff {
	case tune.DiffRecent, tune.DiffPeel:
		c.recent.Changed(uint32(o), now)
	case tune.DiffActivity:
		c.activity.Arrived(uint32(o))
	case tune.DiffUpdates:
		m := &c.moves[o]
		if !c.updates.Has(uint32(o)) {
			m.lo = m.hi
		}
		m.hi, m.frame, m.told = c.store.Max(o), frame, c.store.Max(o)
		c.updates.Add(uint32(o))
	default:
		if c.ladder.sketchState != nil {
			c.ladder.count(c.store, o)
		}
	}
}

// Forget forgets an origin that was removed.
func (c *Compare) Forget(o state.Origin) {
	switch c.cfg.Diff {
	case tune.DiffRecent, tune.DiffPeel:
		c.recent.Forget(uint32(o))
	case tune.DiffActivity:
		c.activity.Forget(uint32(o))
	case tune.DiffUpdates:
		c.updates.Forget(uint32(o))
		c.moves[o] = move{}
	default:
		if c.ladder.sketchState != nil {
			c.ladder.uncount(o)
		}
	}
}

// Begin begins an exchange with a peer. It reports whether that starts with a
// Sync: AppendSync.
func (c *Compare) Begin(now sched.Instant, p uint32) (sync bool) {
	if c.cfg.NoPrint {
		c.wantDigest(p, reconcile.AskedBy(c.cfg.Kind))
		return false
	}
	c.open(p, Peer{kind: c.cfg.Kind, mine: true})
	c.ladder.pass()
	switch c.cfg.Diff {
	case tune.DiffUpdates:
		c.host.Peer(p).turn = 1
		c.say(p, sayUpdates)
		return false
	case tune.DiffRecent:
		if c.recent.Since(&Peel{}, now-c.cfg.Recent, c.batch[:1]) > 0 {
			c.say(p, sayBatch)
		}
	}
	return true
}

// open begins a comparison; what is under way for the peer goes on.
func (c *Compare) open(p uint32, as Peer) *Peer {
	t := c.host.Peer(p)
	as.runs, as.pulls, as.asks, as.windows = t.runs, t.pulls, t.asks, t.windows
	*t = as
	return t
}

// AppendSync appends the Sync that an exchange begins with.
func (c *Compare) AppendSync(b []byte, _ *reconcile.Page) (out []byte, done bool) {
	return codec.AppendSync(b, codec.Sync{Kind: c.cfg.Kind, Hint: c.ladder.level}), true
}

// Receive takes a record of a comparison.
func (c *Compare) Receive(f *reconcile.Frame, kind codec.Type, body []byte) reconcile.Verdict {
	ok := true
	c.view.Now, c.outdone = f.Now, false
	switch kind {
	case codec.TypeSync:
		s, err := codec.ParseSync(body)
		if ok = err == nil; ok {
			c.onSync(f, s)
		}
	case codec.TypeDigest:
		var d codec.Digest
		if ok = codec.ParseDigest(body, &d) == nil; ok {
			c.onDigest(f, &d)
		}
	case codec.TypePull:
		var l codec.Pull
		if ok = codec.ParsePull(body, &l) == nil; ok {
			c.onPull(f, &l)
		}
	case codec.TypeTurn:
		ok = c.onTurn(f, body)
	case codec.TypeSketch:
		ok = c.onSketch(f, body)
	case codec.TypeRanges:
		ok = c.onRanges(f, body)
	default:
		return reconcile.OtherMode
	}
	switch {
	case !ok:
		return reconcile.Malformed
	case c.outdone:
		return reconcile.Outdone
	}
	return reconcile.Taken
}

// Agrees reports whether the frame carries our fingerprint.
func (c *Compare) Agrees(f *reconcile.Frame) bool { return f.Printed && f.Print == c.Fingerprint() }

// Drop gives up what is under way with a peer; exchanges find it again.
func (c *Compare) Drop(p uint32) {
	t := c.host.Peer(p)
	t.say = 0
	c.jobs.Drop(&t.runs)
	c.jobs.Drop(&t.pulls)
	c.dropRanges(p)
	c.answers = slices.DeleteFunc(c.answers, func(a answer) bool { return a.peer == p })
}

// DropRuns gives up the runs that are under way to a peer: it asks again.
func (c *Compare) DropRuns(p uint32) { c.jobs.Drop(&c.host.Peer(p).runs) }

// Expire does nothing: a comparison has no timer.
func (c *Compare) Expire(sched.Instant) {}

// Held is what waits for frames: answers to digests and pull lists, and answers to
// increments and ranges.
func (c *Compare) Held() (jobs, answers int) {
	return c.jobs.Held(), len(c.answers) + len(c.parts)
}
