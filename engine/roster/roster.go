package roster

import (
	"slices"

	"github.com/quidnunc/quidnunc/sched"
)

// Limits bound a roster.
type Limits struct {
	Handles    int // that are given
	Seats      int // members at once; at most Handles
	Candidates int // of them, those that never answered
	Pick       int // members that are picked at once
}

// Roster is the list. Handles are from 1 on; 0 is nobody.
type Roster struct {
	Index    // handles by origin id
	limits   Limits
	rand     *sched.Rand
	given    uint32      // handles so far
	free     []uint32    // handles that may be given again
	lives    [phases]int // members by phase
	partners sched.RoundRobin
	list     sched.Sampler // of partners
	looked   uint32        // for a candidate that may go
	changes  uint64        // of partners
}

// Init makes it empty.
func (r *Roster) Init(l Limits, rand *sched.Rand) {
	*r = Roster{limits: l, rand: rand}
	r.Index.Init()
	r.partners.Init(l.Handles + 1)
	r.list.Init(l.Pick)
}

// Take gives a handle; 0: there are no more. One that was never given before is one
// more than all before it.
func (r *Roster) Take() (p uint32) {
	if n := len(r.free); n > 0 {
		p, r.free = r.free[n-1], r.free[:n-1]
		return p
	}
	if int(r.given) >= r.limits.Handles {
		return 0
	}
	r.given++
	r.free = slices.Grow(r.free, int(r.given)) // so that giving back allocates nothing
	return r.given
}

// Used counts the members.
func (r *Roster) Used() (n int) {
	for _, k := range r.lives {
		n += k
	}
	return n
}

// Candidates counts those that never answered.
func (r *Roster) Candidates() int { return r.lives[Named] + r.lives[Absent] + r.lives[Passed] }

// Room reports whether there is a seat for one more that answers, or for one more
// that somebody names.
func (r *Roster) Room(answers bool) bool {
	if answers {
		return r.Used() < r.limits.Seats
	}
	return r.Candidates() < r.limits.Candidates
}

// Seats is how many there are.
func (r *Roster) Seats() int { return r.limits.Seats }

// Full reports whether no seat is free, and none has anybody who gives way to the
// living.
func (r *Roster) Full() bool {
	yields := r.Candidates() + r.lives[Dead] + r.lives[Leaving] + r.lives[Gone]
	return r.Used()-yields >= r.limits.Seats
}

// Look is the next handle in turn; 0: none was ever given.
func (r *Roster) Look() uint32 {
	if r.looked++; r.looked > r.given {
		r.looked = min(1, r.given)
	}
	return r.looked
}

// Reach counts the members that exchanges may go to.
func (r *Roster) Reach() int { return r.partners.Len() }

// Changes is how often a member came to those that exchanges may go to, or went.
func (r *Roster) Changes() uint64 { return r.changes }

// Partial reports whether we reach less than half of the members that there are, as
// far as we know.
func (r *Roster) Partial() bool {
	return 2*r.Reach() < r.lives[Named]+r.lives[Open]+r.lives[Quiet]
}

// Partner is the next member for an exchange: all have their turns.
func (r *Roster) Partner() (p uint32, ok bool) { return r.partners.Next(r.rand) }

// Reaches reports whether exchanges may go to a member.
func (r *Roster) Reaches(p uint32) bool { return r.partners.Has(p) }

// Partners lists the members that exchanges may go to, by their handles. The list is
// good until the next call.
func (r *Roster) Partners() []uint32 {
	r.list.Reset()
	for p := uint32(1); p <= r.given; p++ {
		if r.partners.Has(p) {
			r.list.Add(p)
		}
	}
	return r.list.All()
}

// Pick is up to n members of Partners, each with the same chance.
func (r *Roster) Pick(n int) []uint32 {
	r.Partners()
	return r.list.Pick(r.rand, n)
}
