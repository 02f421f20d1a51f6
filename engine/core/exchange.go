package core

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/sched"
)

// The periodic exchange of a and b, in at most four frames when they differ
// and one when they do not:
//
//	a -> b  Sync(kind), fingerprint       b: equal, done
//	b -> a  Digest, or as Diff says    a compares
//	a -> b  Runs of what b lacks (push), Pull of what a lacks (pull)
//	b -> a  Runs
//
// With NoPrint a starts with its digest, and b answers as a does above.

// job is an answer under way to one peer.
type job struct {
	reconcile.Job
	peer uint32
	busy bool
	init bool
}

// takeJob gives a free job to the peer; 0 if all are busy.
func (c *Core) takeJob(p uint32) uint8 {
	for i := 1; i < len(c.jobs); i++ {
		j := &c.jobs[i]
		if j.busy {
			continue
		}
		if !j.init {
			j.Init(c.cfg.Limits.Wants)
			j.init = true
		}
		c.takeList(p, i)
		j.busy, j.peer = true, p
		j.Reset(c.lab.Frames, c.deltasLeft(p))
		j.Whole = c.lab.Whole
		return uint8(i)
	}
	c.counters.Drops[DropBusy]++
	return 0
}

// dropJob gives back the job that *at names, if any.
func (c *Core) dropJob(at *uint8) {
	if *at != 0 {
		c.jobs[*at].busy = false
		*at = 0
	}
}

func (m Mode) sync() codec.SyncKind {
	switch m {
	case Push:
		return codec.SyncPush
	case Pull:
		return codec.SyncPull
	default:
		return codec.SyncPushPull
	}
}

// exchangeAgain is what happens once an interval.
func (c *Core) exchangeAgain() {
	c.exchange()
	c.askRumors()
	c.wheel.Set(timerExchange, c.now+c.jitterLittle(c.cfg.Interval))
}

// exchange starts this interval's exchange with one peer.
func (c *Core) exchange() {
	var p uint32
	ok := false
	if c.lab.Uniform {
		var one [1]uint32
		ok = sched.Sample(&c.rand, c.provenPeers(), one[:]) == 1
		p = one[0]
	} else {
		p, ok = c.members.Next(&c.rand)
	}
	c.beginExchange(p)
	if ok {
		c.startExchange(p)
	}
}

func (c *Core) startExchange(p uint32) {
	c.counters.Exchanges++
	if c.lab.NoPrint {
		c.wantDigest(p, digestAsked(c.cfg.Mode.sync()))
		return
	}
	if !c.openTalk(p) {
		c.want(p, dueSync)
	}
}

// digestAsked is what a digest asks for in an exchange that its sender starts.
func digestAsked(k codec.SyncKind) codec.DigestFlags {
	switch k {
	case codec.SyncPush:
		return codec.DigestOffer
	case codec.SyncPull:
		return codec.DigestWantRuns
	default:
		return codec.DigestOffer | codec.DigestWantRuns
	}
}

// digestAnswering is what a digest asks for that answers a Sync: the other one
// started, so push and pull change sides.
func digestAnswering(k codec.SyncKind) codec.DigestFlags {
	switch k {
	case codec.SyncPush:
		return codec.DigestWantRuns
	case codec.SyncPull:
		return codec.DigestOffer
	default:
		return codec.DigestOffer | codec.DigestWantRuns
	}
}

// windowsMax bounds the frames of one digest.
const windowsMax = 4

func (c *Core) wantDigest(p uint32, f codec.DigestFlags) {
	c.peers[p].windows = c.windows()
	c.peers[p].digestFor = uint8(f)
	c.want(p, dueDigest)
}

// onSync compares fingerprints.
func (c *Core) onSync(p uint32, s codec.Sync) {
	if c.in.Flags&codec.FlagPrints == 0 || c.agrees() {
		c.counters.Agreements++
		return
	}
	c.differs(p, s)
}

