package engine

import (
	"net/netip"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Trace is for tools that measure an engine from inside. Its functions run on
// the loop, in the turn that they report: they must return within nanoseconds,
// must not allocate, and must not call the engine.
type Trace struct {
	// Advanced is called when this replica holds more of an origin than
	// before: everything up to To. The own origin is reported too.
	Advanced func(Advance)
}

// Advance is one report of Trace.Advanced.
type Advance struct {
	Now    sched.Instant // when the turn began, on the reactor's clock
	Handle uint32        // small number of the origin in this engine
	Origin uint64        // id of the origin, the same in the whole cluster
	From   uint64        // what was known before
	To     uint64        // what is known now
}

// memberCost is how long the members' snapshot may take a member: it is made
// at most so often that it costs little of the loop's time.
const memberCost = 10 * sched.Microsecond

// publish passes on what the core reports, and answers who waits.
func (e *Engine) publish(now sched.Instant) (more bool) {
	n := 0
	for ; n < eventsPerTurn && e.core.NextEvent(&e.event); n++ {
		if e.event.Kind == core.Advanced {
			e.advanced(now, &e.event)
		} else {
			e.happened(&e.event)
		}
	}
	e.hear()
	if e.stale && now >= e.makeAt {
		e.publishMembers(now)
	}
	if len(e.waiters)+len(e.joins) > 0 {
		e.answer(now)
	}
	if now >= e.auditAt {
		e.audit(now)
	}
	return n == eventsPerTurn
}

func (e *Engine) advanced(now sched.Instant, ev *core.Event) {
	if t := e.cfg.Trace; t != nil && t.Advanced != nil {
		t.Advanced(Advance{
			Now: now, Handle: uint32(ev.Origin), Origin: uint64(e.store.ID(ev.Origin)), From: ev.From, To: e.store.Max(ev.Origin),
		})
	}
	if e.watches.count.Load() > 0 {
		e.watches.advanced(e.store, ev.Origin, e.nameOf(ev.Origin), ev.From, ev.To)
	}
}

// happened turns an event of the core into one for the embedder.
func (e *Engine) happened(ev *core.Event) {
	e.stale = true
	m := e.memberOf(ev)
	switch ev.Kind {
	case core.MemberJoined, core.MemberReplaced, core.MemberReachable, core.MemberQuiet, core.MemberSuspected,
		core.MemberDied, core.MemberForgotten, core.MemberLeft, core.MemberMoved:
		news := memberNews[ev.Kind]
		m.State = news.state
		e.herald.tell(Event{news.kind, m})
	case core.Renewed:
		e.stage.renew(ev.Generation)
		e.herald.info("took a new generation", "member", e.cfg.Name, "generation", ev.Generation)
	case core.NameConflict:
		m.Name, m.Generation = e.cfg.Name, ev.Generation
		e.herald.tell(Event{NameConflict, m})
		e.herald.warn("another process uses this name", "member", e.cfg.Name, "here", e.addr, "there", ev.Addr)
	case core.Superseded:
		e.stage.stop(ErrNameConflict)
		e.herald.warn("the other process wins the name: no more writes here", "member", e.cfg.Name, "there", ev.Addr)
	case core.KeyUnknown:
		e.keyUnknown(ev)
		return
	case core.EventsLost:
		e.herald.tell(Event{Kind: Overflow})
	}
	if e.watches.count.Load() > 0 && ev.Origin != 0 {
		e.watches.member(e.nameOf(ev.Origin))
	}
}

// memberNews is what the core's events are to the embedder.
var memberNews = [...]struct {
	kind  EventKind
	state MemberState
}{
	core.MemberJoined:    {MemberJoined, Alive},
	core.MemberReplaced:  {MemberJoined, Alive},
	core.MemberReachable: {MemberReachable, Alive},
	core.MemberQuiet:     {MemberUnreachable, Suspect},
	core.MemberSuspected: {MemberSuspected, Suspect},
	core.MemberDied:      {MemberDead, Dead},
	core.MemberForgotten: {MemberForgotten, Dead},
	core.MemberLeft:      {MemberLeft, Left},
	core.MemberMoved:     {MemberUpdated, Alive},
}

func (e *Engine) memberOf(ev *core.Event) Member {
	m := Member{Addr: ev.Addr, Generation: ev.Generation}
	if ev.Origin != 0 {
		m.Name = e.nameOf(ev.Origin)
	}
	return m
}

// nameOf caches names as strings, so that only a new member costs one, and an
// event about a member that is gone by now still has its name.
func (e *Engine) nameOf(o state.Origin) string {
	for int(o) >= len(e.names) {
		e.names = append(e.names, "")
	}
	if e.store.ID(o) == 0 {
		return e.names[o]
	}
	if name := e.store.Name(o); e.names[o] != string(name) {
		e.names[o] = string(name)
	}
	return e.names[o]
}

// publishMembers makes the snapshot that Members reads.
func (e *Engine) publishMembers(now sched.Instant) {
	list := make([]Member, 1, e.core.Peers()+1)
	list[0] = Member{Name: e.cfg.Name, Addr: e.addr, Generation: e.core.Generation(), Self: true}
	for p := range e.core.Peers() {
		peer, ok := e.core.Peer(p)
		if !ok {
			continue
		}
		list = append(list, Member{
			Name: e.nameOf(peer.Origin), Addr: peer.Addr, State: e.stateOf(p, &peer), Generation: e.store.Gen(peer.Origin),
		})
	}
	e.members.Store(&list)
	e.stale, e.makeAt = false, now+sched.Instant(len(list))*memberCost
}

// stateOf is what the detector believes, and our own doubts.
func (e *Engine) stateOf(handle uint32, p *core.Peer) MemberState {
	switch s := e.core.Status(handle); {
	case p.Left || s == member.Left:
		return Left
	case s == member.Dead || s == member.Buried:
		return Dead
	case s == member.Suspect || p.Quiet:
		return Suspect
	default:
		return Alive
	}
}

// isSelf reports whether an address is this member's own.
func (e *Engine) isSelf(a netip.AddrPort) bool {
	if a == e.addr || a.String() == e.cfg.Advertise {
		return true
	}
	return e.addr.Addr().IsUnspecified() && a.Port() == e.addr.Port() && isLocal(a.Addr())
}
