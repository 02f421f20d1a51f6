package mail

import "github.com/quidnunc/quidnunc/sched"

// Times and bounds of a Choice.
const (
	frameTime = 2500 * sched.Instant(1) // what a frame takes of the loops of its sender or its receiver: measured on loopback

	lookEvery = 50 * sched.Millisecond
	hotLag    = sched.Millisecond       // a loop whose turns take so long has more to do than it can
	coolLag   = 300 * sched.Microsecond // and here it has room
	hotDebt   = 5 * sched.Millisecond   // news would wait so long for its frames to be paid
	hotLooks  = 3                       // looks in a row until the news goes to fewer
	coolLooks = 40                      // and to more again
	newsHot   = 64                      // news a second below which it is not the news that keeps a loop busy
	holdAt    = 30 * sched.Second       // so long it stays with fewer where as much is said as when it went to them, at first
	holdMost  = 6                       // doublings of that
	leastOf   = 16                      // members that news goes to directly, at least
	leastRest = 32                      // and at rest
	restShare = 8                       // of the members: so many more must be reached directly before it is mail again
)

// Why says what decided how own news spreads.
type Why uint8

// The reasons.
const (
	WhyChosen  Why = iota // Config.Spread
	WhyFew                // telling all directly takes no longer than a second hop
	WhyMany               // telling all directly takes longer
	WhyBusy               // the loop is busy, and a delegate's frames carry the news of many
	WhyPartial            // most members are on nobody's ring
)

var whys = [...]string{"chosen", "few", "many", "busy", "partial"}

// String is "chosen", "few", "many", "busy" or "partial".
func (w Why) String() string { return whys[w] }

// Load is what a Choice goes by.
type Load struct {
	Members int           // that news goes to
	Trip    sched.Instant // round trip, smoothed over all peers; 0: not known
	Lag     sched.Instant // of the loop
	Debt    sched.Instant // news would wait so long before its frames are paid
	News    uint64        // origins that moved on since the start, this one's own too
}

// Choice is how many members are told of own news directly. If it is all of them, that is mail;
// the others are in the ranges of those who are told (package delegate). The number changes
// little at a time, so nothing leaps where a cluster grows or where there is more to say:
//
//   - At rest it is as many as can be told in the time of the second hop that the others wait
//     for: direct = trip ÷ frameTime, within a factor of two of Config.MailMax. Of n members, if
//     there are more, direct × √(direct ÷ n) are told.
//   - While the loop is busy and there is news, it is halved, down to leastOf: the fewer ranges
//     there are, the more authors' news shares the frames of a delegate. It is doubled when the
//     loop has room and less is said than when it was halved, or after a hold that doubles.
//
// It costs nothing while nothing is said. The zero Choice is not ready: call Init.
type Choice struct {
	most    int // Config.MailMax
	direct  int // at rest
	members int
	level   uint8 // times that it is halved
	holds   uint8 // doublings of the hold
	looks   int8  // in a row that were hot, or cool if negative
	mails   bool
	doubled bool          // it was doubled last, not halved
	at      sched.Instant // of the last look
	raised  sched.Instant // when it was halved or doubled last
	news    uint64        // at the last look
	rate    uint64        // news a second, smoothed
	rateHot uint64        // when it was halved last
}

// Init makes it ready.
func (c *Choice) Init(most int) { *c = Choice{most: most, direct: most, mails: true} }

// Look takes in how things are, at most once in lookEvery.
func (c *Choice) Look(now sched.Instant, l *Load) {
	c.members = l.Members
	if c.at == 0 || now-c.at >= lookEvery {
		c.look(now, l)
	}
	n := c.members
	if c.mails {
		c.mails = c.Direct() >= n
	} else {
		c.mails = c.Direct() >= n+n/restShare
	}
}

func (c *Choice) look(now sched.Instant, l *Load) {
	if c.at != 0 {
		rate := (l.News - c.news) * uint64(sched.Second) / uint64(now-c.at)
		c.rate = (3*c.rate + rate) / 4
	}
	c.at, c.news = now, l.News
	if l.Trip > 0 && l.Lag < coolLag {
		target := max(c.most/2, min(int(l.Trip/frameTime), 2*c.most))
		c.direct += (target - c.direct) / 4
	}
	switch {
	case (l.Lag >= hotLag || l.Debt >= hotDebt) && c.rate >= newsHot:
		c.looks = max(c.looks, 0) + 1
	case l.Lag < coolLag && l.Debt == 0:
		c.looks = min(c.looks, 0) - 1
	default:
		c.looks = 0
	}
	switch {
	case c.looks >= hotLooks:
		c.looks = 0
		c.halve(now)
	case -c.looks >= coolLooks:
		c.looks = 0
		c.double(now)
	}
}

// halve lets news go to half as many, if that is not too few.
func (c *Choice) halve(now sched.Instant) {
	if c.Direct() <= leastOf {
		return
	}
	if c.doubled && now-c.raised < holdAt {
		c.holds = min(c.holds+1, holdMost) // it was tried too early
	}
	c.level++
	c.raised, c.doubled, c.rateHot = now, false, c.rate
}

// double takes a halving back, unless as much is said as then.
func (c *Choice) double(now sched.Instant) {
	switch {
	case c.level == 0:
		if now-c.raised >= holdAt<<c.holds {
			c.holds = 0
		}
	case c.rate < c.rateHot*3/4, now-c.raised >= holdAt<<c.holds:
		c.level--
		c.raised, c.doubled = now, true
	}
}

// Direct is how many members are told directly; it may be more than there are.
func (c *Choice) Direct() int {
	k, n := c.direct, max(1, c.members)
	if c.level == 0 {
		if n > k {
			k = max(root(k*k*k/n), min(leastRest, k))
		}
		return k
	}
	// The same powers of two at all authors, so that their ranges are the same.
	p := leastOf
	for 2*p < min(k, n) {
		p *= 2
	}
	return max(p>>(c.level-1), min(leastOf, k))
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
	case c.mails:
		return WhyFew
	case c.level > 0:
		return WhyBusy
	}
	return WhyMany
}
