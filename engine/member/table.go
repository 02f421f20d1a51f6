package member

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/names"
	"github.com/quidnunc/quidnunc/sched"
)

// Table is what one node knows of the liveness of all members. One caller at a time; time never
// goes back; nothing allocates after Init, but where more members have a fact at once than ever had.
// Members have the caller's dense handles, 0 is nobody.
type Table struct {
	// What every frame and every turn asks for: these lines are in no near cache when there are
	// many tables.
	standings []standing // by handle
	silence   []silence  // by handle
	facts     []fact     // [0] is nil
	watches   []watch
	print     uint64
	queued    uint64    // watches whose next probe waits to be pulled
	votes     uint64    // watches whose vote is not told to all yet
	owe       uint64    // cases with replies to give
	hot       []hotFact // facts that are being spread

	correctionCount int           // of those in the queue;
	correcting      int           // those up to here are being sent
	pushLeft        int           // receivers left in this burst
	pushAt          sched.Instant // next burst
	rebuildAt       sched.Instant // Never: who is watched is up to date
	recountAt       sched.Instant // Never: all votes are counted
	calmAt          sched.Instant // own health improves by one here
	hold            sched.Instant // no judgement before
	graceAt         sched.Instant // not later than the first suspicion that runs out
	judgeAt         sched.Instant // the first judgement of a watch, unless judgeOld
	judgeOld        bool
	buried          bool // others have buried this node
	spent           bool // the own incarnation is near its maximum
	self            uint32
	changed         list // facts with news for the caller, by nextChanged
	repair          repair
	revive          revival
	lists           [codec.Statuses]list
	sparse          sparse

	taken   uint64          // watches in use
	waiting uint64          // watches that wait for an answer, until they are due
	dues    []sched.Instant // by watch
	beat    sched.Instant   // when the next rounds begin
	wary    wary

	cfg  Config
	lim  Limits
	ring *Ring
	rand sched.Rand

	free    uint32                        // list of unused facts, by next
	used    uint32                        // highest fact ever used
	sums    [codec.ObservedBuckets]uint64 // parts of print
	printAt sched.Instant                 // last change of print

	cases []ballots
	round uint32 // of the last vote sent
	seen  [seenVoters]seen

	pushedAt sched.Instant // last burst
	graves   *names.Graves

	corrections [64]correction

	health     uint8
	timelyAt   sched.Instant // last answer that came within its timeout
	missedAt   sched.Instant // last miss that lowered health
	leaving    bool
	leaveUntil sched.Instant

	witness witness // may be nil

	counters Counters
}

// Counters are plain words, written by the table's caller.
type Counters struct {
	Rounds, RoundsMissed                              uint64 // of probes, one observer to one member
	ProbesSent, ProbesAnswered, AcksTaken, AcksLate   uint64
	VotesSent, VotesTaken                             uint64
	VotesBarred                                       uint64 // not cast, own health being bad
	Suspicions, Deaths, Refutations, Buried, Revived  uint64
	Stalls                                            uint64 // own lateness beyond LagMin
	Refused                                           uint64 // words of a kernel that a watched member's port is closed
	FactsSent, FactsTaken, FactsStale, FactsEvicted   uint64
	Digests, Replies                                  uint64
	DropStranger                                      uint64 // from, or about, nobody that is a member
	DropSelf                                          uint64 // a vote for oneself, or about the receiver
	DropIncarnation                                   uint64 // too far ahead, or ahead of its only writer
	DropReplay                                        uint64 // a vote seen before
	DropElector                                       uint64 // a vote of one that doesn't watch the subject
	DropDead                                          uint64 // an accusation by a condemned member
	DropTarget                                        uint64 // a probe for someone else
	DropBody                                          uint64 // malformed
	FullFacts, FullWatch, FullCases, FullQueue, Grave uint64 // limits reached; news of a buried one
}

