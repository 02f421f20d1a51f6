package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// fact is what is known of a member that is not simply alive in its first incarnation.
type fact struct {
	member      uint32
	incarnation uint32
	by          uint32 // who told
	prev, next  uint32 // in the list of its status
	nextChanged uint32
	hot         uint16 // place among the hot facts + 1
	status      Status
	reported    Status // last given to the caller
	votes       uint8  // counted when this node suspected it
	health      uint8  // own, then
	news        bool   // in the list of changes
	solo        bool   // suspected with one observer left, this node
	claimed     bool   // others say it is dead
	again       bool   // others are asked a last time; it is, where only it was told
	since       sched.Instant
	until       sched.Instant // Suspect, Closed: dead then
}

const (
	factBytes  = 56
	factsFirst = 16 // that there is room for from the start
)

// list of facts with one status, in the order in which they got it. 0 ends it.
type list struct {
	head, tail uint32
	len        int
}

// key orders what may be said of a member: the higher incarnation, then the worse status. Merging
// takes the maximum, so that all orders of the same news end alike. (SWIM §4.2, but for Dead, which
// SWIM lets override all incarnations: here the condemned may come back with a higher one.)
func key(incarnation uint32, s Status) uint64 { return uint64(incarnation)<<3 | uint64(s) }

// mix is what a fact adds to the fingerprint.
func mix(id codec.OriginID, incarnation uint32, s Status) uint64 {
	if s == Buried || key(incarnation, s) == 0 {
		return 0
	}
	z := uint64(id) ^ (key(incarnation, s)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// bucket is the part of the identifier space that an identifier belongs to.
func bucket(id codec.OriginID) int { return int(id >> 58) }

func (t *Table) addPrint(now sched.Instant, f *fact, sign uint64) {
	id := t.ring.ID(f.member)
	m := mix(id, f.incarnation, f.status) * sign
	t.print += m
	t.sums[bucket(id)] += m
	t.printAt = now
}

const minus = 1<<64 - 1 // as a factor

// obtain gives the fact of a member, a new one if it has none; nil when all are in use. Where more are
// in use than ever were, they may move: no pointer to one outlives the call.
func (t *Table) obtain(h uint32) *fact {
	if i := t.standings[h].fact; i != 0 {
		return &t.facts[i]
	}
	i := t.free
	switch {
	case i != 0:
		t.free = t.facts[i].next
	case int(t.used) < t.lim.Facts:
		t.used++
		if i = t.used; int(i) == len(t.facts) {
			t.facts = append(t.facts, fact{})
		}
	default:
		t.counters.FullFacts++
		return nil
	}
	t.standings[h].fact = i
	t.facts[i] = fact{member: h}
	t.push(&t.lists[Alive], i)
	return &t.facts[i]
}

// release ends a fact with its member.
func (t *Table) release(i uint32) {
	f := &t.facts[i]
	t.addPrint(t.printAt, f, minus)
	t.unlink(&t.lists[f.status], i)
	t.cool(i)
	if f.news {
		t.unreport(i)
	}
	t.standings[f.member].fact = 0
	*f = fact{next: t.free}
	t.free = i
}

func (t *Table) push(l *list, i uint32) {
	f := &t.facts[i]
	f.prev, f.next = l.tail, 0
	if l.tail != 0 {
		t.facts[l.tail].next = i
	} else {
		l.head = i
	}
	l.tail = i
	l.len++
}

func (t *Table) unlink(l *list, i uint32) {
	f := &t.facts[i]
	if f.prev != 0 {
		t.facts[f.prev].next = f.next
	} else {
		l.head = f.next
	}
	if f.next != 0 {
		t.facts[f.next].prev = f.prev
	} else {
		l.tail = f.prev
	}
	l.len--
}

// set is the only place where a member's fact changes: fingerprint, lists, what is hot, what the
// caller hears. Nil when there is no room for another fact.
func (t *Table) set(now sched.Instant, h, incarnation uint32, s Status, by uint32) *fact {
	f := t.obtain(h)
	if f == nil {
		return nil
	}
	i, was := t.standings[h].fact, f.status
	t.addPrint(now, f, minus)
	t.unlink(&t.lists[was], i)
	f.incarnation, f.status, f.by = incarnation, s, by
	if h == t.self {
		t.spent = incarnation >= IncarnationMax-2*IncarnationStep
	}
	f.since, f.until = now, sched.Never
	f.health, f.votes, f.solo, f.claimed, f.again = t.health, 0, false, false, false
	t.push(&t.lists[s], i)
	t.addPrint(now, f, 1)
	t.report(i)
	if s != Buried {
		t.heat(now, i)
	} else {
		t.cool(i)
	}
	t.recountSoon(now)
	if (was < Dead) != (s < Dead) {
		t.sparse.fewOld = true
		t.rebuildSoon(now)
	}
	t.note(now, was, s)
	if i := t.watchOf(h); i >= 0 && suspected(s) && t.idle(i) {
		t.due(i, now) // tell it at once: the answer is its refutation
	}
	return f
}

// grace starts the time in which a suspect may refute. A node that does not trust itself waits
// longer.
func (t *Table) grace(now sched.Instant, f *fact) {
	g := t.cfg.Grace
	switch {
	case f.status == Closed:
		g = t.cfg.ClosedGrace
	case f.solo:
		g = t.cfg.SoloGrace
	case !f.claimed:
		g += sched.Instant(t.health/t.cfg.BarFrom) * min(g, 3*t.cfg.Period/2)
	}
	f.until = f.since + g
	t.graceAt = min(t.graceAt, f.until)
}

// expire condemns the suspects whose grace is over. Who counted the votes does so at once. Who
// knows the suspicion from others waits a little longer, for the word of those, and repeats the
// accusation to a few members meanwhile: one that knows better corrects it. Who was alone asks the
// suspect itself a last time, if it did not do so all along.
func (t *Table) expire(now sched.Instant) {
	t.graceAt = sched.Never
	t.expireAll(now, Closed)
	t.expireAll(now, Suspect)
}

func (t *Table) expireAll(now sched.Instant, s Status) {
	for i := t.lists[s].head; i != 0; {
		f := &t.facts[i]
		i = f.next
		if f.solo && s == Suspect && now >= f.until {
			w := t.watching(f.member)
			switch {
			case w != nil && w.heard > f.since:
				f.since, f.until = now, now+t.cfg.SoloGrace // something of it still arrives
				t.correctSoon(f.member, f.member)
			case w == nil && !f.again: // nothing was asked of it since, and only it was told
				f.again, f.until = true, now+t.cfg.again()
				t.correctSoon(f.member, f.member)
				t.look(now, f.member)
			}
		}
		if now >= f.until && !f.again && f.by != t.self {
			f.again, f.until = true, now+t.cfg.again()
			t.heat(now, t.standings[f.member].fact)
		}
		switch {
		case t.leaving:
		case now >= f.until:
			t.set(now, f.member, f.incarnation, Dead, f.by)
		default:
			t.graceAt = min(t.graceAt, f.until)
		}
	}
}

// OnFacts takes in facts that a member spreads. A condemned member is not believed: it may be one
// that hears nobody and condemns everybody. Nor is one under suspicion where it accuses others: its
// vote does not count either, and what is true of it others say, too.
func (t *Table) OnFacts(now sched.Instant, from uint32, facts codec.Facts) {
	if from == 0 || from == t.self {
		t.counters.DropStranger++
		return
	}
	t.Heard(now, from)
	for i := range facts.Len() {
		t.onFact(now, from, facts.At(i))
	}
}

func (t *Table) onFact(now sched.Instant, from uint32, f codec.Fact) {
	h := t.ring.Find(f.ID)
	switch {
	case h == t.self:
		t.accused(now, f, from)
	case h == 0 && t.graves.Awake(now, f.ID):
		t.counters.Grave++
	case h == 0:
		t.counters.DropStranger++
	case h != from && (!t.live(from) || accuses(f.Status) && t.Status(from) != Alive):
		t.counters.DropDead++
	case h == from && accuses(f.Status):
		t.counters.DropSelf++
	default:
		t.learn(now, h, f.Incarnation, f.Status, from)
	}
}

// learn merges a fact about another member. No member goes from alive to dead in one step: whoever
// hears of a death only, gives a grace of its own first. So two halves that believed each other
// dead do not kill when they meet.
func (t *Table) learn(now sched.Instant, h, incarnation uint32, s Status, by uint32) {
	have, was := t.Incarnation(h), t.Status(h)
	if incarnation > have && incarnation-have > IncarnationStep || incarnation > IncarnationMax ||
		incarnation == IncarnationMax && s != Alive {
		t.counters.DropIncarnation++
		return
	}
	if key(incarnation, s) <= key(have, was) || was == Buried {
		t.counters.FactsStale++
		if key(incarnation, s) == key(have, was) {
			t.known(t.standings[h].fact)
		}
		if was == Alive && s != Alive && incarnation < have {
			t.correctSoon(by, h)
		}
		return
	}
	if s == Buried && was == Left && !t.settled(now, h) {
		t.counters.FactsStale++
		return
	}
	t.counters.FactsTaken++
	switch {
	case s == Buried && (was == Dead || was == Left):
		t.buryBy(now, t.standings[h].fact, by)
	case suspected(s):
		t.accuse(now, h, incarnation, s, by)
	case s != Dead && s != Buried:
		t.set(now, h, incarnation, s, by)
	case was >= Dead:
		t.set(now, h, incarnation, Dead, by)
	default:
		t.claim(now, h, incarnation, by)
	}
}

// settled tells whether a member has left by its own word, or had the time to refute that.
func (t *Table) settled(now sched.Instant, h uint32) bool {
	f := &t.facts[t.standings[h].fact]
	return f.by == h || now-f.since >= t.cfg.Grace
}

// suspected tells of the statuses that a member may refute in its grace.
func suspected(s Status) bool { return s == Suspect || s == Closed }

// accuses tells of the statuses that no member has by its own word.
func accuses(s Status) bool { return s != Alive && s != Left }

// alone tells that this node suspects a member for want of anybody who answers: whoever hears of that
// answers, so it is told to the suspect only.
func (f *fact) alone() bool { return f.solo && f.status == Suspect }

// accuse makes a member suspected, or closed if it was suspected: that may shorten its grace, and
// never lengthens it. Nil when there is no room for the fact.
func (t *Table) accuse(now sched.Instant, h, incarnation uint32, s Status, by uint32) *fact {
	until := sched.Instant(sched.Never)
	if suspected(t.Status(h)) && t.Incarnation(h) == incarnation {
		until = t.facts[t.standings[h].fact].until
	}
	f := t.set(now, h, incarnation, s, by)
	if f != nil {
		t.grace(now, f)
		f.until = min(f.until, until)
	}
	return f
}

// claim takes in word of the death of a member that is alive here.
func (t *Table) claim(now sched.Instant, h, incarnation, by uint32) {
	if suspected(t.Status(h)) && t.Incarnation(h) == incarnation {
		f := &t.facts[t.standings[h].fact]
		f.claimed, f.solo = true, false
		until := f.until
		t.grace(now, f)
		f.until = min(until, max(now, f.until))
		t.look(now, h)
		return
	}
	if f := t.set(now, h, incarnation, Suspect, by); f != nil {
		f.claimed = true
		t.grace(now, f)
		t.look(now, h)
	}
}

// accused answers word about this node itself. Nobody else may raise its incarnation or speak of it
// as alive.
func (t *Table) accused(now sched.Instant, f codec.Fact, from uint32) {
	own := t.Incarnation(t.self)
	switch {
	case t.leaving || !t.cfg.has(Refutation):
	case f.Incarnation > own && (f.Status == Alive || f.Incarnation-own > IncarnationStep):
		t.counters.DropIncarnation++
	case f.Status == Alive || f.Incarnation < own:
		t.counters.FactsStale++
	case f.Status == Buried:
		t.buried = true
	case f.Incarnation >= IncarnationMax:
		t.counters.DropIncarnation++
	default:
		t.set(now, t.self, f.Incarnation+1, Alive, from)
		t.counters.Refutations++
		t.sicken(now, 1)
	}
}

// BuriedSelf tells, once, that others have buried this node: it must come back under a new
// generation.
func (t *Table) BuriedSelf() bool {
	was := t.buried
	t.buried = false
	return was
}

// Left takes in that a member says of itself that it has left.
func (t *Table) Left(now sched.Instant, h uint32) {
	if s := t.Status(h); h != t.self && t.ring.ID(h) != 0 && s < Left {
		t.set(now, h, t.Incarnation(h), Left, h)
	}
}

// Leave announces that this node goes: spread at once and repeatedly, told in each answer to a
// probe for LeaveFor, after which probes stay unanswered. It never refutes again, watches nobody
// and votes no more. Calling it again changes nothing.
func (t *Table) Leave(now sched.Instant) {
	if t.leaving {
		return
	}
	t.leaving, t.leaveUntil = true, now+t.cfg.LeaveFor
	t.set(now, t.self, t.Incarnation(t.self), Left, t.self)
	t.rebuildAt = now
}

// LeaveDone tells that the announcement has been spread as often as it ever will, or that its time
// is over.
func (t *Table) LeaveDone(now sched.Instant) bool {
	return t.leaving && (now >= t.leaveUntil || t.facts[t.standings[t.self].fact].hot == 0 || t.ring.Len() == 1)
}
