package member

import "github.com/quidnunc/quidnunc/sched"

// Change is a member's new status. Changes that come together are told as one: what counts is what
// was told last, so there is no queue that can overflow.
type Change struct {
	Member      uint32
	From, To    Status
	Incarnation uint32
	By          uint32 // who said so; this node itself when it counted the votes, or waited out the grace
	Votes       uint8  // that this node counted
	Since       sched.Instant
}

// report enters a fact in the list of changes.
func (t *Table) report(i uint32) {
	f := &t.facts[i]
	if f.news {
		return
	}
	f.news, f.nextChanged = true, 0
	if t.changed.tail != 0 {
		t.facts[t.changed.tail].nextChanged = i
	} else {
		t.changed.head = i
	}
	t.changed.tail = i
}

// unreport takes a fact out of the list of changes.
func (t *Table) unreport(i uint32) {
	var before uint32
	for j := t.changed.head; j != i; j = t.facts[j].nextChanged {
		before = j
	}
	next := t.facts[i].nextChanged
	if before != 0 {
		t.facts[before].nextChanged = next
	} else {
		t.changed.head = next
	}
	if next == 0 {
		t.changed.tail = before
	}
	t.facts[i].news = false
}

// NextChange gives the next member whose status is not what was told last. False: none.
func (t *Table) NextChange(c *Change) bool {
	for t.changed.head != 0 {
		i := t.changed.head
		f := &t.facts[i]
		t.unreport(i)
		if f.reported == f.status {
			continue
		}
		*c = Change{
			Member: f.member, From: f.reported, To: f.status, Incarnation: f.incarnation,
			By: f.by, Votes: f.votes, Since: f.since,
		}
		f.reported = f.status
		return true
	}
	return false
}

// Evidence says why a member has its status.
type Evidence struct {
	Status      Status
	Incarnation uint32
	Since       sched.Instant // 0: since it was added
	By          uint32        // who said so
	Health      uint8         // this node's own, then
	Solo        bool          // it has no other observer that this node can reach
	Claimed     bool          // others say that it is dead
	Watched     bool          // by this node
	Missed      uint8         // rounds in a row without an answer, if Watched
	Theirs      uint8         // its own health, as it last told: high after a stall
	Heard       sched.Instant // last frame of it, 0 if not known
	Live        int           // observers that take part now
	Against     int           // votes that count now
	Voters      [Electors]uint32
	VoterCount  int // voters against it, this node included; old ones too
}

// Explain fills in what is known of a member's status.
func (t *Table) Explain(now sched.Instant, h uint32, e *Evidence) {
	f := &t.facts[t.standings[h].fact]
	*e = Evidence{
		Status: f.status, Incarnation: f.incarnation, Since: f.since, By: f.by, Health: f.health,
		Solo: f.solo, Claimed: f.claimed, Heard: t.LastHeard(h),
	}
	if h == t.self || t.ring.ID(h) == 0 {
		return
	}
	y := t.tally(now, h)
	e.Live, e.Against = y.live, y.against
	if w := t.watching(h); w != nil {
		e.Watched, e.Missed, e.Theirs, e.Heard = true, w.missed, w.theirs, max(e.Heard, w.heard)
		if w.stance.Against() {
			e.Voters[0], e.VoterCount = t.self, 1
		}
	}
	c := t.ballotsFor(now, h, false)
	for i := 0; c != nil && i < len(c.votes) && e.VoterCount < len(e.Voters); i++ {
		if b := &c.votes[i]; b.voter != 0 && b.stance.Against() {
			e.Voters[e.VoterCount] = b.voter
			e.VoterCount++
		}
	}
}

// Turn is when a member came into its present state, and who told of it; 0: nobody
// had to.
type Turn struct {
	At sched.Instant
	By uint32
}

// Turn is that of the member.
func (c *Change) Turn() Turn { return Turn{At: c.Since, By: c.By} }
