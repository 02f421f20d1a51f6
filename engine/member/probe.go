package member

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// watch is one member that this node observes. A round has up to Tries probes with the nonces base,
// base+1, ...; an answer to any of them, until the next round begins, is a success. When it is due
// is in Table.dues, and what it does in Table.queued and Table.waiting: if in neither, the next
// round starts when it is due.
type watch struct {
	peer     uint32
	base     uint32
	try      uint8 // probes sent in this round
	missed   uint8 // rounds missed in a row
	informed uint8 // observers told of the stance below
	stance   codec.Stance
	theirs   uint8         // its own health, as it last told
	scout    bool          // probed once, beyond this node's share (sparse.go)
	slows    uint8         // answers since one came within TimeoutMax
	round    sched.Instant // start of the round
	sent     [Tries]sched.Instant
	heard    sched.Instant // last answer, or any frame of it
	acked    sched.Instant // last answer
	rtt      sched.RTT
	least    sched.Instant // no round trip takes less; 0 unless that is more than TimeoutMax
	slow     sched.Instant // least round trip of those
	base0    uint32        // the round before: its first nonce, and when it was sent
	sent0    sched.Instant
	pair     pair
}

const watchBytes = 160

// watch starts to observe a member, at a random time within a period so that its observers spread
// out.
func (t *Table) watch(now sched.Instant, h uint32) (i int) {
	i = bits.TrailingZeros64(^t.taken)
	if i >= len(t.watches) {
		t.counters.FullWatch++
		return -1
	}
	t.taken |= 1 << i
	t.standings[h].seat = uint8(i + 1)
	t.watches[i] = watch{peer: h, heard: now, acked: now}
	t.due(i, now+sched.Instant(t.rand.Uint64n(uint64(t.cfg.Period))))
	if suspected(t.Status(h)) || t.shut(h) {
		t.dues[i], t.watches[i].heard = now, 0 // beginning to watch is no sign of life
	}
	return i
}

// freeWatches is how many more members can be watched.
func (t *Table) freeWatches() int { return len(t.watches) - bits.OnesCount64(t.taken) }

func (t *Table) unwatch(i int) {
	t.standings[t.watches[i].peer].seat = 0
	t.watches[i] = watch{}
	t.taken &^= 1 << i
	t.queued &^= 1 << i
	t.waiting &^= 1 << i
	t.votes &^= 1 << i
	t.judgeOld = true
}

func (t *Table) watching(h uint32) *watch {
	if i := t.watchOf(h); i >= 0 {
		return &t.watches[i]
	}
	return nil
}

func (t *Table) watchOf(h uint32) int {
	if h >= uint32(len(t.standings)) {
		return -1
	}
	return int(t.standings[h].seat) - 1
}

// idle reports that a watch is between two rounds.
func (t *Table) idle(i int) bool { return (t.queued|t.waiting)>>i&1 == 0 }

// advance is called when a watch is due: a round starts, the next try follows, or the round is
// missed.
func (t *Table) advance(now sched.Instant, i int) {
	w := &t.watches[i]
	switch {
	case t.idle(i):
		w.base0, w.sent0 = w.base, w.sent[0]
		w.round, w.try = now, 0
		t.counters.Rounds++
		w.base = uint32(t.rand.Uint64()) // nobody can answer what it has not seen
		fallthrough
	case w.try < Tries:
		t.queued |= 1 << i
		t.waiting &^= 1 << i
		t.judgeOld = true
	default:
		t.rest(now, i)
		t.miss(now, i)
	}
}

// rest ends a round. All watches begin their next one together, so that a node wakes up once a
// period for them and once for the answers. Beats are a period apart, less or more a thirty-second,
// so that no two observers stay in step, and go on from when they were due: a node that is late
// each time would never find out if they began when it wakes up.
func (t *Table) rest(now sched.Instant, i int) {
	t.queued &^= 1 << i
	t.waiting &^= 1 << i
	period := t.period(now)
	if now-t.beat >= period {
		t.beat = now - period + sched.Instant(t.rand.Uint64n(uint64(period))) // since long ago: anew
	}
	if t.beat <= now {
		t.beat = max(t.beat+period-period/32+sched.Instant(t.rand.Uint64n(uint64(period/16))), now)
	}
	t.due(i, t.beat)
}

// probe fills the next probe of a queued watch. Its time starts here, when it is pulled, not when
// it was due: a full socket is not the member's fault.
func (t *Table) probe(now sched.Instant, i int, s *Send) {
	w := &t.watches[i]
	t.queued &^= 1 << i
	t.waiting |= 1 << i
	w.sent[w.try] = now
	s.Kind, s.To, s.ID = SendProbe, w.peer, t.ring.ID(w.peer)
	s.Probe = t.belief(w.peer, w.base+uint32(w.try))
	t.echo(now, w, &s.Probe)
	w.try++
	t.due(i, now+t.timeout(w))
	t.counters.ProbesSent++
}

