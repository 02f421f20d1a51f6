package core

import "github.com/quidnunc/quidnunc/sched"

// timersPerTick bounds the work of one Tick; what is left is due at once.
const timersPerTick = 256

// Tick fires the timers that are due, at most timersPerTick of them. wall is
// only used to refuse generations from far in the future.
func (c *Core) Tick(now sched.Instant, wall sched.Wall) {
	c.enter(now)
	c.me.Tell(now, wall)
	c.live.Tick(c.now)
	c.judged()
	for range timersPerTick {
		id, ok := c.wheel.Expire(now)
		if !ok {
			return
		}
		if id < timersEngine {
			timers[id](c)
		} else if p := (id - timersEngine) / timersPeer; int(p) < len(c.peers) {
			peerTimers[(id-timersEngine)%timersPeer](c, p)
		}
	}
}

// Pressure is what the shell sees of the machine.
type Pressure struct {
	Lag   sched.Instant // between the loop's turns while it has work, smoothed
	Queue int           // bytes that wait in the socket
	Room  int           // bytes that fit there; 0: not known
	Drops uint64        // datagrams that the kernel dropped since the start

	// Waited is how long what is received next may have lain in the socket, since the
	// shell stalled: it ages by that.
	Waited sched.Instant
}

// Observe tells the core of pressure; it makes frames wait longer for company.
func (c *Core) Observe(p Pressure) {
	c.paths.Lag, c.paths.Waited, c.paths.Peers = min(p.Lag, 100*sched.Millisecond), p.Waited, c.roster.Reach()
	c.flow.Pressure(p.Queue, p.Room, p.Drops)
}
