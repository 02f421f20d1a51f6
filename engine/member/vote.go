package member

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// ballots are the votes of others about one subject.
type ballots struct {
	subject     uint32
	incarnation uint32
	opened      sched.Instant // since when this node asks the others; 0: it does not
	used        sched.Instant // the case that was used longest ago is replaced
	votes       [Electors]ballot
}

type ballot struct {
	voter  uint32 // 0: none
	stance codec.Stance
	owe    bool // the voter waits for a reply
	at     sched.Instant
}

const caseBytes = 24 + Electors*16

// seen finds replayed votes: the last round of a voter, and a bit for each of the 64 before it.
type seen struct {
	voter, last uint32
	before      uint64
	behind      uint32 // the last round that was further behind,
	resumes     uint8  // and how many such came in a row
}

// resumeAfter is how many votes in a row, each later than the one before and all far behind the
// last one, show that the voter goes on from there: somebody else said that one in its name.
const resumeAfter = 4

// seenVoters is the size of the replay table. Two voters with one place forget each other, so that
// an old vote of one can count once more: one vote, for one subject, for a period.
const seenVoters = 256

// fresh notes round of voter and tells whether it is new.
func (t *Table) fresh(voter, round uint32) bool {
	s := &t.seen[voter%seenVoters]
	if s.voter != voter {
		*s = seen{voter: voter, last: round}
		return true
	}
	if ahead := round - s.last; round > s.last {
		s.last, s.before, s.resumes = round, s.before<<ahead|1<<(ahead-1), 0
		return true
	}
	back := s.last - round
	switch {
	case back > 64:
		return s.resumed(round)
	case back == 0 || s.before>>(back-1)&1 != 0:
		return false
	}
	s.before |= 1 << (back - 1)
	return true
}

// resumed takes a vote from far behind the last one. It reports whether that is where the voter is.
func (s *seen) resumed(round uint32) bool {
	if s.resumes > 0 && round <= s.behind {
		return false // an echo
	}
	s.behind = round
	if s.resumes++; s.resumes < resumeAfter {
		return false
	}
	s.last, s.before, s.resumes = round, 0, 0
	return true
}

// ballotsFor gives the case of a subject, and opens one if it is asked to: an unused one, else that
// used longest ago.
func (t *Table) ballotsFor(now sched.Instant, subject uint32, open bool) *ballots {
	oldest := 0
	for i := range t.cases {
		c := &t.cases[i]
		if c.subject == subject {
			if inc := t.Incarnation(subject); c.incarnation != inc { // a refutation makes old votes void
				t.owe &^= 1 << i
				*c = ballots{subject: subject, incarnation: inc}
			}
			c.used = now
			return c
		}
		if o := &t.cases[oldest]; o.subject != 0 && (c.subject == 0 || c.used < o.used) {
			oldest = i
		}
	}
	if !open {
		return nil
	}
	c := &t.cases[oldest]
	if c.subject != 0 && now-c.used < t.voteLife(now) {
		t.counters.FullCases++
	}
	t.owe &^= 1 << oldest
	*c = ballots{subject: subject, incarnation: t.Incarnation(subject), used: now}
	return c
}

// put stores the vote of a voter: over its last one, else in an unused or the oldest place.
func (c *ballots) put(voter uint32, s codec.Stance, at sched.Instant) *ballot {
	place := 0
	for i := range c.votes {
		b := &c.votes[i]
		if b.voter == voter {
			place = i
			break
		}
		if o := &c.votes[place]; o.voter != 0 && (b.voter == 0 || b.at < o.at) {
			place = i
		}
	}
	c.votes[place] = ballot{voter: voter, stance: s, at: at}
	return &c.votes[place]
}

func (c *ballots) of(voter uint32) *ballot {
	for i := range c.votes {
		if c.votes[i].voter == voter {
			return &c.votes[i]
		}
	}
	return nil
}

func (c *ballots) drop(voter uint32) {
	if b := c.of(voter); b != nil {
		*b = ballot{}
	}
}

// stand sets what this node says of a member that it watches, and has it told to the other
// observers.
func (t *Table) stand(now sched.Instant, i int, s codec.Stance) {
	w := &t.watches[i]
	c := t.ballotsFor(now, w.peer, true)
	if !s.Against() {
		c.opened = 0
	} else if c.opened == 0 {
		c.opened = now
	}
	w.stance, w.informed = s, 0
	t.votes |= 1 << i
}

// stance is what this node says of a subject when it is asked.
func (t *Table) stance(subject uint32) codec.Stance {
	w := t.watching(subject)
	switch {
	case w == nil:
		return codec.StanceAbstain
	case w.missed == 0:
		return codec.StanceFor
	case w.stance.Against():
		return w.stance
	}
	return codec.StanceAbstain // it misses the member too, but does not trust itself
}

