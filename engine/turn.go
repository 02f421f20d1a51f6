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
)

// receive takes at most one batch of datagrams off the socket.
func (e *Engine) receive(now sched.Instant, ms []batch.Msg) {
	n, _ := e.conn.Recv(ms) // errors are counted by the socket
	for i := range ms[:n] {
		e.core.Receive(now, now, ms[i].Addr, ms[i].Buf[:ms[i].N])
	}
	e.touched = true
}

// turn does one bounded piece of everything but receiving. Afterwards
// e.deadline says when the next is due: now, when something was left over.
func (e *Engine) turn(now sched.Instant) {
	e.touched = false
	e.stage.grant(e.room()) // others' keys take room too
	e.govern(now)
	e.expire(now)
	more := e.drain(now)
	if e.core.Deadline() <= now {
		e.core.Tick(now, sched.Wall(time.Now().UnixNano()))
	}
	more = e.transmit(now) || more
	more = e.publish(now) || e.touched || more
	if more {
		e.deadline = now
		e.sample(now)
		return
	}
	e.deadline = min(e.core.Deadline(), e.expiry.next())
	if e.store.Tidy(tidyCells) {
		e.deadline = min(e.deadline, now+tidyEvery)
	}
	if len(e.repairs) > 0 {
		e.deadline = min(e.deadline, now+repairLook)
	}
	if len(e.waiters) > 0 {
		e.deadline = min(e.deadline, e.askAt)
	}
	if e.stale {
		e.deadline = min(e.deadline, e.makeAt)
	}
	e.sample(now)
}

// drain applies staged writes.
func (e *Engine) drain(now sched.Instant) (more bool) {
	if !e.stage.begin() {
		return false
	}
	stamp := int64(0)
	if orders[e.cfg.Order].Precise() {
		stamp = time.Now().UnixNano()
	}
	for n := 0; n < writesPerTurn && e.stage.next(&e.rec); n++ {
		r := &e.rec
		e.op = core.Op{Kind: core.Set, Version: r.version, Key: r.key, Value: r.value, TTL: r.ttl, Stamp: stamp}
		if r.op == opDelete {
			e.op.Kind = core.Delete
		}
		if st := e.core.Write(now, &e.op); st != core.Written {
			e.refuse(st)
		} else if r.ttl != 0 {
			e.endsAt(now, r.ttl, r.version)
		}
	}
	return e.stage.finish(e.room())
}

// drainAll applies what was staged before the call: at most two buffers.
func (e *Engine) drainAll(now sched.Instant) {
	for last := e.stage.last().Seq; e.drain(now) && e.store.Max(e.core.Self()) < last; {
	}
}

// refuse counts a write that was promised and can't be kept. The stage checks
// the limits first, so this takes a race with a flood of remote keys.
func (e *Engine) refuse(st core.Status) {
	e.refused++
	cause := "no room"
	if st != core.NoRoom {
		cause = "another member has the name"
	}
	e.herald.warn("write refused after it was accepted", "member", e.cfg.Name, "cause", cause)
}

// transmit sends one batch of frames. What the socket refuses for want of
// room stays encoded and goes first in the next turn; what a destination
// refuses is counted by the socket and given up, and the protocol repairs it.
func (e *Engine) transmit(now sched.Instant) (more bool) {
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
		if err != nil {
			e.head++
		}
	}
	e.head, e.tail = 0, 0
	return full
}

// room is how much more the store takes. A sixteenth of the bytes is kept back:
// a new value needs its place before the old one is free, and cells of one size
// can't be used for another.
func (e *Engine) room() (keys, bytes int) {
	limits, st := e.store.Limits(), e.store.Stats()
	keys, bytes = limits.Keys-declaredMax-st.Entries, limits.ValueBytes-limits.ValueBytes/16-st.CellBytes
	self := e.core.Self()
	keys = min(keys, limits.KeysPerOrigin-e.store.Entries(self))
	if limits.BytesPerOrigin > 0 {
		bytes = min(bytes, limits.BytesPerOrigin-e.store.Bytes(self))
	}
	return keys, bytes
}

func (e *Engine) knowsKey(key string) bool {
	_, _, ok := e.store.AppendGet(nil, e.name, []byte(key))
	return ok
}

// shutdown lets go of everything that the loop owns. cause is what ended the
// reactor, nil for a normal close.
func (e *Engine) shutdown(cause error) {
	if e.stopped.Load() {
		return
	}
	e.stage.stop(ErrClosed)
	e.final = e.stats()
	e.stopped.Store(true)
	e.core.CloseKeys()
	e.reactor.remove(e)
	e.conn.Close()
	if cause != nil {
		e.herald.warn("reactor failed", "member", e.cfg.Name, "cause", cause.Error())
	}
	for _, w := range e.waiters {
		w.done <- ErrClosed
	}
	for _, j := range e.joins {
		close(j.done)
	}
	for _, w := range e.repairs {
		w.done <- ErrClosed
	}
	e.waiters, e.joins, e.repairs = nil, nil, nil
	e.end()
	close(e.done)
}
