package compare

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	turnsMax = 2 * TurnsMax // messages of one comparison, both ways
	batchMin = 16           // origins of its first batch; later ones are larger
	batchMax = 64
)

// What a comparison says next to a peer.
const (
	sayBatch   uint8 = 1 << iota // the next origins of our order
	sayTurn                      // only the fingerprint, after runs: go on if it differs
	sayUpdates                   // increments, answers to theirs, and the fingerprint
	sayEnd                       // answers alone
	saySketch
	sayRanges // more of the parts that differ
)

// move is the window of an origin's news that the update list offers.
type move struct {
	lo, hi uint64
	frame  uint64 // number of the frame that brought it
	told   uint64 // up to where it was offered last
}

// say makes a message of the comparison with p due.
func (c *Compare) say(p uint32, what uint8) {
	c.host.Peer(p).say |= what
	c.board.Want(p, c.due.Turn)
}

// ordered reports whether batches in an order of ours are compared.
func (c *Compare) ordered() bool {
	return c.cfg.Diff == tune.DiffRecent || c.cfg.Diff == tune.DiffPeel || c.cfg.Diff == tune.DiffActivity
}

// wants is what our digests ask for in this comparison.
func (t *Peer) wants() codec.DigestFlags {
	if t.mine {
		return reconcile.AskedBy(t.kind)
	}
	return reconcile.AnsweredBy(t.kind)
}

// goOn sends the next batch, or compares everything when there were too many.
func (c *Compare) goOn(p uint32) {
	if t := c.host.Peer(p); t.turn < turnsMax && c.ordered() {
		c.say(p, sayBatch)
		return
	}
	c.compareAll(p)
}

// compareAll ends a comparison with what always makes progress: ranges where the version vector is
// long, else the vector.
func (c *Compare) compareAll(p uint32) {
	c.host.Peer(p).say &^= sayBatch | sayTurn | sayUpdates
	if !c.many() || !c.wantRange(part{peer: p}) {
		c.compareVectors(p)
	}
}

// compareVectors ends a comparison with windows of the version vector.
func (c *Compare) compareVectors(p uint32) {
	c.n.Fallbacks++
	t := c.host.Peer(p)
	t.say &^= sayBatch | sayTurn | sayUpdates
	c.wantDigest(p, t.wants())
}

// onBatch compares some origins that the peer chose.
func (c *Compare) onBatch(f *reconcile.Frame, d *codec.Digest) {
	p := f.Peer
	t := c.host.Peer(p)
	c.shared.DigestsReceived++
	if c.Agrees(f) {
		c.shared.Agreements++
		t.say = 0
		return
	}
	j := c.Open(f, d.Flags)
	diff := c.view.Compare(d, j.Runs, j.pulls)
	if c.cfg.Diff == tune.DiffActivity && j.Runs != nil {
		for _, w := range j.Runs.Wants()[j.had:] {
			c.activity.Useful(uint32(w.Origin)) // it is needed
		}
	}
	c.outdone = diff.Ahead > 0
	found := c.Close(f, &j)
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
func (c *Compare) onTurn(f *reconcile.Frame, body []byte) bool {
	turn, items, err := codec.ParseTurn(body)
	if err != nil {
		return false
	}
	c.n.TurnsReceived++
	p := f.Peer
	t := c.host.Peer(p)
	if turn == 1 { // it begins
		c.open(p, Peer{kind: codec.SyncPushPull})
	}
	c.onIncrements(f, &items)
	switch {
	case turn == codec.TurnEnd:
	case c.Agrees(f):
		c.shared.Agreements++
		t.say = 0
		c.answerIncrements(p)
	case c.cfg.Diff == tune.DiffUpdates:
		t.turn = turn
		c.nextIncrements(p)
	case t.runs != 0: // runs that it asked for go first
		t.turn = max(t.turn, turn) + 1
		c.say(p, sayTurn)
	default:
		t.turn = max(t.turn, turn) + 1
		c.goOn(p)
	}
	return true
}

// AppendTurn appends what the comparison with the peer says next.
func (c *Compare) AppendTurn(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := c.host.Peer(g.Peer)
	start := len(b)
	if t.say&saySketch != 0 {
		b = c.appendSketch(b, g)
	}
	if t.say&sayRanges != 0 {
		b = c.appendRanges(b, g)
	}
	if t.say&(sayUpdates|sayEnd) != 0 {
		b = c.appendIncrements(b, g)
	}
	if t.say&sayBatch != 0 {
		b = c.appendBatch(b, g)
	}
	if t.say&sayTurn != 0 && len(b)+codec.RecordBytes+codec.TurnBytes <= g.Limit {
		c.n.TurnsSent++
		t.say &^= sayTurn
		at := len(b)
		b = codec.EndRecord(codec.BeginTurn(b, max(2, t.turn)), at)
	}
	if t.say == 0 || len(b) == start && start <= g.Begun {
		c.dropRanges(g.Peer)
		t.say = 0
		return b, true
	}
	return b, false
}

// appendBatch appends the next origins of our order, with what we hold of them
// but for what is still on its way by push.
func (c *Compare) appendBatch(b []byte, g *reconcile.Page) []byte {
	t := c.host.Peer(g.Peer)
	room := (g.Limit - len(b) - codec.DigestOverhead) / vectorEntryMax
	n := min(batchMin<<min(t.turn/2, 2), batchMax, room)
	if n <= 0 {
		return b
	}
	t.say &^= sayBatch | sayTurn
	if n = c.nextBatch(&t.peel, g.Now, c.batch[:n]); n == 0 {
		c.compareAll(g.Peer)
		return b
	}
	batch := c.batch[:n]
	slices.SortFunc(batch, func(x, y uint32) int {
		if c.store.ID(state.Origin(x)) < c.store.ID(state.Origin(y)) {
			return -1
		}
		return 1
	})
	c.view.Now = g.Now
	var w codec.DigestWriter
	if !w.Begin(b, g.Limit, t.wants()|codec.DigestPartial, c.store.ID(state.Origin(batch[0]))) {
		return b
	}
	for _, h := range batch {
		o := state.Origin(h)
		w.Add(codec.DigestEntry{
			ID: c.store.ID(o), Max: c.view.Settled(o), Floor: c.store.Floor(o), Dirty: c.store.Dirty(o),
		})
	}
	c.shared.DigestsSent++
	c.n.BatchesSent++
	return w.End(c.store.ID(state.Origin(batch[n-1])))
}

func (c *Compare) nextBatch(at *Peel, now sched.Instant, dst []uint32) int {
	switch c.cfg.Diff {
	case tune.DiffRecent:
		return c.recent.Since(at, now-c.cfg.Recent, dst)
	case tune.DiffPeel:
		return c.recent.Next(at, dst)
	case tune.DiffActivity:
		return c.activity.Next(at, dst)
	default:
		return 0
	}
}
