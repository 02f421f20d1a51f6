package precise

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/due"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// windowWait is how long an answer waits for the rest of a digest whose last
// window is missing.
const windowWait = 20 * sched.Millisecond

// pauseFirst is how long two of whom one turns others away list no keys to each other once that has
// shown nothing new, and pauseMost how long at most: they differ for as long as that goes on.
const (
	pauseFirst = 1 // second
	pauseMost  = 16
)

// Host is the node around a comparison.
type Host interface {
	// Peer is what is kept of a peer; good until the host adds one.
	Peer(p uint32) *Peer
}

// Config is what precise mode is told before it starts.
type Config struct {
	Order   tune.Order
	Compare func(a, b *tune.Candidate) int // of tune.OrderPreciseOwn
	Kind    codec.SyncKind                 // of the exchanges that this node begins
	Frames  int                            // frames of one answer
	Jobs    int                            // answers under way at once, at least 2: one for each direction; half as many lists of origins to show
	Wants   int                            // entries in one answer
	NoPrint bool                           // exchanges begin with a digest
}

// Parts are what precise mode shares with the node around it.
type Parts struct {
	reconcile.Parts
	Host  Host
	Timer sched.Timer // it wakes Expire
}

// Precise is one node's part in precise mode. The zero Precise is not ready: call
// Init. One caller at a time.
type Precise struct {
	cfg     Config
	host    Host
	store   *state.Store
	rand    *sched.Rand
	board   *due.Board
	due     reconcile.Due
	budgets reconcile.Budgets
	timer   sched.Timer
	n       *reconcile.Counters
	outdone bool // by the frame at hand
	keys    keywise
	jobs    reconcile.Pool[job, *job]
	window  codec.PreciseDigest
	iter    codec.PreciseIter
	pull    codec.PrecisePull
}

// job is an answer under way to one peer.
type job struct {
	list
	peer uint32
	open sched.Instant // when its last window came; 0: complete
	at   mark          // of origins to list: where the next window goes on
}

// Peer is what is kept of a peer: the comparison that is under way with it.
type Peer struct {
	asks    codec.DigestFlags // of the digest that is due
	windows uint8             // of it that may still be sent
	runs    uint8             // the list that answers the peer
	pulls   uint8             // the list of what it is asked for
	shows   uint8             // the list of origins whose keys it is shown
	pause   uint8             // after the last digest, in seconds
	again   sched.Instant     // from when on there may be one, where one of the two turns others away
}

// Init makes precise mode ready. It panics without the comparator that the order
// needs. The store counts its fingerprint by key from then on.
func (x *Precise) Init(cfg *Config, parts *Parts) {
	if cfg.Order == tune.OrderPreciseOwn && cfg.Compare == nil {
		panic("precise: an own order needs a comparator")
	}
	*x = Precise{
		cfg: *cfg, host: parts.Host, store: parts.View.Store, rand: parts.Rand,
		board: parts.Board, due: parts.Due, budgets: parts.Budgets, timer: parts.Timer, n: parts.Count,
	}
	x.jobs.Init(cfg.Jobs+cfg.Jobs/2, cfg.Wants, &parts.Parts)
	x.keys.Init(&parts.View, parts.Filler, cfg.Order, cfg.Compare)
}

// Fingerprint is what members compare: equal ones hold the same.
func (x *Precise) Fingerprint() uint64 { return x.store.KeyPrint() }

// Reached is the version up to which a shell may look for news of an origin.
func (x *Precise) Reached(o state.Origin) uint64 { return max(x.store.Max(o), x.store.Last(o)) }

// Scattered reports that entries may be here beyond an origin's max. They may.
func (x *Precise) Scattered() bool { return true }

// Moved does nothing: each digest is read from the store.
func (x *Precise) Moved(state.Origin, sched.Instant, uint64) {}

// Forget does nothing.
func (x *Precise) Forget(state.Origin) {}

// Begin begins an exchange with a peer. It reports whether that starts with a
// Sync: AppendSync.
func (x *Precise) Begin(_ sched.Instant, p uint32) (sync bool) {
	if x.cfg.NoPrint {
		x.wantDigest(p, reconcile.AskedBy(x.cfg.Kind))
		return false
	}
	return true
}

