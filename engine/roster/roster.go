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
	zones    []uint32      // by handle, 0 the node's own; a zone that is 0 is none
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

// Grow makes room for one more of what an owner keeps by handles, and for few beyond that: what is
// kept of a member is large, and a slice that grows by a quarter has an eighth of it for nobody.
func Grow[T any](list []T) []T {
	if len(list) < cap(list) {
		return list
	}
	return append(make([]T, 0, len(list)+max(16, len(list)/growPart)), list...)
}

const growPart = 16

// GrowSlack is how many bytes so many things of a size take at most.
func GrowSlack(things, size int) int { return (things + things/growPart + 16) * size }

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

// Changes is how often a member came to those that exchanges may go to, went, or told its zone.
func (r *Roster) Changes() uint64 { return r.changes }

// Partial reports whether we reach less than half of the members that there are, as
// far as we know.
func (r *Roster) Partial() bool {
	return 2*r.Reach() < r.lives[Named]+r.lives[Open]+r.lives[Quiet]
}

// Of the members whose turn for an exchange comes, those in other zones give it up but for one time
// in farEach, since paths between zones are long and dear. Whoever has few members in its own zone
// meets others after homeTries.
const (
	farEach   = 8
	homeTries = 16
)

// Partner is the next member for an exchange: all have their turns, and those in other zones fewer.
func (r *Roster) Partner() (p uint32, ok bool) {
	p, ok = r.partners.Next(r.rand)
	for tries := 0; ok && r.Far(p) && tries < homeTries && r.rand.Uint32n(farEach) > 0; tries++ {
		p, ok = r.partners.Next(r.rand)
	}
	return p, ok
}

// Declared notes the zone that a member says it is in, 0 being this node; nothing if the zone is 0.
// It gives the zone that the member is in.
func (r *Roster) Declared(p, zone uint32) uint32 {
	if zone == 0 || r.Zone(p) == zone {
		return r.Zone(p)
	}
	for int(p) >= len(r.zones) {
		r.zones = append(r.zones, 0)
	}
	r.zones[p] = zone
	r.changes++
	return zone
}

// unzone forgets the zone of a handle that names somebody else next.
func (r *Roster) unzone(p uint32) {
	if int(p) < len(r.zones) {
		r.zones[p] = 0
	}
}

// Zone is that of a member, 0 being this node; 0: it says none.
func (r *Roster) Zone(p uint32) uint32 {
	if int(p) < len(r.zones) {
		return r.zones[p]
	}
	return 0
}

// Far reports a member of another zone than this node's.
func (r *Roster) Far(p uint32) bool {
	home := r.Zone(0)
	return home != 0 && r.Zone(p) != 0 && r.Zone(p) != home
}

// Reaches reports whether exchanges may go to a member.
func (r *Roster) Reaches(p uint32) bool { return r.partners.Has(p) }

// Witness is whom to ask of another member: p if exchanges may go to it, else a partner; 0: nobody.
func (r *Roster) Witness(p uint32) uint32 {
	if !r.partners.Has(p) {
		p, _ = r.Partner()
	}
	return p
}

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
