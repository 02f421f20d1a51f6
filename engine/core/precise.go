package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Precise mode replaces the digests and answers of the periodic exchange: a and
// b compare key by key, each in as many frames as that takes.
//
//	a -> b  Sync(kind), fingerprint by key        b: equal, done
//	b -> a  PreciseDigest, windows ... the last   a compares
//	a -> b  PreciseRuns (push), PrecisePull (pull)
//	b -> a  PreciseRuns
//
// It is a property of the whole cluster: a hello of the other mode is refused
// and counted as DropMode. Every write carries a stamp, by which it is ordered.
//
// Mail and rumors stay runs: their prefix rule holds here too, and what starts
// above our max is taken entry by entry. So Max is a promise still, only
// entries may be here beyond it. It moves with runs, and when the fingerprint of
// the author itself equals ours.

// windowWait is how long an answer waits for the rest of a digest whose last
// window is missing.
const windowWait = 20 * sched.Millisecond

// precise is what precise mode needs beside the core.
type precise struct {
	reconcile.Precise
	window codec.PreciseDigest
	iter   codec.PreciseIter
	pull   codec.PrecisePull
	lists  []list // by job
}

type list struct {
	reconcile.List
	init bool
	open sched.Instant // when its last window came; 0: complete
}

func (c *Core) initPrecise() {
	if !c.cfg.Order.Precise() {
		return
	}
	if c.cfg.Order == reconcile.PreciseOwn && c.cfg.Compare == nil {
		panic("core: an own order needs a comparator")
	}
	c.mode = modePrecise
	c.store.PrintKeys()
	c.precise = &precise{lists: make([]list, c.cfg.Limits.Jobs+1)}
	c.precise.Init(&c.store, (*book)(c), c.cfg.Order, c.cfg.Compare)
}

// initPreciseSelf tells it of the own origin, of which only what is published is
// shown.
func (c *Core) initPreciseSelf() {
	if c.precise != nil {
		c.precise.Own = c.self
	}
}

// Fingerprint is what members compare: equal ones hold the same.
func (c *Core) Fingerprint() uint64 {
	if c.precise != nil {
		return c.store.KeyPrint()
	}
	return c.store.Fingerprint()
}

// stamp marks a write with its time, which precise mode orders by.
func (c *Core) stamp(e *codec.Entry, op *Op) {
	if op.Stamp == 0 && c.precise == nil {
		return
	}
	e.Flags |= codec.EntryStamp
	e.Stamp = op.Stamp
	if e.Stamp == 0 {
		e.Stamp = int64(c.ahead + sched.Wall(c.now))
	}
}

// SetDeltas changes Config.Deltas: the paper's experiments do while they run.
func (c *Core) SetDeltas(n int) {
	c.lab.Deltas = n
	if n == 0 {
		c.lab.Deltas = -1
	}
	c.limitRate()
}

// windows is how many frames a digest may take.
func (c *Core) windows() uint8 {
	if c.precise != nil {
		return uint8(min(4*c.lab.Frames, 255))
	}
	return windowsMax
}

// reached is the version up to which a shell may look for news of an origin.
func (c *Core) reached(o state.Origin) uint64 {
	if c.precise != nil {
		return max(c.store.Max(o), c.store.Last(o))
	}
	return c.store.Max(o)
}

// takeList makes the list of a job ready.
func (c *Core) takeList(p uint32, job int) {
	if c.precise == nil {
		return
	}
	l := &c.precise.lists[job]
	if !l.init {
		l.Init(c.cfg.Limits.Wants)
		l.init = true
	}
	l.Reset(c.lab.Frames, c.deltasLeft(p))
	l.open, l.Salt = 0, c.rand.Uint64()
}

// listOf gives the list of the job that *at names, or of a new one; nil if all
// are busy.
func (c *Core) listOf(p uint32, at *uint8) *reconcile.List {
	if *at == 0 {
		*at = c.takeJob(p)
	}
	if *at == 0 {
		return nil
	}
	return &c.precise.lists[*at].List
}

// onPrecise takes a record of precise mode.
func (c *Core) onPrecise(p uint32, t codec.Type, body []byte) (ok bool) {
	x := c.precise
	if x == nil {
		c.counters.Drops[DropMode]++
		return true
	}
	switch t {
	case codec.TypePreciseDigest:
		if ok = codec.ParsePreciseDigest(body, &x.window, &x.iter) == nil; ok {
			c.onWindow(p, &x.window)
		}
	case codec.TypePreciseRun:
		if ok = codec.ParsePreciseRun(body, &c.run) == nil; ok {
			c.onPreciseRun(p, &c.run)
		}
	case codec.TypePrecisePull:
		if ok = codec.ParsePrecisePull(body, &x.pull) == nil; ok {
			c.onPrecisePull(p, &x.pull)
		}
	}
	return ok
}

// onWindow finds what the peer lacks and what we lack of a window.
func (c *Core) onWindow(p uint32, d *codec.PreciseDigest) {
	c.counters.DigestsReceived++
	q := &c.peers[p]
	var runs, pulls *reconcile.List
	if d.Flags&codec.DigestWantRuns != 0 {
		runs = c.listOf(p, &q.job)
	}
	if d.Flags&codec.DigestOffer != 0 {
		pulls = c.listOf(p, &q.ask)
	}
	before := runs.Len()
	if ahead := c.precise.Compare(d, c.self, runs, pulls); ahead > 0 {
		c.amnesia(ahead)
	}
	c.lacksEntries(p, runs.Len()-before)
	final := d.Flags&codec.DigestFinal != 0
	if runs != nil {
		c.gathered(p, &q.job, dueRuns, final)
	}
	if pulls != nil {
		c.gathered(p, &q.ask, dueAsk, final)
	}
}

