// Package active bounds how many members' dear parts are kept at once: those that are
// talked with. The others rest: of each the owner keeps what must not be lost, and makes
// the part anew when they talk again.
//
// Where the bound is reached, whoever was not talked with for longest gives way; and who
// was not for [RestAfter] rests in any case, once anybody else is talked with.
package active

import "github.com/quidnunc/quidnunc/sched"

// Default is a bound that mail to all and the rounds of exchanges of a common cluster stay
// within: beyond it, each member that is met again costs its owner the making of its part.
const Default = 1024

const (
	// RestAfter is how long a member keeps its part for nothing.
	RestAfter = 60 * sched.Second

	grain = sched.Second // times are known to within
)

// PlaceBytes is what the set takes for each place.
const PlaceBytes = 24

// Set is who is active, each by a handle that is not 0, in a place of its own from 1 on.
type Set struct {
	most  int
	count int
	ring  []place // by place, the newest after 0 and the oldest before it
	free  uint32  // places that nobody is in, by newer
}

type place struct {
	at           sched.Instant // when it was talked with, as far as is known
	who          uint32
	newer, older uint32
}

// Init makes the set empty: at most so many are in it.
func (s *Set) Init(most int) { *s = Set{most: max(most, 1), ring: make([]place, 1, 16)} }

// Len is how many are in it, Places how many places there ever were.
func (s *Set) Len() int       { return s.count }
func (s *Set) Places() uint32 { return uint32(len(s.ring) - 1) }

// Full reports whether somebody has to leave before the next is taken in.
func (s *Set) Full() bool { return s.count >= s.most }

// Oldest is who was not talked with for longest; 0: there is nobody.
func (s *Set) Oldest() uint32 { return s.ring[s.ring[0].newer].who }

// Rests is who was not talked with for so long that it should leave; 0: nobody.
func (s *Set) Rests(now sched.Instant) uint32 {
	if x := &s.ring[s.ring[0].newer]; x.who != 0 && now-x.at >= RestAfter {
		return x.who
	}
	return 0
}

// next is the place that Take gives next.
func (s *Set) next() uint32 {
	if s.free != 0 {
		return s.free
	}
	return uint32(len(s.ring))
}

// Take gives somebody who is not in the set a place. It may not be full.
func (s *Set) Take(now sched.Instant, who uint32) uint32 {
	if s.Full() || who == 0 {
		panic("active: no place")
	}
	at := s.next()
	if at == s.free {
		s.free = s.ring[at].newer
	} else {
		s.ring = append(s.ring, place{})
	}
	s.count++
	s.ring[at].who = who
	s.link(now, at)
	return at
}

// Touch notes that who is in a place is talked with now. It reports whether that is news.
func (s *Set) Touch(now sched.Instant, at uint32) bool {
	if now-s.ring[at].at < grain {
		return false
	}
	s.unlink(at)
	s.link(now, at)
	return true
}

// Leave makes a place free.
func (s *Set) Leave(at uint32) {
	s.unlink(at)
	s.ring[at] = place{newer: s.free}
	s.free = at
	s.count--
}

// link makes a place the newest: the ring goes from 0 to the oldest, and on to newer ones.
func (s *Set) link(now sched.Instant, at uint32) {
	last := s.ring[0].older
	s.ring[at].at, s.ring[at].older, s.ring[at].newer = now, last, 0
	s.ring[last].newer, s.ring[0].older = at, at
}

func (s *Set) unlink(at uint32) {
	x := &s.ring[at]
	s.ring[x.older].newer, s.ring[x.newer].older = x.newer, x.older
}