// AppendSync appends the Sync that an exchange begins with.
func (x *Precise) AppendSync(b []byte, _ *reconcile.Page) (out []byte, done bool) {
	return codec.AppendSync(b, codec.Sync{Kind: x.cfg.Kind}), true
}

func (x *Precise) wantDigest(p uint32, f codec.DigestFlags) {
	t := x.host.Peer(p)
	t.windows, t.asks = x.windows(), f
	x.board.Want(p, x.due.Digest)
}

// windows is how many windows a digest has at most.
func (x *Precise) windows() uint8 { return uint8(min(4*x.cfg.Frames, 255)) }

// Receive takes a record of a comparison; runs are the host's.
func (x *Precise) Receive(f *reconcile.Frame, kind codec.Type, body []byte) reconcile.Verdict {
	ok := true
	x.keys.view.Now, x.keys.view.Full, x.outdone = f.Now, f.Full, false
	switch kind {
	case codec.TypeSync:
		s, err := codec.ParseSync(body)
		if ok = err == nil; ok {
			x.onSync(f, s)
		}
	case codec.TypePreciseDigest:
		if ok = codec.ParsePreciseDigest(body, &x.window, &x.iter) == nil; ok {
			x.onWindow(f, &x.window)
		}
	case codec.TypePull:
		var l codec.Pull
		if ok = codec.ParsePull(body, &l) == nil; ok {
			x.onWho(f, &l)
		}
	case codec.TypePrecisePull:
		if ok = codec.ParsePrecisePull(body, &x.pull) == nil; ok {
			x.onPull(f, &x.pull)
		}
	default:
		return reconcile.OtherMode
	}
	switch {
	case !ok:
		return reconcile.Malformed
	case x.outdone:
		return reconcile.Outdone
	}
	return reconcile.Taken
}

// onSync compares fingerprints.
func (x *Precise) onSync(f *reconcile.Frame, s codec.Sync) {
	if !f.Printed || f.Print == x.Fingerprint() {
		x.n.Agreements++
		return
	}
	if x.host.Peer(f.Peer).shows != 0 || x.spares(f) {
		return // it is shown what differs already
	}
	asks := reconcile.AnsweredBy(s.Kind)
	if x.keys.many() {
		asks |= codec.PrecisePrints
	}
	x.wantDigest(f.Peer, asks)
}

// spares tells that the peer is sent no digest now: one of the two turns others away, so they differ in
// any case, and the last digests showed nothing else. Where strangers are tried again, so are digests.
func (x *Precise) spares(f *reconcile.Frame) bool {
	t := x.host.Peer(f.Peer)
	shut, away := f.Full.Strangers()
	if x.store.TurnsAway() {
		shut, away = true, true // others try
	}
	switch {
	case !away:
		t.pause, t.again = 0, 0
		return false
	case f.Now < t.again && (shut || f.Now < t.again-sched.Instant(t.pause-pauseFirst)*sched.Second):
		return true
	}
	t.pause = min(max(pauseFirst, 2*t.pause), pauseMost)
	t.again = f.Now + sched.Instant(t.pause)*sched.Second
	return false
}

// found notes that a comparison with the peer showed what one of the two lacks: there may be more.
func (t *Peer) found(entries int) {
	if entries > 0 {
		t.pause, t.again = t.pause/2, 0
	}
}