// onDigest finds what the peer lacks and what we lack.
func (c *Core) onDigest(p uint32, d *codec.Digest) {
	if c.precise != nil {
		c.counters.Drops[DropMode]++
		return
	}
	if d.Flags&codec.DigestPartial != 0 {
		c.onBatch(p, d)
		return
	}
	if c.showed(p, d) {
		return
	}
	c.counters.DigestsReceived++
	j := c.openJobs(p, d.Flags)
	diff := reconcile.Compare(&c.store, (*book)(c), d, c.self, j.runs, j.pulls)
	if j.pulls == nil && d.Flags&codec.DigestOffer != 0 && j.runs != nil && j.runs.Len() == 0 {
		// The peer lacks nothing, so that the last free job serves us: else one
		// that can't be had for both directions would be had for none.
		c.dropJob(&c.peers[p].job)
		j = c.openJobs(p, codec.DigestOffer)
		diff = reconcile.Compare(&c.store, (*book)(c), d, c.self, nil, j.pulls)
	}
	c.closeJobs(p, &j, diff)
}

// offered arranges a job of runs and makes it due, or drops an empty one.
func (c *Core) offered(p uint32, j *reconcile.Job) {
	if j.Len() == 0 {
		c.dropJob(&c.peers[p].job)
		return
	}
	j.Arrange(c.cfg.Order, c.rand.Uint32n(1<<16))
	c.want(p, dueRuns)
}

// onPull queues runs of the origins that the peer names.
func (c *Core) onPull(p uint32, l *codec.Pull) {
	if c.precise != nil {
		c.counters.Drops[DropMode]++
		return
	}
	c.counters.PullsServed++
	q := &c.peers[p]
	if q.job == 0 {
		q.job = c.takeJob(p)
	}
	if q.job == 0 {
		return
	}
	j := &c.jobs[q.job].Job
	it, before := l.Entries(), j.Total()
	for {
		id, have, ok := it.Next()
		if !ok {
			break
		}
		o := c.resolve(id)
		if o == c.self && have < q.mail.At() && have > 0 {
			q.link.Lost(c.now)
		}
		if o != 0 && (c.store.Max(o) > have || have == 0) {
			j.Add(reconcile.Want{ID: c.store.ID(o), Origin: o, From: have, Missing: uint32(c.store.Missing(o, have))})
		}
	}
	c.lacks(p, j, before)
	c.offered(p, j)
}

// amnesia: somebody holds more of our generation than we wrote.
func (c *Core) amnesia(uint64) {
	if c.renewals.May(c.now) {
		c.renew(c.gen + 1)
	}
}

// composeDigest appends one window; it is rotated so that all are sent in turn.
func (c *Core) composeDigest(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	if c.precise != nil {
		return c.composePreciseDigest(b, limit, q)
	}
	if c.window != 0 && c.store.FirstAtOrAfter(c.window) == 0 {
		c.window = 0
	}
	out, next, last := reconcile.AppendWindow(b, limit, &c.store, c.window, codec.DigestFlags(q.digestFor))
	if out == nil {
		return b
	}
	c.window = next
	if q.windows--; q.windows == 0 || last {
		q.due &^= dueDigest
	}
	c.counters.DigestsSent++
	return out
}

// composeAsk appends the pull list that comparing a digest gave.
func (c *Core) composeAsk(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	if c.precise != nil {
		return c.composePrecisePull(b, limit, q)
	}
	j := &c.jobs[q.ask]
	var w codec.PullWriter
	if q.ask == 0 || !w.Begin(b, limit) {
		q.due &^= dueAsk
		return b
	}
	wants := j.Wants()
	for i := range wants {
		have := wants[i].From
		if o := wants[i].Origin; o != 0 && c.store.ID(o) == wants[i].ID {
			have = c.store.Max(o)
		}
		if !w.Add(wants[i].ID, have) {
			break // the rest differs still at the next exchange
		}
	}
	c.dropJob(&q.ask)
	q.due &^= dueAsk
	c.counters.PullsSent++
	return w.End()
}

// composeRuns appends what is left of the answer to the peer.
func (c *Core) composeRuns(b []byte, limit int, p uint32) []byte {
	q := &c.peers[p]
	if q.job == 0 {
		q.due &^= dueRuns
		return b
	}
	if c.precise != nil {
		return c.composePreciseRuns(b, limit, p)
	}
	j := &c.jobs[q.job]
	before := len(b)
	b, n := c.filler.Fill(b, limit, &j.Job, c.cfg.Order)
	c.counters.EntriesSent += uint64(n)
	c.exchangeWith(p).Sent(n)
	if len(b) > before {
		j.Frames--
	}
	if j.Done() || len(b) == before && before <= c.emptyFrame() {
		q.due &^= dueRuns
		c.dropJob(&q.job)
	}
	return b
}
