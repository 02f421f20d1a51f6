package mail

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	heardMin   = 150 * sched.Millisecond
	vainMax    = 4                        // rewinds without progress; from then on the peer may have no room
	quietAfter = 6                        // timers without a sign of life
	quietSpan  = 2500 * sched.Millisecond // or two of them, and silence for so long
	triesMax   = 8                        // doublings for a peer that is not heard
	noRoomMax  = 16                       // timers without progress that count
	openMost   = 1<<32 - 1                // or more
)

// Cursor is how far one peer has our writes. The zero value has none.
type Cursor struct {
	at       uint64 // sent up to here
	acked    uint64 // it said that it has the prefix up to here
	expected uint64 // acknowledged up to here when the timer fires, or something was lost
	held     uint64 // what it was done with when it said so last: see Seen
	beyond   uint64 // it has no room for all, and has seen our writes up to here; 0: it has room
	missing  uint64 // of those, entries that it lacks, as it says
	given    uint64 // up to here others may have brought it what it has
	sure     bool   // since then it was told what our log sums up to: it may look up what we refer to
	said     bool   // it said so in the frame at hand
	late     uint8  // timers since then that fired though the peer is heard
	tries    uint8  // timers that fired without a sign of life
	vain     uint8  // times that the cursor went back since acked grew
	open     uint32 // of what it holds, so many of the newest versions may lack a content
}

// At is the version up to which the peer was sent our writes.
func (c *Cursor) At() uint64 { return c.at }

// Acked is the version up to which the peer said that it holds our writes.
func (c *Cursor) Acked() uint64 { return c.acked }

// Whole is the version up to which the peer said that it holds our writes, and the contents that
// they refer to.
func (c *Cursor) Whole() uint64 {
	if c.open == openMost {
		return 0
	}
	return c.acked - min(uint64(c.open), c.acked)
}

// Lacks takes how many of the newest versions that the peer acknowledged may lack a content.
func (c *Cursor) Lacks(versions uint64) { c.open = uint32(min(versions, openMost)) }

// Seen is the version up to which the peer is done with our writes: it holds them, or has no room
// for them.
func (c *Cursor) Seen() uint64 { return max(c.acked, c.beyond) }

// Full tells whether the peer has no room for some of our writes, and for how many as far as it
// knows.
func (c *Cursor) Full() (missing uint64, full bool) { return c.missing, c.beyond > c.acked }

// NoRoom takes the word of a peer that it has no room for some of our writes, but has
// seen them up to a version. It counts until an acknowledgement comes without it.
func (c *Cursor) NoRoom(f *codec.FullAt) {
	c.beyond, c.missing, c.said = f.Through, f.Missing, true
}

// Flying tells whether something was sent that is not acknowledged.
func (c *Cursor) Flying() bool { return c.Seen() < c.at }

// Mailed notes that our writes up to a version leave.
func (c *Cursor) Mailed(to uint64) { c.at = to }

// Told notes that our writes up to a version were told another way, and are not missed: what
// leaves next begins there. A peer that was sent nothing yet begins at the beginning.
func (c *Cursor) Told(to uint64) {
	if c.at != 0 {
		c.brought(to)
		c.at = max(c.at, to)
	}
}

// brought notes that the peer has our writes up to a version, maybe from others.
func (c *Cursor) brought(to uint64) {
	if to > c.at {
		c.given, c.sure = to, false
	}
}

// Compared takes the version at which the peer was told last what our log sums up to: it has held
// against that what others brought it, if it acknowledges so much.
func (c *Cursor) Compared(said uint64) {
	c.sure = c.sure || said > 0 && said >= c.given && c.acked >= said
}

// Sure tells whether references may lead the peer to what it holds. See package state.
func (c *Cursor) Sure() bool { return c.sure && c.beyond <= c.acked }

// back is the one place where the cursor goes back: to what the peer has.
func (c *Cursor) back() { c.at = c.Seen() }

// Rewind goes back because what was sent is missed.
func (c *Cursor) Rewind() {
	c.back()
	c.vain = min(c.vain+1, 1<<7)
}

// MayRewind tells whether a single loss is reason enough: something is flying, and
// rewinds have helped so far.
func (c *Cursor) MayRewind() bool { return c.Flying() && c.vain < vainMax }

// GiveUp ends mail to a peer: what was sent last counts for nothing.
func (c *Cursor) GiveUp() { c.back() }

// Resume takes up mail to a peer again.
func (c *Cursor) Resume() {
	c.tries = 0
	c.back()
}

// Restart is for another life of this node, of which the peer has nothing.
func (c *Cursor) Restart() {
	c.acked, c.held, c.beyond, c.open, c.given, c.sure = 0, 0, 0, 0, 0, false
	c.Resume()
}

// News is what an acknowledgement says.
type News uint8

// The kinds of News.
const (
	Nothing News = iota
	Further      // it holds more than we knew
	All          // it holds everything
	Less         // it has lost what it had
)

// Have takes the version up to which the peer holds our writes, of those that it is told of.
func (c *Cursor) Have(version, told uint64) News {
	before := c.held
	if c.acked = version; !c.said {
		c.beyond = 0
	}
	c.said = false
	c.held = c.Seen()
	switch now := c.Seen(); {
	case now > before:
		c.tries, c.vain, c.late = 0, 0, 0
		c.brought(now)
		c.at = max(c.at, now)
		if now >= told {
			return All
		}
		return Further
	case now < before:
		c.back()
		return Less
	}
	return Nothing
}

// Expect begins to wait for the acknowledgement of our writes up to a version.
func (c *Cursor) Expect(version uint64) { c.expected = version }

// Next is what to do when the timer fires.
type Next uint8

// The kinds of Next.
const (
	Rest  Next = iota // everything is acknowledged
	Wait              // what was expected came; what was sent since has its own time
	Again             // send again
	Quiet             // give the peer up
)

// Overdue says what to do when the timer fires, at a peer that was last heard
// `silence` ago; and whether an acknowledgement is late though the peer is there. That
// is no loss: the path may be longer than was thought.
func (c *Cursor) Overdue(own uint64, silence sched.Instant) (next Next, late bool) {
	switch {
	case c.Seen() >= own:
		c.tries = 0
		return Rest, false
	case c.Seen() >= c.expected:
		c.tries = 0
		return Wait, false
	case silence > heardMin:
		c.tries++
	default:
		if late = c.Flying(); late {
			c.late = min(c.late+1, noRoomMax)
		}
	}
	if c.tries > quietAfter || c.tries > 1 && silence > quietSpan {
		return Quiet, late
	}
	return Again, late
}

// Stop ends waiting for a peer that is not mailed.
func (c *Cursor) Stop() { c.tries = 0 }

// Doubled is how often the wait for an acknowledgement is doubled now (Karn's backoff):
// with each timer that fired in vain, but for the first at a peer that is heard.
func (c *Cursor) Doubled() uint8 { return max(min(c.tries, triesMax), max(c.late, 1)-1) }
