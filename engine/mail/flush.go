package mail

import "github.com/quidnunc/quidnunc/sched"

const (
	// flushCost is what one datagram uses up of the loop's time, 16,000 a second:
	// a send and its share of the receiving cost 2 to 3 µs each, so mail stays
	// near 5 % of a core before it begins to wait for company.
	flushCost  = 60 * sched.Microsecond
	flushBurst = 20 * sched.Millisecond // credit that an idle node saves up
)

// Flush decides when news leaves: the news of many origins goes in one frame. It
// leaves at once while datagrams are within the rate that flushCost allows, and waits
// for company beyond; where a loop shares its time among engines, its Credit says when. The zero
// Flush is not ready: call Init.
type Flush struct {
	timer sched.Timer
	most  sched.Instant // how long news waits for company
	paid  sched.Instant // the time up to which datagrams are paid for
	loop  *Credit       // of the loop that shares its time; nil: there is none
	peers int           // that the last flush went to
	given int           // that the loop's credit was taken for
	own   bool          // own writes wait
	armed bool
	idle  bool // armed only to end a cycle of rumors
}

// Init gives a flush the timer that wakes it, and tells how long news may wait.
func (f *Flush) Init(timer sched.Timer, most sched.Instant) { *f = Flush{timer: timer, most: most} }

// Own notes that own writes wait for the next flush.
func (f *Flush) Own() { f.own = true }

// Arm arms the next flush for news, unless one is armed. One that is armed only to end
// a cycle of rumors is brought forward if early says so. True: it is due now.
func (f *Flush) Arm(now sched.Instant, early bool) bool {
	if f.armed && !(f.idle && early) {
		return false
	}
	f.armed, f.idle = true, false
	due := max(now, f.paid-flushBurst)
	if f.loop != nil {
		f.given = f.peers
		due = f.loop.Give(now, f.given)
	}
	f.timer.Set(min(due, now+f.most))
	return due <= now
}

// End arms a flush that ends a cycle of rumors, unless one is armed.
func (f *Flush) End(now sched.Instant) {
	if !f.armed {
		f.again(now, true)
	}
}

// Begin begins a flush. It reports whether own writes are in it.
func (f *Flush) Begin() (own bool) {
	f.timer.Cancel()
	own = f.own
	f.own, f.armed, f.idle = false, false, false
	return own
}

func (f *Flush) again(now sched.Instant, idle bool) {
	f.armed, f.idle = true, idle
	f.timer.Set(now + f.most)
}

// Rest arms another flush if there are rumors that wait for the next cycle, or are
// told in this one, which has to end.
func (f *Flush) Rest(now sched.Instant, waiting, hot int) {
	if waiting > 0 || hot > 0 {
		f.again(now, waiting == 0)
	}
}

// Sent pays for a flush to so many peers, by a loop that lags so much.
func (f *Flush) Sent(now sched.Instant, peers int, lag sched.Instant) {
	if f.loop != nil {
		f.loop.Spend(now, peers-f.given)
		f.peers, f.given = peers, 0
		return
	}
	cost := flushCost * (1 + min(lag, 10*sched.Millisecond)/sched.Millisecond)
	f.paid = max(f.paid, now) + sched.Instant(peers)*cost
}
