package core

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/compare"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Diff is how two nodes whose fingerprints differ find out in what.
type Diff uint8

// The ways to compare. All begin with the fingerprint and end, where they find
// nothing more, with the version vector, so that each of them repairs everything;
// members of one cluster may use different ones.
//
// DiffAuto climbs a ladder (ladder.go): fingerprint, sketch of the version
// vector where that does not fit one frame, the vector itself in windows.
// DiffVector leaves the sketch out and DiffSketch always sends it.
//
// The others are those of Demers et al. §1.3 and §1.5 and of XGOSSIP:
// DiffRecent sends what changed within RecentSpan along with the fingerprint,
// DiffPeel walks back in the order of last change until the fingerprints agree,
// DiffActivity does so in an order in which what turned out to be needed moves
// to the front, DiffUpdates sends a few updates first, least useless ones
// first, and takes feedback on them (updates.go).
const (
	DiffAuto Diff = iota
	DiffVector
	DiffSketch
	DiffRecent
	DiffPeel
	DiffActivity
	DiffUpdates
)

const (
	turnsMax = 2 * compare.TurnsMax // messages of one comparison, both ways
	batchMin = 16                   // origins of its first batch; later ones are larger
	batchMax = 64
)

// What a comparison says next to a peer.
const (
	sayBatch   uint8 = 1 << iota // the next origins of our order
	sayTurn                      // only the fingerprint, after runs: go on if it differs
	sayUpdates                   // increments, answers to theirs, and the fingerprint
	sayEnd                       // answers alone
	saySketch
)

// talk is a comparison that is under way with a peer.
type talk struct {
	peel    compare.Peel // how far our order was walked
	offered uint16       // increments that it was sent
	turn    uint8
	say     uint8
	kind    codec.SyncKind
	mine    bool // we began it
}

// comparing is what the ways to compare remember. Only what the configured way
// needs takes memory.
type comparing struct {
	recent   compare.Recent
	activity compare.Activity
	updates  compare.Updates
	moves    []move   // by origin, for the update list
	answers  []answer // to increments, that wait for their frames
	batch    [batchMax]uint32
}

// move is the window of an origin's news that the update list offers.
type move struct {
	lo, hi uint64
	frame  uint64 // number of the frame that brought it
}

func (c *Core) initCompare() {
	n := c.store.Limits().Handles()
	k := &c.comparing
	if c.precise != nil && c.cfg.Diff != DiffAuto {
		panic("core: Diff and Order: precise orders compare by key")
	}
	switch c.cfg.Diff {
	case DiffAuto, DiffVector, DiffSketch:
		return
	case DiffRecent, DiffPeel:
		k.recent.Init(n)
	case DiffActivity:
		k.activity.Init(n)
	case DiffUpdates:
		k.updates.Init(n, compare.UpdatesLimitDefault)
		k.moves = make([]move, n+1)
		k.answers = make([]answer, 0, answersMax)
	default:
		panic("core: unknown way to compare")
	}
	if c.lab.NoPrint {
		panic("core: Diff and NoPrint: there is nothing to compare before the digest")
	}
}

// touched notes that an origin moved on, or has a new id.
func (c *Core) touched(o state.Origin) {
	k := &c.comparing
	switch c.cfg.Diff {
	case DiffRecent, DiffPeel:
		k.recent.Changed(uint32(o), c.now)
	case DiffActivity:
		k.activity.Arrived(uint32(o))
	case DiffUpdates:
		m := &k.moves[o]
		if !k.updates.Has(uint32(o)) {
			m.lo = m.hi
		}
		m.hi, m.frame = c.store.Max(o), c.counters.FramesReceived
		k.updates.Add(uint32(o))
	default:
		if c.ladder.sketching != nil {
			c.ladder.count(&c.store, o)
		}
	}
}

// untouch forgets an origin that was removed.
func (c *Core) untouch(o state.Origin) {
	k := &c.comparing
	switch c.cfg.Diff {
	case DiffRecent, DiffPeel:
		k.recent.Forget(uint32(o))
	case DiffActivity:
		k.activity.Forget(uint32(o))
	case DiffUpdates:
		k.updates.Forget(uint32(o))
		k.moves[o] = move{}
	default:
		if c.ladder.sketching != nil {
			c.ladder.uncount(o)
		}
	}
}

// say makes a message of the comparison with p due.
func (c *Core) say(p uint32, what uint8) {
	c.peers[p].talk.say |= what
	c.want(p, dueTurn)
}

