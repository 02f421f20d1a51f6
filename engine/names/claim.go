package names

import "github.com/quidnunc/quidnunc/sched"

const (
	// ClaimTries is how many challenges the known one must leave unanswered.
	ClaimTries = 3
	claimGap   = 50 * sched.Millisecond
	claimLapse = 30 * sched.Second // a claim that nobody repeats
	claimRest  = sched.Second      // after one that came to nothing

	// SameLife and OtherLife are how long the known one must be silent, beside
	// four round trips, until its address is given up for another of the same
	// life, and its life for another one.
	SameLife  = 150 * sched.Millisecond
	OtherLife = sched.Second
)

// Claim is what is kept of a peer that somebody else says to be. The zero value
// is no claim.
type Claim struct {
	since sched.Instant // the first challenge
	last  sched.Instant // the newest one
	heard sched.Instant // the known one, from where it is known
	tries uint8

	answered bool // the known one, the challenge
}

// heardSince reports whether the known one was heard since somebody else said to be it.
func (c *Claim) heardSince() bool { return c.tries > 0 && c.heard > c.since }

// Rests reports whether the known one has just answered a challenge: who speaks from elsewhere need
// not be asked again yet.
func (c *Claim) Rests(now sched.Instant) bool {
	return c.answered && c.heardSince() && now-c.last < claimRest
}

// Heard notes that the known one was heard from where it is known.
func (c *Claim) Heard(now sched.Instant) { c.heard = now }

// Answered notes that it answered there.
func (c *Claim) Answered(now sched.Instant) { c.heard, c.answered = now, true }

// Ask is called whenever the other one shows that it answers at its address.
// take: the known one was silent for so long that the other one has its place.
// challenge: the known one is to be greeted now.
func (c *Claim) Ask(now, silence sched.Instant) (take, challenge bool) {
	switch {
	case c.tries == 0, c.heard > c.since, now-c.last > claimLapse:
		c.since, c.last, c.tries, c.answered = now, now, 1, false
		return false, true
	case c.tries >= ClaimTries && now-c.since >= silence:
		*c = Claim{}
		return true, false
	case now-c.last >= claimGap:
		c.last, c.tries = now, min(c.tries+1, ClaimTries)
		return false, true
	}
	return false, false
}