func (t *Table) belief(h, nonce uint32) codec.Probe {
	return codec.Probe{
		Target: t.ring.ID(h), Nonce: nonce, Incarnation: t.Incarnation(h), Status: t.Status(h), Health: t.health,
	}
}

// timeout of one try: max(4·srtt, TimeoutMin), at most TimeoutMax, times own health + 1.
func (t *Table) timeout(w *watch) sched.Instant {
	rto := min(max(4*w.rtt.Smoothed(), t.cfg.TimeoutMin), t.most(w))
	return rto * sched.Instant(t.health+1)
}

// most is TimeoutMax, but where the path alone takes longer, twice its least.
func (t *Table) most(w *watch) sched.Instant { return max(t.cfg.TimeoutMax, 2*w.least) }

// Long says that no round trip to a member takes less: its probes have to wait longer than
// TimeoutMax, or a member at the end of a long path would never answer in time. A shorter round
// trip ends it.
func (t *Table) Long(h uint32, least sched.Instant) {
	if w := t.watching(h); w != nil && h != 0 {
		if w.least == 0 {
			w.rtt.Sample(least)
		}
		w.least = least
	}
}

// slowMin is how many answers in a row, each later than TimeoutMax, make a path a long one.
const slowMin = 4

// lengthens looks at how long an answer took, one to the round before too: a path that became
// long while nobody sends anything else shows in late answers alone.
func (t *Table) lengthens(now sched.Instant, w *watch, rtt sched.Instant) {
	switch {
	case now < t.hold: // this node stood still
	case rtt <= t.cfg.TimeoutMax:
		w.slow, w.slows = 0, 0
	default:
		if w.slow == 0 || rtt < w.slow {
			w.slow = rtt
		}
		if w.slows = min(w.slows+1, slowMin); w.slows == slowMin && w.least == 0 {
			t.Long(w.peer, w.slow)
		}
	}
}

// miss ends a round without an answer.
func (t *Table) miss(now sched.Instant, i int) {
	w := &t.watches[i]
	t.counters.RoundsMissed++
	if w.scout {
		h := w.peer
		t.unwatch(i)
		t.silent(now, h)
		return
	}
	// Once for each silence, once a period, as a node of SWIM that has one probe a period, and not
	// while others answer in time: many real deaths must not silence the survivors.
	if w.missed == 0 && !t.shut(w.peer) && now-max(t.timelyAt, t.missedAt) > t.cfg.Period {
		t.missedAt = now
		t.sicken(now, 1)
	}
	w.missed = min(w.missed+1, 250)
	t.silent(now, w.peer)
	t.doubt(now, i)
}

// Refused takes in that the kernel of a member's host has answered a frame of ours with word that
// nobody listens at its port. That is noted until something of the member is heard: hosts say it a
// few times to each who sends, and then once a second (Linux: icmp_ratelimit), so what other frames
// were told counts for the probes. A round under way ends as missed; one that is not is begun, so
// that a forged word is found out and costs a probe. It does nothing else: a quorum of observers has
// to hear the same (Closed).
func (t *Table) Refused(now sched.Instant, h uint32) {
	if h == 0 || h == t.self || !t.entered(h) || !t.live(h) {
		return
	}
	t.standings[h].shut = true
	t.agree(now, h)
	i := t.watchOf(h)
	if i < 0 {
		return
	}
	t.counters.Refused++
	switch {
	case t.waiting>>i&1 != 0:
		if !t.watches[i].scout {
			t.rest(now, i)
		}
		t.miss(now, i)
	case t.idle(i):
		t.ask(now, i)
	}
}

// ask brings the next round of probes forward: to now, but not nearer than a quarter of a period to
// the last one.
func (t *Table) ask(now sched.Instant, i int) {
	t.due(i, min(t.dues[i], max(now, t.watches[i].round+t.cfg.Period/4)))
}

// Watches is how many members this node can observe at once.
func (t *Table) Watches() int { return len(t.watches) }

// Watching is the i-th member that this node observes, 0 for none; i is less than Watches.
func (t *Table) Watching(i int) uint32 { return t.watches[i].peer }

// doubt lets a miss count: a vote against the member, if this node may trust itself.
func (t *Table) doubt(now sched.Instant, i int) {
	w, s := &t.watches[i], codec.StanceAgainst
	switch {
	case t.shut(w.peer): // however late this node is: the word is not its own
		s = codec.StanceClosed
	case t.cfg.has(OwnHealth) && t.health >= t.cfg.BarFrom:
		t.counters.VotesBarred++
		w.stance = 0
		return
	}
	t.stand(now, i, s)
	t.count(now, w.peer)
}