// lacksEntries notes that the peer was found to lack so many more.
func (c *Core) lacksEntries(p uint32, n int) {
	c.exchangeWith(p).Lacks(n)
	c.peers[p].tell = true
}

// onPrecisePull answers a part of a pull list.
func (c *Core) onPrecisePull(p uint32, l *codec.PrecisePull) {
	c.counters.PullsServed++
	at := &c.peers[p].job
	if runs := c.listOf(p, at); runs != nil {
		before := runs.Len()
		c.precise.Answer(l, runs)
		c.lacksEntries(p, runs.Len()-before)
		c.gathered(p, at, dueRuns, l.Final)
	}
}

// gathered makes a list due when it is complete: only then is its order known.
func (c *Core) gathered(p uint32, at *uint8, due uint16, final bool) {
	l := &c.precise.lists[*at]
	switch {
	case !final:
		l.open = c.now
		if !c.wheel.Armed(timerPrecise) {
			c.wheel.Set(timerPrecise, c.now+windowWait)
		}
	case l.Len() == 0:
		c.dropJob(at)
	default:
		l.open = 0
		c.want(p, due)
	}
}

// endWindows answers digests and pull lists whose end was lost.
func (c *Core) endWindows() {
	next := sched.Never
	for i := 1; i < len(c.jobs); i++ {
		j, l := &c.jobs[i], &c.precise.lists[i]
		if !j.busy || l.open == 0 {
			continue
		}
		if c.now-l.open < windowWait {
			next = min(next, l.open+windowWait)
			continue
		}
		q := &c.peers[j.peer]
		switch uint8(i) {
		case q.job:
			c.gathered(j.peer, &q.job, dueRuns, true)
		case q.ask:
			c.gathered(j.peer, &q.ask, dueAsk, true)
		}
	}
	if next != sched.Never {
		c.wheel.Set(timerPrecise, next)
	}
}

// onPreciseRun applies entries one by one.
func (c *Core) onPreciseRun(p uint32, r *codec.Run) {
	c.counters.RunsReceived++
	switch o := c.store.Find(r.ID); {
	case o == 0 && c.graves.Has(c.now, r.ID):
		c.counters.Drops[DropBuried]++
	case o == 0:
		c.counters.Drops[DropUnknown]++
	case o == c.self:
		if r.To > c.store.Max(o) {
			c.amnesia(r.To)
		}
		c.counters.EntriesOld += uint64(r.Count)
	default:
		c.flow.partner.Got(p, r.Count)
		c.applyScattered(p, o, r)
	}
}

// applyScattered takes the entries of a run that is no continuation of what is
// here.
func (c *Core) applyScattered(p uint32, o state.Origin, r *codec.Run) {
	c.store.Hop(int64(c.peers[p].link.Underway()))
	a, lowest := reconcile.ApplyPrecise(&c.store, o, r, &c.iter, &c.entry)
	c.store.Hop(0)
	c.counters.EntriesNew += uint64(a.New)
	c.counters.EntriesOld += uint64(a.Old)
	if a.Full {
		c.counters.Drops[DropFull]++
	}
	if a.New == 0 {
		return
	}
	x := &c.origins[o]
	x.told = min(x.told, lowest-1)
	c.moved(o)
	if a.System {
		c.system(o, lowest-1)
	}
}

// sameAs notes that a peer holds exactly what we hold: so of its own writes we
// hold the prefix up to its last one.
func (c *Core) sameAs(p uint32) {
	o := c.peers[p].origin
	if last := c.store.Last(o); last > c.store.Max(o) {
		c.store.Advance(o, last, c.store.Floor(o))
		c.moved(o)
		c.owe(p)
	}
}

// composePreciseDigest appends the window of the digest that is next in turn.
func (c *Core) composePreciseDigest(b []byte, limit int, q *peer) []byte {
	out, end := c.precise.AppendWindow(b, limit, codec.DigestFlags(q.digestFor), q.windows == 1)
	if out == nil {
		if len(b) <= c.emptyFrame() {
			q.due &^= dueDigest
		}
		return b
	}
	if q.windows--; q.windows == 0 || end {
		q.due &^= dueDigest
	}
	c.counters.DigestsSent++
	return out
}

// composePrecisePull appends a part of the pull list.
func (c *Core) composePrecisePull(b []byte, limit int, q *peer) []byte {
	l := &c.precise.lists[q.ask]
	if q.ask == 0 || l.Done() {
		c.dropJob(&q.ask)
		q.due &^= dueAsk
		return b
	}
	out := c.precise.AppendPull(b, limit, &l.List)
	if out == nil {
		if len(b) <= c.emptyFrame() {
			q.due &^= dueAsk
			c.dropJob(&q.ask)
		}
		return b
	}
	l.Frames--
	c.counters.PullsSent++
	if l.Done() {
		q.due &^= dueAsk
		c.dropJob(&q.ask)
	}
	return out
}

// composePreciseRuns appends what is first in the answer to the peer.
func (c *Core) composePreciseRuns(b []byte, limit int, p uint32) []byte {
	x, q := c.precise, &c.peers[p]
	l := &x.lists[q.job]
	before := len(b)
	b, n := x.Fill(b, limit, &l.List)
	c.counters.EntriesSent += uint64(n)
	c.exchangeWith(p).Sent(n)
	if len(b) > before {
		l.Frames--
	}
	if l.Done() || len(b) == before && before <= c.emptyFrame() {
		q.due &^= dueRuns
		c.dropJob(&q.job)
	}
	return b
}
