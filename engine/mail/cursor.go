package mail

import "github.com/quidnunc/quidnunc/sched"

const (
	heardMin   = 150 * sched.Millisecond
	vainMax    = 4                        // rewinds without progress; from then on the peer may have no room
	quietAfter = 6                        // timers without a sign of life
	quietSpan  = 2500 * sched.Millisecond // or two of them, and silence for so long
	triesMax   = 8                        // doublings for a peer that is not heard
	noRoomMax  = 16                       // timers without progress that count
)

// Cursor is how far one peer has our writes. The zero value has none.
type Cursor struct {
	at       uint64 // sent up to here
	acked    uint64 // it said that it has the prefix up to here
	expected uint64 // acknowledged up to here when the timer fires, or something was lost
	tries    uint8  // timers that fired without a sign of life
	vain     uint8  // times that the cursor went back since acked grew
	late     uint8  // timers since then that fired though the peer is heard
}

// At is the version up to which the peer was sent our writes.
func (c *Cursor) At() uint64 { return c.at }

// Acked is the version up to which the peer said that it holds our writes.
func (c *Cursor) Acked() uint64 { return c.acked }

// Flying tells whether something was sent that is not acknowledged.
func (c *Cursor) Flying() bool { return c.acked < c.at }

// Mailed notes that our writes up to a version leave.
func (c *Cursor) Mailed(to uint64) { c.at = to }

// back is the one place where the cursor goes back: to what the peer has.
func (c *Cursor) back() { c.at = c.acked }

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
	c.acked = 0
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

// Have takes the version up to which the peer holds our writes, of own.
func (c *Cursor) Have(version, own uint64) News {
	switch {
	case version > c.acked:
		c.acked, c.tries, c.vain, c.late = version, 0, 0, 0
		c.at = max(c.at, version)
		if version == own {
			return All
		}
		return Further
	case version < c.acked:
		c.acked = version
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
	case c.acked >= own:
		c.tries = 0
		return Rest, false
	case c.acked >= c.expected:
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
