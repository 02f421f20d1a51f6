package compare

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/tune"
)

// windowsMax bounds the frames of one digest.
const windowsMax = 4

// jobOf gives the job that *at names, or a new one for the peer; nil if all are busy.
func (c *Compare) jobOf(p uint32, at *uint8) *reconcile.Job {
	j, fresh := c.jobs.Take(at)
	if fresh {
		j.Reset(c.cfg.Frames, c.budgets.Left(c.view.Now, p))
		j.Whole = c.cfg.Whole
	}
	return j
}

// Found holds the two lists that a comparison fills.
type Found struct {
	Runs  *reconcile.Job // what the peer lacks; nil: not asked for, or all jobs are busy
	pulls *reconcile.Job
	had   int // runs that were there before
	total int // entries of those
}

// Open takes the lists that a digest of the frame with these flags needs. Close follows.
func (c *Compare) Open(f *reconcile.Frame, flags codec.DigestFlags) (j Found) {
	p := f.Peer
	t := c.host.Peer(p)
	c.view.Now, c.view.Full = f.Now, f.Full
	if flags&codec.DigestWantRuns != 0 {
		if j.Runs = c.jobOf(p, &t.runs); j.Runs != nil {
			j.had, j.total = len(j.Runs.Wants()), j.Runs.Total()
		}
	}
	if flags&codec.DigestOffer != 0 {
		j.pulls = c.jobOf(p, &t.pulls)
	}
	return j
}

// Close makes due what was found, and reports whether anything was.
func (c *Compare) Close(f *reconcile.Frame, j *Found) (any bool) {
	p := f.Peer
	if j.Runs != nil {
		any = len(j.Runs.Wants()) > j.had
		if c.hot != nil {
			c.hot.Needed(f, j.Runs.Wants())
		}
		c.budgets.Lacks(f.Now, p, j.Runs.Total()-j.total)
		c.offered(p, j.Runs)
	}
	if j.pulls != nil {
		if j.pulls.Len() > 0 {
			any = true
			c.board.Want(p, c.due.Ask)
		} else {
			c.jobs.Drop(&c.host.Peer(p).pulls)
		}
	}
	return any
}

// offered arranges a job of runs and makes it due, or drops an empty one.
func (c *Compare) offered(p uint32, j *reconcile.Job) {
	if j.Len() == 0 {
		c.DropRuns(p)
		return
	}
	j.Arrange(c.cfg.Order, c.rand.Uint32n(1<<16))
	c.board.Want(p, c.due.Runs)
}

func (c *Compare) wantDigest(p uint32, f codec.DigestFlags) {
	t := c.host.Peer(p)
	t.windows, t.asks = windowsMax, f
	c.board.Want(p, c.due.Digest)
}

// onSync compares fingerprints.
func (c *Compare) onSync(f *reconcile.Frame, s codec.Sync) {
	if !f.Printed || c.Agrees(f) {
		c.shared.Agreements++
		c.agreed()
		return
	}
	if away, shut := c.turnedAway(f); c.rests.spares(f, c.Fingerprint(), away, shut) {
		return
	}
	t := c.open(f.Peer, Peer{kind: s.Kind, turn: 1})
	switch {
	case c.ordered():
		c.say(f.Peer, sayBatch)
	case c.cfg.Diff == tune.DiffUpdates:
		c.say(f.Peer, sayUpdates)
	case c.cfg.Diff == tune.DiffRanges && c.store.Len() > rangeLeaf && c.wantRange(part{peer: f.Peer}):
	case c.sketchCells(s.Hint) > 0:
		c.ladder.hint = s.Hint
		c.say(f.Peer, saySketch)
	case c.many() && c.wantRange(part{peer: f.Peer}):
	default:
		c.wantDigest(f.Peer, t.wants())
	}
}

// onDigest finds what the peer lacks and what we lack.
func (c *Compare) onDigest(f *reconcile.Frame, d *codec.Digest) {
	if d.Flags&codec.DigestPartial != 0 {
		c.onBatch(f, d)
		return
	}
	p := f.Peer
	c.shared.DigestsReceived++
	j := c.Open(f, d.Flags)
	diff := c.view.Compare(d, j.Runs, j.pulls)
	if j.pulls == nil && d.Flags&codec.DigestOffer != 0 && j.Runs != nil && j.Runs.Len() == 0 {
		// The peer lacks nothing, so that the last free job serves us: else one
		// that can't be had for both directions would be had for none.
		c.DropRuns(p)
		j = c.Open(f, codec.DigestOffer)
		diff = c.view.Compare(d, nil, j.pulls)
	}
	c.outdone = diff.Ahead > 0
	c.Close(f, &j)
}

// onPull queues runs of the origins that the peer names.
func (c *Compare) onPull(f *reconcile.Frame, l *codec.Pull) {
	p := f.Peer
	c.shared.PullsServed++
	j := c.Open(f, codec.DigestWantRuns).Runs
	if j == nil {
		return
	}
	it, before := l.Entries(), j.Total()
	for {
		id, have, ok := it.Next()
		if !ok {
			break
		}
		o := c.resolve(id)
		if o == 0 {
			continue
		}
		if o == c.view.Own {
			c.filler.Asked(f.Now, p)
		}
		top := c.store.Max(o)
		if forFloor, forWho := top == have && c.store.Floor(o) > 0, have > top && o != c.view.Own; top > have || have == 0 || forFloor || forWho {
			j.Add(reconcile.Want{ID: c.store.ID(o), Origin: o, From: have, Missing: uint32(c.store.Missing(o, have))})
		}
	}
	c.budgets.Lacks(f.Now, p, j.Total()-before)
	c.offered(p, j)
}

// AppendDigest appends one window; it is rotated so that all are sent in turn.
// Here and below, done reports that nothing of its kind is due any more.
func (c *Compare) AppendDigest(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := c.host.Peer(g.Peer)
	if c.window != 0 && c.store.FirstAtOrAfter(c.window) == 0 {
		c.window = 0
	}
	out, next, last := reconcile.AppendWindow(b, g.Limit, c.store, c.window, t.asks)
	if out == nil {
		return b, false
	}
	c.window = next
	t.windows--
	c.shared.DigestsSent++
	return out, t.windows == 0 || last
}

// AppendAsk appends the pull list that comparing a digest gave.
func (c *Compare) AppendAsk(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := c.host.Peer(g.Peer)
	j := c.jobs.At(t.pulls)
	var w codec.PullWriter
	if t.pulls == 0 || !w.Begin(b, g.Limit) {
		return b, true
	}
	wants := j.Wants()
	for i := range wants {
		have := wants[i].From
		if o := wants[i].Origin; o != 0 && c.store.ID(o) == wants[i].ID {
			have = c.store.Seen(o)
		}
		if !w.Add(wants[i].ID, have) {
			break // the rest differs still at the next exchange
		}
	}
	c.jobs.Drop(&t.pulls)
	c.shared.PullsSent++
	return w.End(), true
}

// AppendRuns appends what is left of the answer to the peer.
func (c *Compare) AppendRuns(b []byte, g *reconcile.Page) (out []byte, done bool) {
	t := c.host.Peer(g.Peer)
	if t.runs == 0 {
		return b, true
	}
	out, n := c.filler.Fill(b, g.Limit, c.jobs.At(t.runs), c.cfg.Order)
	return out, c.jobs.Sent(g, out, &t.runs, reconcile.Piece{Bytes: len(out) - len(b), Entries: n})
}