// Init makes the table of the member self, whose identifier is id. A ring may already hold members
// (then they are alive in the first incarnation): several tables that never Add or Remove may share
// one.
func (t *Table) Init(cfg *Config, lim Limits, ring *Ring, self uint32, id codec.OriginID, seed uint64, now sched.Instant) {
	if lim.Watch < Observers || lim.Watch > 64 || lim.Cases < 1 || lim.Cases > 64 || lim.Facts < 1 || lim.Hot < 1 ||
		lim.Hot >= 1<<16 || lim.Members > MembersMax || cfg.Fanout < 1 || cfg.Period < Tries*cfg.TimeoutMin {
		panic("member: limits or times out of range")
	}
	*t = Table{cfg: *cfg, lim: lim, ring: ring, self: self, judgeOld: true}
	t.rand.Seed(seed ^ uint64(id))
	t.standings = make([]standing, lim.Members+1)
	t.facts = make([]fact, 1, 1+min(lim.Facts, factsFirst))
	t.watches, t.dues = make([]watch, lim.Watch), make([]sched.Instant, lim.Watch)
	t.cases = make([]ballots, lim.Cases)
	t.hot = make([]hotFact, 0, lim.Hot)
	t.graves = new(names.Graves) // of its own, but where it is part of a Detector
	t.graves.Init([2]uint64{}, cfg.GraveAge)
	if lim.Silence > 0 {
		t.silence = make([]silence, lim.Silence+1)
	}
	t.pushAt, t.calmAt, t.graceAt, t.recountAt, t.hold = sched.Never, sched.Never, sched.Never, sched.Never, 0
	t.pushedAt, t.printAt, t.timelyAt, t.missedAt = now-cfg.Period, now-cfg.Period, now-2*cfg.Period, now-2*cfg.Period
	t.revive.at = sched.Never
	t.rebuildAt = now
	if ring.ID(self) == 0 && !ring.Add(self, id) || ring.ID(self) != id {
		panic("member: own handle or identifier is taken")
	}
	t.enter()
	t.obtain(self) // there is always room to refute
}

// Add enters a member under a handle of the caller. It is false when handle or identifier are out
// of range or taken, or the identifier is buried here: such an origin must come back under a new
// generation.
func (t *Table) Add(now sched.Instant, h uint32, id codec.OriginID) bool {
	if h >= uint32(len(t.standings)) || t.graves.Awake(now, id) || !t.ring.Add(h, id) {
		return false
	}
	t.standings[h].entered = true
	t.sparse.fewOld = true
	t.rebuildSoon(now)
	t.recountSoon(now)
	return true
}

// Remove forgets a member whose origin the caller has dropped, after which its handle may be used
// again. If it was dead or had left, and was not buried yet, it is buried. The node itself can't be
// removed.
func (t *Table) Remove(now sched.Instant, h uint32) bool {
	id := t.ring.ID(h)
	if id == 0 || h == t.self {
		return false
	}
	if t.parted(h) {
		t.bury(now, t.standings[h].fact)
	}
	t.forget(h)
	t.ring.Remove(h)
	t.standings[h].entered = false
	t.sparse.fewOld = true
	t.rebuildSoon(now)
	t.recountSoon(now)
	return true
}

// Zone notes the zone of a member: who watches it, and whom it watches, changes a little.
func (t *Table) Zone(now sched.Instant, h uint32, zone uint16) {
	if t.ring.Move(h, zone) {
		t.sparse.fewOld = true
		t.rebuildSoon(now)
		t.recountSoon(now)
	}
}

// forget drops all that is kept of a member by handle.
func (t *Table) forget(h uint32) {
	if f := t.standings[h].fact; f != 0 {
		t.release(f)
	}
	if i := t.watchOf(h); i >= 0 {
		t.unwatch(i)
	}
	for i := range t.cases {
		if t.cases[i].subject == h {
			t.cases[i] = ballots{}
			t.owe &^= 1 << i
		}
		t.cases[i].drop(h)
	}
	t.revive.forget(h)
	t.repair.forget(h)
	t.standings[h].mute, t.standings[h].shut = false, false
	if s := &t.seen[h%seenVoters]; s.voter == h {
		*s = seen{} // whoever has the handle next numbers votes from the start
	}
	for i := 0; i < t.correctionCount; i++ {
		if c := t.corrections[i]; c.to == h || c.about == h {
			t.correctionCount--
			t.corrections[i] = t.corrections[t.correctionCount]
			i--
		}
	}
	if t.silence != nil && h < uint32(len(t.silence)) {
		t.silence[h] = silence{}
	}
}

