package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	writesPerTurn = 1024
	eventsPerTurn = 4096
	tidyCells     = 256                    // of removed members, and of values that were replaced
	tidyEvery     = 20 * sched.Millisecond // while some are left and nothing else is to do

	// staleMax is how long frames wait for a full socket: then what they say of ages is
	// wrong, and they are as good as lost.
	staleMax = 100 * sched.Millisecond
)

// receive takes at most one batch of datagrams off the socket, where they may have waited.
func (e *Engine) receive(now sched.Instant, ms []batch.Msg, waited sched.Instant) {
	n, _ := e.conn.Recv(ms) // errors are counted by the socket
	if waited != 0 {
		e.core.Observe(core.Pressure{Lag: e.reactor.lag, Waited: waited})
	}
	if n < len(ms) {
		e.drained = now
	}
	for i := range ms[:n] {
		e.core.Receive(now, ms[i].Addr, ms[i].Buf[:ms[i].N])
	}
	e.reported(now)
	e.touched = true
}

// reported tells the core at which addresses nobody listens any more, and to which
// ones a router did not pass a frame on for its length.
func (e *Engine) reported(now sched.Instant) {
	for i := range e.reports[:batch.Reports(e.conn, e.reports[:])] {
		switch r := &e.reports[i]; r.Kind {
		case batch.Refused:
			e.core.Refused(now, r.Addr)
		case batch.TooLong:
			e.core.TooLong(now, r.Addr)
		}
	}
}

// turn does one bounded piece of everything but receiving. Afterwards
// e.deadline says when the next is due: now, when something was left over.
func (e *Engine) turn(now sched.Instant) {
	e.touched = false
	if t := e.store.Taken(); t != e.taken || !e.stage.room.ample { // others' keys take room too
		e.taken = t
		e.stage.grant(e.room(now))
	}
	e.govern(now)
	e.expire(now)
	more := e.uses.any(useLeases) && e.endLeased(now)
	more = e.drain(now) || more
	if e.core.Deadline() <= now {
		e.core.Tick(now, sched.Wall(time.Now().UnixNano()))
	}
	e.turnSigning(now)
	if e.uses.any(useStreams | useShared | useHeld) {
		more = e.turnValues(now) || more
	}
	more = e.transmit(now) || more
	more = e.publish(now) || e.touched || more
	if more {
		e.deadline = now
		e.sample(now)
		return
	}
	e.deadline = min(e.core.Deadline(), e.expiry.next())
	if e.uses.Load() != 0 {
		e.deadline = min(e.deadline, e.nextUse(now))
	}
	if e.store.Untidy() {
		e.tidy(now)
	}
	if e.retryAt != 0 {
		e.deadline = min(e.deadline, e.retryAt)
	}
	if e.stale {
		e.deadline = min(e.deadline, e.makeAt)
	}
	e.sample(now)
}

// turnValues does a bounded piece of what is to do for large values and shared keys.
func (e *Engine) turnValues(now sched.Instant) (more bool) {
	if e.uses.any(useStreams) {
		more = e.turnLarge(now)
	}
	if e.uses.any(useShared) {
		more = e.turnShared(now) || more
	}
	e.sayHeld(now)
	e.keepWinners()
	return more
}

// nextUse is when something of what is in use is due.
func (e *Engine) nextUse(now sched.Instant) sched.Instant {
	at := min(e.kept.nextHeld(), e.leases.next(), e.joinAt())
	if e.uses.any(useShared) {
		at = min(at, e.shared.next())
	}
	if e.uses.any(useStreams) {
		at = min(at, e.large.next, e.large.sweepAt)
	}
	if len(e.repairs) > 0 {
		at = min(at, now+repairLook)
	}
	if len(e.reads) > 0 {
		at = min(at, e.readAt)
	}
	if len(e.waiters) > 0 {
		at = min(at, e.askAt)
	}
	return at
}

// tidy does a part of what the store puts off, at most every 20 ms.
func (e *Engine) tidy(now sched.Instant) {
	if now >= e.tidyAt {
		e.tidyAt = now + tidyEvery
		e.store.Tidy(tidyCells)
	}
	e.deadline = min(e.deadline, e.tidyAt)
}

// transmit sends one batch of frames. What the socket refuses for want of
// room stays encoded and goes first in the next turn, within staleMax; what a destination
// refuses is counted by the socket and given up, and the protocol repairs it: in
// shorter frames if it was for their length.
func (e *Engine) transmit(now sched.Instant) (more bool) {
	switch {
	case e.tail == 0:
		e.encoded = now
	case now-e.encoded > staleMax:
		e.unsent += uint64(e.tail - e.head)
		e.head, e.tail, e.encoded = 0, 0, now
	}
	for e.tail < len(e.send) {
		m := &e.send[e.tail]
		n, to, ok := e.core.Transmit(now, m.Buf)
		if !ok {
			break
		}
		m.N, m.Addr = n, to
		e.tail++
	}
	full := e.tail == len(e.send)
	for e.head < e.tail {
		n, err := e.conn.Send(e.send[e.head:e.tail])
		e.head += n
		if err == batch.ErrAgain {
			return false // Wait reports the socket when it drains
		}
		if err == batch.TooLong {
			e.core.TooLong(now, e.send[e.head].Addr)
			full = true // there is more to send
		}
		if err != nil {
			e.head++
		}
	}
	e.head, e.tail = 0, 0
	return full
}

// shutdown lets go of everything that the loop owns. cause is what ended the
// reactor, nil for a normal close.
func (e *Engine) shutdown(cause error) {
	if !e.runs.Load() {
		return
	}
	e.stage.stop(ErrClosed)
	e.handOverLast()
	e.final = e.stats()
	e.runs.Store(false)
	e.core.CloseKeys()
	e.reactor.remove(e)
	e.conn.Close()
	if cause != nil {
		e.herald.warn("reactor failed", "member", e.cfg.Name, "cause", cause.Error())
	}
	for _, w := range e.waiters {
		w.done <- ErrClosed
	}
	for _, w := range e.drains {
		w.done <- false
	}
	for _, j := range e.joins {
		close(j.done)
	}
	for _, w := range e.repairs {
		w.done <- ErrClosed
	}
	for _, r := range e.reads {
		r.done <- ErrClosed
	}
	e.waiters, e.drains, e.joins, e.repairs, e.reads = nil, nil, nil, nil, nil
	e.end()
	e.bg.Go(e.stopLarge) // its loop takes a moment to end
	close(e.done)
}