// openTalk begins a comparison that this node starts. It reports whether that
// takes the place of a Sync.
func (c *Core) openTalk(p uint32) bool {
	t := &c.peers[p].talk
	*t = talk{kind: c.cfg.Mode.sync(), mine: true}
	c.ladder.pass()
	switch c.cfg.Diff {
	case DiffUpdates:
		t.turn = 1
		c.say(p, sayUpdates)
		return true
	case DiffRecent:
		if c.comparing.recent.Since(&compare.Peel{}, c.now-c.cfg.RecentSpan, c.comparing.batch[:1]) > 0 {
			c.say(p, sayBatch)
		}
	}
	return false
}

// differs answers a Sync whose fingerprint is not ours.
func (c *Core) differs(p uint32, s codec.Sync) {
	t := &c.peers[p].talk
	*t = talk{kind: s.Kind, turn: 1}
	switch {
	case c.ordered():
		c.say(p, sayBatch)
	case c.cfg.Diff == DiffUpdates:
		c.say(p, sayUpdates)
	case c.sketchCells(s.Hint) > 0:
		c.ladder.hint = s.Hint
		c.say(p, saySketch)
	default:
		c.wantDigest(p, t.asks())
	}
}

// ordered reports whether batches in an order of ours are compared.
func (c *Core) ordered() bool {
	return c.cfg.Diff == DiffRecent || c.cfg.Diff == DiffPeel || c.cfg.Diff == DiffActivity
}

// asks is what our digests ask for in this comparison.
func (t *talk) asks() codec.DigestFlags {
	if t.mine {
		return digestAsked(t.kind)
	}
	return digestAnswering(t.kind)
}

// agrees reports whether the frame that is being received carries our fingerprint.
func (c *Core) agrees() bool {
	return c.in.Flags&codec.FlagPrints != 0 && c.in.StatePrint == c.Fingerprint()
}

// goOn sends the next batch, or compares everything when there were too many.
func (c *Core) goOn(p uint32) {
	if t := &c.peers[p].talk; t.turn < turnsMax && c.ordered() {
		c.say(p, sayBatch)
		return
	}
	c.compareAll(p)
}

// compareAll ends a comparison with the version vector.
func (c *Core) compareAll(p uint32) {
	c.counters.Fallbacks++
	t := &c.peers[p].talk
	t.say &^= sayBatch | sayTurn | sayUpdates
	c.wantDigest(p, t.asks())
}

// onBatch compares some origins that the peer chose.
func (c *Core) onBatch(p uint32, d *codec.Digest) {
	t := &c.peers[p].talk
	c.counters.DigestsReceived++
	if c.agrees() {
		c.counters.Agreements++
		t.say = 0
		return
	}
	j := c.openJobs(p, d.Flags)
	diff := reconcile.Compare(&c.store, (*book)(c), d, c.self, j.runs, j.pulls)
	if c.cfg.Diff == DiffActivity && j.runs != nil {
		for _, w := range j.runs.Wants()[j.had:] {
			c.comparing.activity.Useful(uint32(w.Origin)) // it is needed
		}
	}
	found := c.closeJobs(p, &j, diff)
	t.turn++
	switch {
	case t.say&sayBatch != 0: // ours is on its way
	case found:
		c.say(p, sayTurn)
	default:
		c.goOn(p)
	}
}

// onTurn takes a message of a comparison that carries no digest.
func (c *Core) onTurn(p uint32, body []byte) bool {
	if c.precise != nil {
		c.counters.Drops[DropMode]++
		return true
	}
	turn, items, err := codec.ParseTurn(body)
	if err != nil {
		return false
	}
	c.counters.TurnsReceived++
	q := &c.peers[p]
	t := &q.talk
	if turn == 1 { // it begins
		*t = talk{kind: codec.SyncPushPull}
	}
	c.onIncrements(p, &items)
	switch {
	case turn == codec.TurnEnd:
	case c.agrees():
		c.counters.Agreements++
		t.say = 0
		c.answerIncrements(p)
	case c.cfg.Diff == DiffUpdates:
		t.turn = turn
		c.nextIncrements(p)
	case q.job != 0: // runs that it asked for go first
		t.turn = max(t.turn, turn) + 1
		c.say(p, sayTurn)
	default:
		t.turn = max(t.turn, turn) + 1
		c.goOn(p)
	}
	return true
}

