package share

import "github.com/quidnunc/quidnunc/sched"

// Stamp is a hybrid logical time: 48 bits of milliseconds since 1970, then 16
// of a counter. Stamps compare as numbers.
type Stamp uint64

const counterBits = 16

const wallMost = 1<<63 - 1

// stampMax leaves room to count on: a clock never takes a stamp above it.
const stampMax Stamp = 1<<63 - 1

// At is the first stamp of the millisecond that a wall clock shows.
func At(wall sched.Wall) Stamp {
	if wall <= 0 {
		return 0
	}
	return Stamp(wall/sched.Millisecond) << counterBits
}

// Wall is when the stamp was taken, to a millisecond, if its clock was right; the last one that
// there is, in 2262, for later ones.
func (s Stamp) Wall() sched.Wall {
	return sched.Wall(min(uint64(s>>counterBits), wallMost/sched.Millisecond)) * sched.Millisecond
}

// plus is the stamp a span later.
func (s Stamp) plus(span sched.Instant) Stamp {
	return s + Stamp(max(0, span)/sched.Millisecond)<<counterBits
}

// Clock makes stamps that grow, above all that it has seen. The zero Clock is
// ready. It is told the wall clock, which may jump.
type Clock struct {
	last Stamp
}

// Next is a stamp for a write now: above every stamp that this clock gave or
// saw, and not below the wall clock. A counter that overflows carries into the
// milliseconds, which keeps the order.
func (c *Clock) Next(wall sched.Wall) Stamp {
	c.last = max(min(c.last, stampMax-1)+1, At(wall))
	return c.last
}

// See takes a stamp of another member. It reports false, and learns nothing, if
// the stamp is more than bound ahead of the wall clock.
func (c *Clock) See(s Stamp, wall sched.Wall, bound sched.Instant) bool {
	if Ahead(s, wall, bound) {
		return false
	}
	c.last = max(c.last, s)
	return true
}

// Last is the highest stamp that was given or seen.
func (c *Clock) Last() Stamp { return c.last }

// Ahead tells whether a stamp is more than bound ahead of the wall clock.
func Ahead(s Stamp, wall sched.Wall, bound sched.Instant) bool {
	return s > At(wall).plus(bound)|(1<<counterBits-1)
}