// OnVote takes in a vote. Votes count while voter and subject are members, the voter is not
// suspected itself, it is one of the subject's first Electors neighbours in this node's view, and
// both know the same incarnation of the subject. What does not is dropped and counted; the voter
// repeats itself every period.
func (t *Table) OnVote(now sched.Instant, from uint32, v *codec.Vote) {
	subject := t.ring.Find(v.Subject)
	c := &t.counters
	switch {
	case from == 0 || subject == 0:
		c.DropStranger++
		return
	case subject == t.self || subject == from || from == t.self:
		c.DropSelf++
		return
	case t.Status(from) >= Dead:
		c.DropDead++
		return
	case v.Incarnation > t.Incarnation(subject):
		c.DropIncarnation++
		return
	case v.Incarnation < t.Incarnation(subject) || !t.live(subject):
		c.FactsStale++
		return
	case !t.elector(subject, from):
		c.DropElector++
		return
	case !t.fresh(from, v.Round):
		c.DropReplay++
		return
	}
	c.VotesTaken++
	t.Heard(now, from)
	b := t.ballotsFor(now, subject, v.Stance.Against())
	if b == nil {
		return
	}
	if i := t.watchOf(subject); i >= 0 && t.idle(i) && v.Stance == codec.StanceClosed {
		t.ask(now, i) // our own host may have been told the same
	}
	vote := b.put(from, v.Stance, now)
	if v.Stance.Against() && !v.Reply {
		vote.owe = true
		t.owe |= 1 << t.caseIndex(b)
	}
	t.count(now, subject)
}

func (t *Table) caseIndex(c *ballots) int {
	for i := range t.cases {
		if &t.cases[i] == c {
			return i
		}
	}
	panic("member: not a case of this table")
}

// tally is the result of a count.
type tally struct {
	live    int  // observers that take part, with this node if it is one
	against int  // votes that count
	closed  int  // of these, those that say that the port is closed
	self    bool // one of them is this node's
}

func (y *tally) count(s codec.Stance) {
	y.against++
	if s == codec.StanceClosed {
		y.closed++
	}
}

// need is the relative quorum: more than half of the live observers and never a single one, unless
// there is only one.
func (y tally) need() int {
	if y.live <= 1 {
		return 1
	}
	return max(2, y.live/2+1)
}

// tally counts the votes about a subject. An observer under suspicion does not count, nor one that
// abstains, nor one that has been silent for so long that it does not reach this node: without that
// rule a small island of nodes could never condemn what is beyond the water. Only a node that asks
// can know of silence.
func (t *Table) tally(now sched.Instant, subject uint32) (y tally) {
	var electors [Electors]uint32
	c := t.ballotsFor(now, subject, false)
	w := t.watching(subject)
	doubts := w != nil && w.stance.Against() && c != nil && c.opened != 0
	patient := !doubts || now-c.opened < t.patience(now)
	for i, h := range electors[:t.observers(subject, electors[:])] {
		if h == t.self {
			if i < Observers && (doubts || w == nil || w.missed == 0) { // not one that misses it and is barred
				y.live++
			}
			if doubts {
				y.count(w.stance)
				y.self = true
			}
			continue
		}
		if t.Status(h) != Alive {
			continue
		}
		var b *ballot
		if c != nil {
			b = c.of(h)
		}
		switch {
		case b == nil || now-b.at > t.voteLife(now):
			if i < Observers && patient {
				y.live++
			}
		case b.stance.Against():
			y.live++
			y.count(b.stance)
		case b.stance == codec.StanceFor:
			y.live++
		}
	}
	return y
}

// count suspects a subject when a quorum is against it, and finds it closed when a quorum says so.
// What the kernel says shortens the grace; it does not replace the quorum.
func (t *Table) count(now sched.Instant, subject uint32) {
	was := t.Status(subject)
	if was >= Closed || t.leaving {
		return
	}
	y := t.tally(now, subject)
	if y.against == 0 {
		return
	}
	solo, need, s := y.live <= 1, y.need(), Suspect
	if !t.cfg.has(Quorum) {
		solo, need = false, 1
	}
	if y.closed >= need {
		s = Closed
	}
	switch {
	case y.against < need || solo && !y.self || s <= was:
		return
	case solo && s == Suspect && now-t.watching(subject).heard < 2*t.cfg.Period:
		return // the only path that fails may be ours: something of it still arrives
	}
	if f := t.accuse(now, subject, t.Incarnation(subject), s, t.self); f != nil {
		f.votes = uint8(y.against)
		if solo && s == Suspect {
			f.solo = true
			t.grace(now, f)
			t.cool(t.standings[subject].fact)
			t.correctSoon(subject, subject)
		}
	}
}

// recountSoon lets all cases be counted again, as who counts has changed.
func (t *Table) recountSoon(now sched.Instant) {
	t.recountAt = min(t.recountAt, now+t.cfg.TimeoutMin/4)
}
