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
// for company beyond. The zero Flush is ready.
type Flush struct {
	paid  sched.Instant // the time up to which datagrams are paid for
	own   bool          // own writes wait
	armed bool
	idle  bool // armed only to end a cycle of rumors
}

// Own notes that own writes wait for the next flush.
func (f *Flush) Own() { f.own = true }

// Arm arms the next flush for news and says when it is due; false: it is armed
// already. One that is armed only to end a cycle of rumors is brought forward if early
// says so.
func (f *Flush) Arm(now sched.Instant, early bool) (due sched.Instant, ok bool) {
	if f.armed && !(f.idle && early) {
		return 0, false
	}
	f.armed, f.idle = true, false
	return max(now, f.paid-flushBurst), true
}

// End arms a flush that ends a cycle of rumors; false: one is armed already.
func (f *Flush) End() bool {
	if f.armed {
		return false
	}
	f.armed, f.idle = true, true
	return true
}

// Begin begins a flush. It reports whether own writes are in it.
func (f *Flush) Begin() (own bool) {
	own = f.own
	f.own, f.armed, f.idle = false, false, false
	return own
}

// Again arms another flush for rumors that are still to be told; idle: only to end
// their cycle.
func (f *Flush) Again(idle bool) { f.armed, f.idle = true, idle }

// Sent pays for a flush to so many peers, by a loop that lags so much.
func (f *Flush) Sent(now sched.Instant, peers int, lag sched.Instant) {
	cost := flushCost * (1 + min(lag, 10*sched.Millisecond)/sched.Millisecond)
	f.paid = max(f.paid, now) + sched.Instant(peers)*cost
}
