package engine

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// Trace is for tools that measure an engine from inside. Its functions run on
// the loop, in the turn that they report: they must return within nanoseconds,
// must not allocate, and must not call the engine.
type Trace struct {
	// Advanced is called when this replica holds more of an origin than
	// before: everything up to To. The own origin is reported too.
	Advanced func(Advance)
	// Completed is called when this replica holds more of an origin than before
	// with all of its large values. Without Config.Streams it is as Advanced.
	Completed func(Advance)
}

// Advance is one report of Trace.Advanced.
type Advance struct {
	Now    sched.Instant // when the turn began, on the reactor's clock
	Handle uint32        // small number of the origin in this engine
	Origin uint64        // id of the origin, the same in the whole cluster
	From   uint64        // what was known before
	To     uint64        // what is known now
}

// publish passes on what the core reports, and answers who waits.
func (e *Engine) publish(now sched.Instant) (more bool) {
	n := 0
	for ; n < eventsPerTurn && e.core.NextEvent(&e.event); n++ {
		if e.event.Kind == core.Advanced {
			e.advanced(now, &e.event)
		} else {
			e.happened(now, &e.event)
		}
	}
	e.hear()
	if e.stale && now >= e.makeAt {
		e.publishMembers(now)
	}
	if !e.stale {
		e.watches.told()
	}
	if e.uses.any(useWaits) {
		e.answerAll(now)
	}
	if now >= e.glanceAt {
		e.glanceAt = now + glanceEvery
		e.glance(now)
	}
	return n == eventsPerTurn
}

// answerAll answers who waits for what the loop does, as far as that is done.
func (e *Engine) answerAll(now sched.Instant) {
	if len(e.drains) > 0 {
		e.answerDrained(now)
	}
	if len(e.waiters)+len(e.joins) > 0 {
		e.answer(now)
	}
	if len(e.reads) > 0 {
		e.answerReads(now)
	}
	if len(e.repairs) > 0 {
		e.answerRepairs(now)
	}
	if len(e.drains)+len(e.waiters)+len(e.joins)+len(e.reads)+len(e.repairs) == 0 {
		e.uses.end(useWaits)
	}
}

// glanceEvery is how often turns that follow each other look for what happens rarely.
const glanceEvery = 10 * sched.Millisecond

// glance looks for what happens rarely and is only told.
func (e *Engine) glance(now sched.Instant) {
	e.hearLost()
	e.lookFull(now)
	for _, name := range e.store.Faded() {
		e.watches.member(name)
	}
	if now >= e.auditAt {
		e.audit(now)
	}
}

func (e *Engine) advanced(now sched.Instant, ev *core.Event) {
	if t := e.cfg.Trace; t != nil && t.Advanced != nil {
		t.Advanced(Advance{
			Now: now, Handle: uint32(ev.Origin), Origin: uint64(e.store.ID(ev.Origin)), From: ev.From, To: e.store.Max(ev.Origin),
		})
	}
	if ev.Origin == e.store.Owner() {
		e.held.to.Store(e.store.Max(ev.Origin))
	}
	e.completes(now, ev.Origin, true)
	if e.watches.count.Load() > 0 {
		e.watches.advanced(e.store, ev.Origin, e.nameOf(ev.Origin), ev.From, ev.To)
	}
}

// isSelf reports whether an address is this member's own.
func (e *Engine) isSelf(a netip.AddrPort) bool {
	if a == e.addr || a.String() == e.cfg.Advertise {
		return true
	}
	return e.addr.Addr().IsUnspecified() && a.Port() == e.addr.Port() && isLocal(a.Addr())
}