// AnswerProbe makes the answer of the member me, in its incarnation and with status Alive or Left,
// to a probe: a pure function, so that it can be given before any other work. False: the probe is
// for someone else, or the accusation in it can't be true. An accusation is refuted by an
// incarnation one above it.
func AnswerProbe(me codec.Fact, health uint8, p *codec.Probe, ack *codec.ProbeAck) bool {
	if p.Target != me.ID {
		return false
	}
	*ack = codec.ProbeAck{Nonce: p.Nonce, Incarnation: me.Incarnation, Status: me.Status, Health: health}
	if me.Status == Alive && p.Status != Alive && p.Status != Buried && p.Incarnation >= me.Incarnation &&
		p.Incarnation-me.Incarnation <= IncarnationStep && p.Incarnation < IncarnationMax {
		ack.Incarnation = p.Incarnation + 1
	}
	return true
}

// OnProbe takes in a probe and fills the answer, which goes back before anything else is done. from
// is 0 for a stranger: it is answered, since a new member may know us first, but not believed.
// False: no answer.
func (t *Table) OnProbe(now sched.Instant, from uint32, p *codec.Probe, ack *codec.ProbeAck) bool {
	me := codec.Fact{ID: t.ring.ID(t.self), Incarnation: t.Incarnation(t.self), Status: t.Status(t.self)}
	if p.Target != me.ID {
		t.counters.DropTarget++
		return false
	}
	if t.leaving && now >= t.leaveUntil {
		return false
	}
	claim := *p
	if from == 0 || from == t.self || !t.cfg.has(Refutation) {
		claim.Status = Alive
	}
	AnswerProbe(me, t.health, &claim, ack)
	t.counters.ProbesAnswered++
	if from == 0 || from == t.self {
		t.counters.DropStranger++
		return true
	}
	t.Heard(now, from)
	t.probed(now, from, p)
	if claim.Status != Alive {
		t.accused(now, codec.Fact{ID: me.ID, Incarnation: p.Incarnation, Status: p.Status}, from)
	} else if p.Incarnation > me.Incarnation {
		t.counters.DropIncarnation++
	}
	if !t.live(from) {
		t.reviveSoon(now, from) // it is there: let it know what we believe
	}
	return true
}

// OnAck takes in an answer.
func (t *Table) OnAck(now sched.Instant, from uint32, a *codec.ProbeAck) {
	if from == 0 || from == t.self {
		t.counters.DropStranger++
		return
	}
	w := t.watching(from)
	if w == nil || a.Nonce-w.base >= uint32(w.try) {
		if w != nil && a.Nonce == w.base0 && w.sent0 != 0 && w.try > 0 {
			t.lengthens(now, w, now-w.sent0)
		}
		if !t.revive.answered(from, a.Nonce) {
			t.counters.AcksLate++
			return
		}
	} else {
		w.theirs = a.Health
		w.pair.arrived(now, a.Nonce)
		t.answered(now, t.watchOf(from), now-w.sent[a.Nonce-w.base])
	}
	t.counters.AcksTaken++
	t.Heard(now, from)
	if a.Status == Left || a.Incarnation > t.Incarnation(from) {
		t.learn(now, from, a.Incarnation, a.Status, from)
	}
}

// answered ends a round, or the doubt of the last one: an answer came, after a round trip that took
// so long.
func (t *Table) answered(now sched.Instant, i int, rtt sched.Instant) {
	w := &t.watches[i]
	t.timed(now, w, rtt)
	if w.scout {
		t.unwatch(i)
		t.improve(now)
		return
	}
	if !t.idle(i) {
		t.rest(now, i)
		t.improve(now)
	}
	t.trust(now, i)
}

// timed notes that an answer came, after a round trip that took so long.
func (t *Table) timed(now sched.Instant, w *watch, rtt sched.Instant) {
	w.acked = now
	t.lengthens(now, w, rtt)
	if rtt <= t.timeout(w) {
		t.timelyAt = now
	}
	if now >= t.hold && rtt > 0 {
		w.rtt.Sample(min(rtt, t.most(w)))
		if w.least != 0 {
			w.least = min(w.least, rtt)
		}
	}
}

// trust withdraws what this node said against a member that answers.
func (t *Table) trust(now sched.Instant, i int) {
	w := &t.watches[i]
	w.missed = 0
	if w.stance.Against() {
		t.stand(now, i, codec.StanceFor)
		t.count(now, w.peer)
	}
}

// Heard notes a frame of a member. It is a sign of life, but not of a round trip: it feeds the
// silence estimate, and it keeps a member alive whose only observer is this node.
func (t *Table) Heard(now sched.Instant, from uint32) {
	t.speaks(now, from)
	if w := t.watching(from); w != nil {
		w.heard = now
	}
	if from < uint32(len(t.silence)) {
		t.silence[from].heard(now)
	}
}

// RTT is the smoothed round trip to a member that this node watches, 0 if unknown.
func (t *Table) RTT(h uint32) sched.Instant {
	if w := t.watching(h); w != nil && h != 0 {
		return w.rtt.Smoothed()
	}
	return 0
}