// Tick does what is due: timeouts, suspicions that run out, burials. Bounded by the limits.
func (t *Table) Tick(now sched.Instant) {
	if late := now - t.timer(); late >= t.cfg.LagMin {
		t.Lagged(now, late)
	}
	if now >= t.rebuildAt {
		t.rebuild(now)
	}
	for m := t.taken &^ t.queued; m != 0; m &= m - 1 {
		if i := bits.TrailingZeros64(m); now >= t.judgement(i) {
			t.advance(now, i)
		}
	}
	t.tickSparse(now)
	if now >= t.recountAt {
		t.recountAt = sched.Never
		for i := range t.cases {
			if s := t.cases[i].subject; s != 0 {
				t.count(now, s)
			}
		}
	}
	if now >= max(t.graceAt, t.hold) {
		t.expire(now)
	}
	t.buryOld(now)
	t.visit(now)
	t.recover(now)
	t.burst(now)
}

// Deadline is when Tick next has work.
func (t *Table) Deadline() sched.Instant {
	if len(t.hot) > 0 {
		return min(t.timer(), t.pushAt)
	}
	return t.timer()
}

// timer is when something is due that does not depend on what the caller pulls: lateness shows a
// stall.
func (t *Table) timer() sched.Instant {
	at := min(t.rebuildAt, t.recountAt, t.calmAt, t.revive.at, max(t.graceAt, t.hold), t.sparseAt())
	if t.judgeOld {
		t.judgeAt, t.judgeOld = t.firstJudgement(), false
	}
	return min(at, t.judgeAt, t.burialAt())
}

// firstJudgement is the soonest one. It does not change but with what a watch waits for, and with
// hold.
func (t *Table) firstJudgement() sched.Instant {
	at := sched.Instant(sched.Never)
	for m := t.taken &^ t.queued; m != 0; m &= m - 1 {
		at = min(at, t.judgement(bits.TrailingZeros64(m)))
	}
	return at
}

// judgement is when a watch has work: timeouts rest while the node recovers from a stall of its
// own.
func (t *Table) judgement(i int) sched.Instant {
	if t.waiting>>i&1 != 0 {
		return max(t.dues[i], t.hold)
	}
	return t.dues[i]
}

// due says when a watch has work next.
func (t *Table) due(i int, at sched.Instant) { t.dues[i], t.judgeOld = at, true }

// live tells whether a member takes part: it is alive or suspected.
func (t *Table) live(h uint32) bool { return t.Status(h) < Dead }

// parted tells whether a member is dead or has left, as far as is known.
func (t *Table) parted(h uint32) bool { return t.Status(h) == Dead || t.Status(h) == Left }

// Find gives the handle of an identifier, 0 for a stranger.
func (t *Table) Find(id codec.OriginID) uint32 { return t.ring.Find(id) }

// Health is the node's own: 0 is well, HealthMax is worst.
func (t *Table) Health() uint8 { return t.health }

// Self is the handle of the node itself, one above all that others have.
func (t *Table) Self() uint32 { return t.self }

// Exhausted tells that forged accusations have driven the own incarnation near its maximum: the
// caller should republish under a new generation.
func (t *Table) Exhausted() bool { return t.spent }

// Counters gives the table's counters, to read.
func (t *Table) Counters() *Counters { return &t.counters }

// LivePrint is the fingerprint of all observed facts, for the header of each frame. Members that
// are alive in their first incarnation and buried ones add nothing, so that it does not depend on
// who has heard of whom.
func (t *Table) LivePrint() uint64 { return t.print }
