package core

import (
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/reconcile"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// Ring repair is the closed loop of the anti-entropy literature. The live members
// stand in a ring by id. A token walks round it twice but for the last two steps,
// 2(N-1) hops, and whoever holds it repairs its successor:
//
//	holder -> successor  [Repair open, at]     show me what you hold from there on
//	successor -> holder  [Digest from at]
//	holder -> successor  Run ..., [Repair open] what I have and it has not
//	     ...             until it lacks nothing, window by window
//	holder -> successor  [Repair pass]         the walk is yours
//	successor -> holder  [Repair confirm]
//	holder -> starter    [Repair report]
//
// An origin that the successor lacks is copied whole, one that differs by the
// difference. A successor that does not answer is skipped; what it can't take, or
// what its author writes faster than it travels, is left to the exchanges.

const (
	repairRTOMin = 20 * sched.Millisecond
	repairRTOMax = 250 * sched.Millisecond
	repairWait   = sched.Second      // longest between two questions
	repairTries  = 5                 // then the successor is skipped
	repairStalls = 8                 // equal answers in a row that lack something
	repairRounds = 8                 // of a window in which only moving origins lack something
	walkPatience = 10 * sched.Second // without news a walk is lost
	reportEvery  = 2 * sched.Second  // on a hop that takes long
	tokensMax    = 16
)

// repairs is this node's part in ring repair.
type repairs struct {
	ready  bool
	walker walk.Walker
	hops   [walk.WalksMax]hop
	ring   []codec.OriginID // scratch
	tokens []outgoing       // that wait for their frames
	final  final
}

type outgoing struct {
	peer  uint32
	token codec.Token
}

// final is the report that a walk has ended, until its starter confirms it.
type final struct {
	token codec.Token
	next  sched.Instant
	tries uint8
}

// hop is one repair of a successor.
type hop struct {
	id       codec.OriginID // the successor
	at       codec.OriginID // the window that is compared begins here
	counted  codec.OriginID // origins below it are in the counts
	started  sched.Instant
	asked    sched.Instant
	next     sched.Instant // when to ask again
	reported sched.Instant
	answer   uint64 // hash of the last one
	rounds   uint32 // answers for this window
	copied   uint32
	patched  uint32
	entries  uint64
	tries    uint8
	stalls   uint8
}

func (c *Core) readyRepairs() *repairs {
	r := &c.repairs
	if !r.ready {
		r.ready = true
		r.walker.Init(c.id)
		r.tokens = make([]outgoing, 0, tokensMax)
	}
	return r
}

// RepairState says how a walk that this node started stands.
type RepairState uint8

// The states of an own walk.
const (
	RepairIdle RepairState = iota // there is none
	RepairWalking
	RepairDone
	RepairLost // no news for long: a member went with the token
)

// StartRepair starts a walk of ring repair from here. It returns false if one
// that was started here is under way, if this node takes part in too many, or if
// the cluster compares by key.
func (c *Core) StartRepair(now sched.Instant) bool {
	c.enter(now)
	if c.vectors == nil {
		return false
	}
	r := c.readyRepairs()
	if !r.walker.Start(c.rand.Uint64()|1, c.liveRing(), now, walkPatience) {
		return false
	}
	c.stepRepairs()
	return true
}

// Repairing tells of the own walk as of the last news from it.
func (c *Core) Repairing(now sched.Instant) (t codec.Token, s RepairState) {
	if !c.repairs.ready {
		return t, RepairIdle
	}
	w := &c.repairs.walker
	t, done := w.Progress()
	switch {
	case t.Walk == 0:
		return t, RepairIdle
	case done:
		return t, RepairDone
	case w.Lost(now):
		return t, RepairLost
	}
	return t, RepairWalking
}

// EndRepair forgets the own walk. Its token goes on where it is.
func (c *Core) EndRepair() {
	if c.repairs.ready {
		c.repairs.walker.End()
	}
}

// repairPeriod starts a walk from the first member of the ring, so that a cluster
// in which all have the same period has one walk at a time.
func (c *Core) repairPeriod() {
	c.wheel.Set(timerPeriod, c.now+c.jitterLittle(c.cfg.RepairEvery))
	if ring := c.liveRing(); len(ring) < 2 || ring[0] != c.id {
		return
	}
	if _, s := c.Repairing(c.now); s == RepairLost {
		c.EndRepair()
	}
	c.StartRepair(c.now)
}

// liveRing lists the members that can be sent to, and ourselves, by id.
func (c *Core) liveRing() []codec.OriginID {
	ring := append(c.repairs.ring[:0], c.id)
	for p := 1; p < len(c.peers); p++ {
		if c.repairable(uint32(p)) {
			ring = append(ring, c.peers[p].id)
		}
	}
	slices.Sort(ring)
	c.repairs.ring = ring
	return ring
}

func (c *Core) repairable(p uint32) bool {
	q := &c.peers[p]
	return p != 0 && q.open() && c.guard.Reachable(p)
}

// stepRepairs does what is due in the walks that are here.
func (c *Core) stepRepairs() {
	r := &c.repairs
	next := sched.Never
	for i := range r.hops {
		next = min(next, c.stepHop(i))
	}
	if f := &r.final; f.token.Walk != 0 {
		if c.now >= f.next {
			c.reportFinal()
		}
		if f.token.Walk != 0 {
			next = min(next, f.next)
		}
	}
	if next != sched.Never {
		c.wheel.Set(timerRepair, next)
	}
}

// stepHop asks the successor again when it is time, and goes on with the next
// member when it does not answer. It returns when it is to be called again.
func (c *Core) stepHop(i int) sched.Instant {
	r := &c.repairs
	h := &r.hops[i]
	for {
		id := r.walker.Repairs(i, c.liveRing())
		if id == 0 {
			*h = hop{}
			return sched.Never
		}
		if h.id != id {
			*h = hop{id: id, started: c.now, next: c.now, reported: c.now}
		}
		if p := c.byID.find(id); c.repairable(p) && h.tries <= repairTries {
			if c.now >= h.next {
				c.ask(i, p)
			}
			return h.next
		}
		*h = hop{}
		if !r.walker.Missed(i, c.liveRing()) {
			return sched.Never
		}
		t, _ := r.walker.Passing(i)
		c.report(&t)
	}
}

// ask sends the successor of walk i what it is to answer.
func (c *Core) ask(i int, p uint32) {
	r := &c.repairs
	h, q := &r.hops[i], &c.peers[p]
	t, passing := r.walker.Passing(i)
	wait := q.link.RTT.RTO(repairRTOMin, repairRTOMax)
	switch {
	case passing:
		t.Kind = codec.TokenPass
		c.sendToken(p, &t)
		h.tries++
	default:
		t.Kind, t.At = codec.TokenOpen, h.at
		c.sendToken(p, &t) // behind the runs that are on their way
		if !q.compare.Answering() {
			h.tries++
		}
	}
	h.asked, h.next = c.now, c.now+min(wait<<max(h.tries, 1)/2, repairWait)
	if !passing && c.now-h.reported > reportEvery {
		h.reported = c.now
		t.Copied, t.Patched, t.Entries = t.Copied+h.copied, t.Patched+h.patched, t.Entries+h.entries
		c.report(&t)
	}
}

// sendToken makes a token due at p. One of the same kind, walk and hop that waits
// still is overwritten.
func (c *Core) sendToken(p uint32, t *codec.Token) {
	r := &c.repairs
	c.want(p, dueToken)
	for i := range r.tokens {
		if o := &r.tokens[i]; o.peer == p && o.token.Kind == t.Kind && o.token.Walk == t.Walk {
			o.token = *t
			return
		}
	}
	if len(r.tokens) == cap(r.tokens) {
		c.counters.Drops[DropBusy]++
		return
	}
	r.tokens = append(r.tokens, outgoing{p, *t})
}

// composeTokens appends the tokens for p, and the digest that it asked for.
func (c *Core) composeTokens(b []byte, limit int, p uint32) []byte {
	q, r := &c.peers[p], &c.repairs
	q.due &^= dueToken
	for i := 0; i < len(r.tokens); {
		if r.tokens[i].peer != p {
			i++
			continue
		}
		if len(b)+codec.RecordBytes+codec.TokenBytes > limit {
			q.due |= dueToken
			return b
		}
		b = codec.AppendToken(b, &r.tokens[i].token)
		r.tokens[i] = r.tokens[len(r.tokens)-1]
		r.tokens = r.tokens[:len(r.tokens)-1]
	}
	if q.showing {
		out, _, _ := reconcile.AppendWindow(b, limit, &c.store, q.showAt, codec.DigestWantRuns)
		if out == nil {
			q.due |= dueToken // it goes into a frame of its own
			return b
		}
		q.showing = false
		c.counters.DigestsSent++
		return out
	}
	return b
}

// dropTokens gives up what waits for a peer that can't be sent to.
func (c *Core) dropTokens(p uint32) {
	l := c.repairs.tokens
	for i := 0; i < len(l); {
		if l[i].peer != p {
			i++
			continue
		}
		l[i] = l[len(l)-1]
		l = l[:len(l)-1]
	}
	c.repairs.tokens = l
}

// onToken takes a Repair record.
func (c *Core) onToken(p uint32, body []byte) bool {
	var t codec.Token
	if codec.ParseToken(body, &t) != nil {
		return false
	}
	if c.vectors == nil {
		c.counters.Drops[DropMode]++
		return true
	}
	r := c.readyRepairs()
	switch t.Kind {
	case codec.TokenOpen:
		c.peers[p].showAt, c.peers[p].showing = t.At, true
		c.want(p, dueToken)
	case codec.TokenPass:
		c.takeToken(p, &t)
	case codec.TokenConfirm:
		c.confirmed(p, &t)
	case codec.TokenReport:
		if t.Starter != c.id {
			break
		}
		r.walker.News(&t, c.now)
		if t.Hop >= t.Hops {
			t.Kind = codec.TokenConfirm
			c.sendToken(p, &t)
		}
	}
	return true
}

// takeToken takes over a walk.
func (c *Core) takeToken(p uint32, t *codec.Token) {
	if t.Hops > 2*walk.Hops(c.store.Len()) {
		c.counters.Drops[DropForged]++ // no walk over the members that we know of
		return
	}
	took := c.repairs.walker.Take(t)
	if took == walk.Busy {
		c.counters.Drops[DropBusy]++
		return
	}
	confirm := *t
	confirm.Kind = codec.TokenConfirm
	c.sendToken(p, &confirm)
	switch took {
	case walk.Taken:
		c.counters.RepairHops++
		c.stepRepairs()
	case walk.Finished:
		c.report(t)
		if t.Starter != c.id {
			c.repairs.final = final{token: *t, next: c.now}
			c.stepRepairs()
		}
	}
}

// confirmed ends a hop, or the last report.
func (c *Core) confirmed(p uint32, t *codec.Token) {
	r, id := &c.repairs, c.peers[p].id
	if f := &r.final; f.token.Walk == t.Walk && f.token.Starter == id {
		*f = final{}
	}
	for i := range r.hops {
		token, passing := r.walker.Passing(i)
		if !passing || token.Walk != t.Walk || token.Hop != t.Hop || r.hops[i].id != id {
			continue
		}
		if r.walker.Confirmed(id, t.Walk, t.Hop) {
			r.hops[i] = hop{}
			c.report(&token)
		}
		return
	}
}

// report tells the starter how far its walk is.
func (c *Core) report(t *codec.Token) {
	news := *t
	news.Kind = codec.TokenReport
	if t.Starter == c.id {
		c.repairs.walker.News(&news, c.now)
	} else if p := c.byID.find(t.Starter); c.repairable(p) {
		c.sendToken(p, &news)
	}
}

// reportFinal tells the starter that its walk has ended, again and again until it
// confirms.
func (c *Core) reportFinal() {
	f := &c.repairs.final
	p := c.byID.find(f.token.Starter)
	if !c.repairable(p) || f.tries > repairTries {
		*f = final{}
		return
	}
	c.report(&f.token)
	f.next = c.now + c.peers[p].link.RTT.RTO(repairRTOMin, repairRTOMax)<<f.tries
	f.tries++
}

// showed takes a digest of a successor that was asked for it. It reports whether
// it was one.
func (c *Core) showed(p uint32, body []byte) (ours bool) {
	r, d := &c.repairs, codec.Digest{}
	if !r.ready || codec.ParseDigest(body, &d) != nil || d.Flags != codec.DigestWantRuns {
		return false
	}
	for i := range r.hops {
		h := &r.hops[i]
		if _, passing := r.walker.Passing(i); passing || h.id == 0 || h.id != c.peers[p].id || d.Lo != h.at {
			continue
		}
		ours = true
		if h.tries == 1 {
			c.peers[p].link.RTT.Sample(c.now - h.asked)
		}
		h.tries, h.next = 0, c.now
		switch hi := c.repairWindow(p, h, &d); {
		case hi == 0: // it lacks something still
			c.stepRepairs()
		case hi == reconcile.LastID:
			r.walker.Repaired(i, h.copied, h.patched, h.entries)
			c.stepRepairs()
		default:
			h.at, h.stalls, h.rounds, h.answer = hi+1, 0, 0, 0
			c.stepRepairs()
		}
	}
	return ours
}

// repairWindow sends what the successor lacks of a window. It returns the end of
// what it is level in, 0 when it is to be asked again.
func (c *Core) repairWindow(p uint32, h *hop, d *codec.Digest) codec.OriginID {
	c.counters.DigestsReceived++
	if c.vectors.Agrees(&c.received) {
		return reconcile.LastID
	}
	underway := c.peers[p].compare.Answering()
	j := c.vectors.Open(p, codec.DigestWantRuns)
	if j.Runs == nil {
		return 0
	}
	lacking, moving := 0, true
	it, e := d.Entries(), codec.DigestEntry{}
	more, hash := it.Next(&e), uint64(0)
	for o := c.store.FirstAtOrAfter(d.Lo); o != 0 && c.store.ID(o) <= d.Hi; o = c.store.Following(o) {
		id := c.store.ID(o)
		for more && e.ID < id {
			more = it.Next(&e)
		}
		theirs, listed := walk.Copy{}, more && e.ID == id
		if listed {
			theirs = walk.Copy{Max: e.Max, Floor: e.Floor}
			hash = (hash ^ uint64(id) ^ e.Max<<1 ^ e.Floor) * 0x9e3779b97f4a7c15
		}
		from, lacks := c.repairFrom(o, theirs, listed)
		if !lacks || c.origins[o].peer == p {
			continue
		}
		lacking++
		moving = moving && c.origins[o].movedAt > h.started
		w := reconcile.Want{ID: id, Origin: o, From: from, Missing: uint32(c.store.Missing(o, from))}
		if id >= h.counted {
			h.count(theirs.Max == 0, w.Missing)
		}
		j.Runs.Add(w)
	}
	c.vectors.Close(p, &j)
	h.counted = max(h.counted, d.Hi+1)
	if d.Hi == reconcile.LastID {
		h.counted = d.Hi
	}
	if lacking == 0 || !underway && h.stalled(hash) || moving && h.rounds > repairRounds {
		return d.Hi
	}
	return 0
}

// repairFrom says whether a copy of an origin lacks something, and from which
// version on it is repaired.
func (c *Core) repairFrom(o state.Origin, theirs walk.Copy, listed bool) (from uint64, lacks bool) {
	mine := walk.Copy{Max: c.store.Max(o), Floor: c.store.Floor(o)}
	r, from := walk.Compare(mine, theirs)
	switch {
	case !listed:
		return 0, true
	case r == walk.Level || r == walk.Ahead:
		return 0, false
	}
	return from, true
}

func (h *hop) count(absent bool, entries uint32) {
	h.entries += uint64(entries)
	if absent {
		h.copied++
	} else {
		h.patched++
	}
}

// stalled notes an answer that lacks something, and reports whether the same one
// came too often: the successor can't take what it lacks.
func (h *hop) stalled(answer uint64) bool {
	h.rounds++
	if answer != h.answer || h.rounds == 1 {
		h.answer, h.stalls = answer, 0
		return false
	}
	h.stalls++
	return h.stalls >= repairStalls
}