// composeTurn appends what the comparison with p says next.
func (c *Core) composeTurn(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	t := &q.talk
	start := len(b)
	if t.say&saySketch != 0 {
		b = c.composeSketch(b, limit, p)
	}
	if t.say&(sayUpdates|sayEnd) != 0 {
		b = c.composeIncrements(b, limit, p)
	}
	if t.say&sayBatch != 0 {
		b = c.composeBatch(b, limit, p)
	}
	if t.say&sayTurn != 0 && len(b)+codec.RecordBytes+codec.TurnBytes <= limit {
		c.counters.TurnsSent++
		t.say &^= sayTurn
		at := len(b)
		b = codec.EndRecord(codec.BeginTurn(b, max(2, t.turn)), at)
	}
	if t.say == 0 || len(b) == start && start <= c.emptyFrame() {
		t.say = 0
		q.due &^= dueTurn
	}
	return b
}

// composeBatch appends the next origins of our order, with what we hold of them
// but for what is still on its way by push.
func (c *Core) composeBatch(b []byte, limit int, p uint32) []byte {
	const entryMax = 8 + 9 + 9
	t, k := &c.peers[p].talk, &c.comparing
	room := (limit - len(b) - codec.DigestOverhead) / entryMax
	n := min(batchMin<<min(t.turn/2, 2), batchMax, room)
	if n <= 0 {
		return b
	}
	t.say &^= sayBatch | sayTurn
	if n = c.nextBatch(&t.peel, k.batch[:n]); n == 0 {
		c.compareAll(p)
		return b
	}
	batch := k.batch[:n]
	slices.SortFunc(batch, func(x, y uint32) int {
		if c.store.ID(state.Origin(x)) < c.store.ID(state.Origin(y)) {
			return -1
		}
		return 1
	})
	var w codec.DigestWriter
	if !w.Begin(b, limit, t.asks()|codec.DigestPartial, c.store.ID(state.Origin(batch[0]))) {
		return b
	}
	for _, h := range batch {
		o := state.Origin(h)
		w.Add(codec.DigestEntry{
			ID: c.store.ID(o), Max: (*book)(c).Settled(o), Floor: c.store.Floor(o), Dirty: c.store.Dirty(o),
		})
	}
	c.counters.DigestsSent++
	c.counters.BatchesSent++
	return w.End(c.store.ID(state.Origin(batch[n-1])))
}

func (c *Core) nextBatch(at *compare.Peel, dst []uint32) int {
	k := &c.comparing
	switch c.cfg.Diff {
	case DiffRecent:
		return k.recent.Since(at, c.now-c.cfg.RecentSpan, dst)
	case DiffPeel:
		return k.recent.Next(at, dst)
	case DiffActivity:
		return k.activity.Next(at, dst)
	default:
		return 0
	}
}

// found holds the two lists that a comparison fills.
type found struct {
	runs, pulls *reconcile.Job // nil: not asked for, or all jobs are busy
	had         int            // runs that were there before
	total       int            // entries of those
}

// openJobs takes the lists that a digest with these flags needs.
func (c *Core) openJobs(p uint32, f codec.DigestFlags) (j found) {
	q := &c.peers[p]
	if f&codec.DigestWantRuns != 0 {
		if q.job == 0 {
			q.job = c.takeJob(p)
		}
		if q.job != 0 {
			j.runs = &c.jobs[q.job].Job
			j.had, j.total = len(j.runs.Wants()), j.runs.Total()
		}
	}
	if f&codec.DigestOffer != 0 {
		if q.ask == 0 {
			q.ask = c.takeJob(p)
		}
		if q.ask != 0 {
			j.pulls = &c.jobs[q.ask].Job
		}
	}
	return j
}

// closeJobs makes due what was found, and reports whether anything was.
func (c *Core) closeJobs(p uint32, j *found, diff reconcile.Difference) (any bool) {
	if diff.Ahead > 0 {
		c.amnesia(diff.Ahead)
	}
	if j.runs != nil {
		any = len(j.runs.Wants()) > j.had
		if c.cfg.Rumor.Redistribute {
			for _, w := range j.runs.Wants() {
				if w.Origin != 0 {
					c.reheat(w.Origin, w.From)
				}
			}
		}
		c.lacks(p, j.runs, j.total)
		c.offered(p, j.runs)
	}
	if j.pulls != nil {
		if j.pulls.Len() > 0 {
			any = true
			c.want(p, dueAsk)
		} else {
			c.dropJob(&c.peers[p].ask)
		}
	}
	return any
}

// recentSpan is what DiffRecent takes for recent: an update should have
// reached everybody by then (Demers et al. §1.3).
func recentSpan(interval sched.Instant) sched.Instant { return 10 * interval }
