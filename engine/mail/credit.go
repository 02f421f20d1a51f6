package mail

import "github.com/quidnunc/quidnunc/sched"

// Times and bounds of a Credit.
const (
	priceLeast  = 2 * sched.Microsecond // less than a datagram costs anywhere
	priceMost   = sched.Millisecond
	creditSaved = 2 * sched.Millisecond  // credit that a loop saves up while little is sent
	creditMost  = 10 * sched.Millisecond // of its time that is given away ahead, at most
	creditLook  = 4 * sched.Millisecond  // how often the price follows the loop
	busyMuch    = 98                     // per cent of its time that a loop works: datagrams grow dearer
	busyLittle  = 90                     // cheaper again
)

// Credit is the time of a loop that its engines may spend on news. Each flush is given its turn: it
// is put off for as long as the datagrams cost that others were given before. What one costs is not
// known beforehand: receiving and applying it takes time too, of this loop or of others. So the price
// is steered: it rises while the loop works for more than busyMuch of its time, and falls
// below busyLittle. A loop that has time gives it away at once, and one that has none lets each
// engine send once in a round, however many engines there are.
//
// It is the loop's alone. The zero Credit is ready.
type Credit struct {
	price sched.Instant // of a datagram
	given sched.Instant // up to here the loop's time is given away
	from  sched.Instant // since when the loop is watched
	slept sched.Instant // since then
}

// Slept takes in that the loop slept for so long.
func (c *Credit) Slept(span sched.Instant) { c.slept += span }

// Look sets the price, once in creditLook, by how much the loop slept since. It returns the share of
// its time that the loop worked since, in per cent, when it does so.
func (c *Credit) Look(now sched.Instant) (busy int, looked bool) {
	span := now - c.from
	if span < creditLook {
		return 0, false
	}
	busy = int(100 * (span - c.slept) / span)
	switch {
	case busy > busyMuch:
		c.price += c.price / 8
	case busy < busyLittle:
		c.price -= c.price / 16
	}
	c.price = max(priceLeast, min(c.price, priceMost))
	c.from, c.slept = now, 0
	return busy, true
}

// Give gives a flush of so many datagrams its turn, and tells when that is: in creditMost at the
// latest.
func (c *Credit) Give(now sched.Instant, datagrams int) (turn sched.Instant) {
	c.given = max(c.given, now-creditSaved)
	turn = max(c.given, now)
	c.Spend(now, datagrams)
	return turn
}

// Spend takes in that so many datagrams leave that were not given their turn; fewer than none: so
// many were, and do not leave.
func (c *Credit) Spend(now sched.Instant, datagrams int) {
	c.given = min(c.given+sched.Instant(datagrams)*c.price, now+creditMost)
}