// onWindow finds what the peer lacks and what we lack of a window.
func (x *Precise) onWindow(f *reconcile.Frame, d *codec.PreciseDigest) {
	x.n.DigestsReceived++
	p := f.Peer
	t := x.host.Peer(p)
	var runs, pulls, shows *list
	if d.Flags&codec.PrecisePrints != 0 { // the first of them: without it nothing comes of the others
		shows = x.listOf(p, &t.shows)
	}
	if d.Flags&codec.DigestWantRuns != 0 {
		runs = x.listOf(p, &t.runs)
	}
	if d.Flags&codec.DigestOffer != 0 {
		pulls = x.listOf(p, &t.pulls)
	}
	before := runs.Len()
	x.keys.author, x.keys.found = f.Author, 0
	if d.Flags&codec.PrecisePrints != 0 {
		x.keys.ComparePrints(d, runs, pulls, shows, x.rand)
	} else {
		x.outdone = x.keys.Compare(d, runs, pulls)
	}
	t.found(x.keys.found)
	x.budgets.Lacks(f.Now, p, runs.Len()-before)
	final := d.Flags&codec.DigestFinal != 0
	if runs != nil {
		x.gathered(f.Now, &t.runs, x.due.Runs, final)
	}
	if pulls != nil {
		x.gathered(f.Now, &t.pulls, x.due.Ask, final)
	}
	if shows != nil {
		t.windows, t.asks = x.windows(), mirrored(d.Flags)|codec.PrecisePrints
		x.gathered(f.Now, &t.shows, x.due.Digest, final)
	}
}

// onPull answers a part of a pull list.
func (x *Precise) onPull(f *reconcile.Frame, l *codec.PrecisePull) {
	x.n.PullsServed++
	p := f.Peer
	t := x.host.Peer(p)
	at := &t.runs
	if runs := x.listOf(p, at); runs != nil {
		before := runs.Len()
		x.keys.found = 0
		x.keys.Answer(l, runs)
		t.found(x.keys.found)
		x.budgets.Lacks(f.Now, p, runs.Len()-before)
		x.gathered(f.Now, at, x.due.Runs, l.Final)
	}
}

// onWho introduces whom the peer asks for: it knows of them by hearsay (package gaps). It
// asks for no runs.
func (x *Precise) onWho(f *reconcile.Frame, l *codec.Pull) {
	at := &x.host.Peer(f.Peer).runs
	if runs := x.listOf(f.Peer, at); runs != nil {
		x.keys.Introduce(l, runs)
		x.gathered(f.Now, at, x.due.Runs, true)
	}
}

// listOf gives the list that *at names, or a new one for the peer; nil if all are
// busy.
func (x *Precise) listOf(p uint32, at *uint8) *list {
	l, fresh := x.jobs.Take(at)
	if fresh {
		l.peer, l.open, l.at.id = p, 0, 0
		l.Reset(x.cfg.Frames, x.budgets.Left(x.keys.view.Now, p))
		l.Salt = x.rand.Uint64()
	}
	if l == nil {
		return nil
	}
	return &l.list
}

// gathered makes a list due when it is complete: only then is its order known.
func (x *Precise) gathered(now sched.Instant, at *uint8, due uint32, final bool) {
	l := x.jobs.At(*at)
	switch {
	case !final:
		l.open = now
		x.timer.SetOnce(now + windowWait)
	case l.Len() == 0:
		x.jobs.Drop(at)
	default:
		l.open = 0
		x.board.Want(l.peer, due)
	}
}

// Expire answers digests and pull lists whose end was lost.
func (x *Precise) Expire(now sched.Instant) {
	next := sched.Never
	for i := x.jobs.Next(0); i != 0; i = x.jobs.Next(i) {
		l := x.jobs.At(i)
		if l.open == 0 {
			continue
		}
		if now-l.open < windowWait {
			next = min(next, l.open+windowWait)
			continue
		}
		switch t := x.host.Peer(l.peer); i {
		case t.runs:
			x.gathered(now, &t.runs, x.due.Runs, true)
		case t.pulls:
			x.gathered(now, &t.pulls, x.due.Ask, true)
		case t.shows:
			x.gathered(now, &t.shows, x.due.Digest, true)
		}
	}
	if next != sched.Never {
		x.timer.SetOnce(next)
	}
}

// Drop gives up what is under way with a peer; exchanges find it again.
func (x *Precise) Drop(p uint32) {
	t := x.host.Peer(p)
	x.jobs.Drop(&t.runs)
	x.jobs.Drop(&t.pulls)
	x.jobs.Drop(&t.shows)
}

// DropRuns gives up the runs that are under way to a peer: it asks again.
func (x *Precise) DropRuns(p uint32) { x.jobs.Drop(&x.host.Peer(p).runs) }
