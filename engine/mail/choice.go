package mail

import (
	"math/bits"

	"github.com/quidnunc/quidnunc/sched"
)

// Times and bounds of a Choice.
const (
	frameTime = 2500 * sched.Instant(1) // what a frame takes of the loops of its sender or its receiver: measured on loopback

	lookEvery = 50 * sched.Millisecond
	coolLag   = 300 * sched.Microsecond // a loop whose turns take less: its round trips are those of the paths
	lateLag   = sched.Millisecond       // a loop whose turns take more has too much to do
	lagMemory = 250 * sched.Millisecond // how late it was before that says nothing of now
	leastRest = 32                      // members that news goes to directly, at least
	restShare = 8                       // of the members: so many more must be reached directly before it is mail again
)

// Why says what decided how own news spreads.
type Why uint8

// The reasons.
const (
	WhyChosen  Why = iota // Config.Spread
	WhyFew                // telling all directly takes no longer than a second hop
	WhyMany               // telling all directly takes longer
	WhyPartial            // most members are on nobody's ring
	WhyZones              // other zones are told once each
	WhyLate               // the loop has too much to do: it tells all, or fewer where that are very many
)

var whys = [...]string{"chosen", "few", "many", "partial", "zones", "late"}

// String is "chosen", "few", "many", "partial", "zones" or "late".
func (w Why) String() string { return whys[w] }

// Load is what a Choice goes by.
type Load struct {
	Members int           // that news goes to
	Trip    sched.Instant // round trip, smoothed over all peers; 0: not known
	Lag     sched.Instant // of the loop
	Saves   int           // copies to other zones, where each is told once
}

// Choice is how many members are told of own news directly. If it is all of them, that is mail; the
// others are in the ranges of those who are told (package delegate). It is as many as can be told
// in the time of the second hop that the others wait for: direct = trip ÷ frameTime, within a
// factor of two of Config.MailMax. Of n members, if there are more, direct × √(direct ÷ n) are
// told, so nothing leaps where a cluster grows.
//
// A loop that is late tells no fewer, and all of up to twice Config.MailMax: delegates saved frames
// there, and took longer and more time a delivery (64 members, 5,000 writes/s: 1.2 times that of
// mail, and ten times its median; 256 members, 500 writes/s, on a late loop: 2.4 times its median,
// and each entry twice). Of more members than that it tells fewer, down to √n: the news of many
// authors shares the frames of few delegates, whatever they are told directly does not. Their number
// is a power of two then, so that authors which are late by more or less cut the same ranges.
//
// Where members are in zones, the others are told over one member of each, however few they are.
//
// It costs nothing while nothing is said. The zero Choice is not ready: call Init.
type Choice struct {
	most    int // Config.MailMax
	direct  int
	members int
	mails   bool
	zones   bool
	at      sched.Instant // of the last look
	lag     sched.Instant // of the loop, smoothed
	late    bool          // it is above lateLag, or was and is not below coolLag yet
}

// Init makes it ready.
func (c *Choice) Init(most int) { *c = Choice{most: most, direct: most, mails: true} }

// Look takes in how things are, the round trips at most once in lookEvery.
func (c *Choice) Look(now sched.Instant, l *Load) {
	c.members = l.Members
	if c.at == 0 || now-c.at >= lookEvery {
		if c.lag += (l.Lag - c.lag) / 4; now-c.at > lagMemory {
			c.lag = l.Lag // little is written here, and others have made it late
		}
		c.at = now
		c.late = c.lag > lateLag || c.late && c.lag > coolLag
		if l.Trip > 0 && l.Lag < coolLag {
			target := max(c.most/2, min(int(l.Trip/frameTime), 2*c.most))
			c.direct += (target - c.direct) / 4
		}
	}
	n := c.members
	if c.zones = l.Saves > 0; c.zones {
		c.mails = false
		return
	}
	if c.mails {
		c.mails = c.Direct() >= n
	} else {
		c.mails = c.Direct() >= n+n/restShare
	}
}

// Direct is how many members are told directly; it may be more than there are.
func (c *Choice) Direct() int {
	k, n := c.direct, max(1, c.members)
	if n > k {
		k = c.byLag(max(root(k*k*k/n), min(leastRest, k)), n)
	}
	return k
}

// byLag is how many of n members a loop tells that would tell k if it were not late.
func (c *Choice) byLag(k, n int) int {
	least := root(n)
	switch {
	case !c.late:
		return k
	case n <= 2*c.most:
		return 2 * n // all, whatever more they become
	case k <= least:
		return k
	}
	k = 1 << (bits.Len(uint(max(least, k*int(coolLag)/max(1, int(c.lag))))) - 1)
	if k < least {
		k *= 2
	}
	return k
}

// root is the square root, rounded down.
func root(x int) (r int) {
	for bit := 1 << 15; bit > 0; bit >>= 1 {
		if (r+bit)*(r+bit) <= x {
			r += bit
		}
	}
	return r
}

// Mails reports whether all are told directly.
func (c *Choice) Mails() bool { return c.mails }

// Why is what decided.
func (c *Choice) Why() Why {
	switch {
	case c.late && c.members > c.direct && !c.zones:
		return WhyLate
	case c.mails:
		return WhyFew
	case c.zones:
		return WhyZones
	}
	return WhyMany
}
