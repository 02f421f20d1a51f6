package engine

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/checkpoint"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	// memberCost is how long the members' snapshot may take a member: it is made
	// at most so often that it costs little of the loop's time.
	memberCost = 10 * sched.Microsecond
	// memberFresh is how old the numbers in a snapshot may be when it is read.
	memberFresh = sched.Second
)

// memberList is a snapshot of all members. It is never changed.
type memberList struct {
	at    sched.Instant
	list  []Member
	once  sync.Once
	place map[string]int // in list, by name; made by who asks first
}

// Members yields every member that is known, this one first: a snapshot. What
// happens to members is in it as soon as it is told as an event; their RTT and
// Phi are at most a second old, for which the call may take a turn of the loop.
func (e *Engine) Members() iter.Seq[Member] {
	return func(yield func(Member) bool) {
		for _, m := range e.memberList(memberFresh) {
			if !yield(m) {
				return
			}
		}
	}
}

func (e *Engine) memberList(age sched.Instant) []Member {
	if l := e.snapshot(age); l != nil {
		return l.list
	}
	return nil
}

// snapshot is at most so old; nil after Close, and before there is the first: the disk of a member
// that starts may look already.
func (e *Engine) snapshot(age sched.Instant) *memberList {
	if !e.runs.Load() {
		return nil
	}
	told := e.told.Load() // before it looks: the snapshot that ended it is there then
	p := e.members.Load()
	if p == nil || !told && e.reactor.poller.Now()-p.at < age {
		return p
	}
	asked := e.ask(func(now sched.Instant) {
		if e.stale || now-e.members.Load().at >= age { // who asked before may have had it made
			e.publishMembers(now)
		}
	})
	if !asked {
		return nil
	}
	return e.members.Load()
}

// outdate has the next snapshot made soon, and by whoever reads it first: what happened is about to
// be told.
func (e *Engine) outdate() {
	e.stale = true
	e.told.Store(true)
}

// publishMembers makes the snapshot that Members reads.
func (e *Engine) publishMembers(now sched.Instant) {
	wall := time.Now()
	list := make([]Member, 1, e.core.Peers()+1)
	own := e.declaredBy(e.store.Owner())
	list[0] = Member{
		Name: e.cfg.Name, Addr: e.addr, Generation: e.core.Parts().Self.Gen, Self: true,
		Zone: own.zone, Tags: own.tags, Since: e.started, By: e.cfg.Name,
	}
	if list[0].Missing = e.store.Holes(); list[0].Missing > 0 {
		list[0].Full = true
	}
	if e.leftAt != 0 {
		list[0].State = StateLeft
	}
	e.shared.alive = e.shared.alive[:0]
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok {
			m := e.member(now, wall, p, &peer)
			list = append(list, m)
			e.shared.sees(peer.Origin, m.State, peer.Acked)
		}
	}
	if e.stale {
		e.kept.know(list)
	}
	e.members.Store(&memberList{at: now, list: list})
	e.told.Store(false)
	e.stale, e.makeAt = false, now+sched.Instant(len(list))*memberCost
}

// member is one entry of the snapshot.
func (e *Engine) member(now sched.Instant, wall time.Time, handle uint32, p *core.Peer) Member {
	d := e.declaredBy(p.Origin)
	m := Member{
		Name: e.nameOf(p.Origin), Addr: p.Addr, State: e.stateOf(handle, p), Generation: e.store.Gen(p.Origin),
		Zone: d.zone, Tags: d.tags, RTT: time.Duration(p.RTT),
		Since: wall.Add(-time.Duration(now - p.Since)), By: e.nameOfPeer(p.By),
		Full: p.Full, Missing: int(p.Missed),
	}
	if phi, ok := e.core.Parts().Detector.Phi(now, handle); ok {
		m.Phi = float64(phi) / 1000
	}
	return m
}

// nameOfPeer is the name of a member by handle, our own too; "" if there is
// none.
func (e *Engine) nameOfPeer(handle uint32) string {
	if handle != 0 && handle == e.core.Parts().Detector.Self() {
		return e.cfg.Name
	}
	if p, ok := e.core.Peer(handle); ok {
		return e.nameOf(p.Origin)
	}
	return ""
}

// stateOf is what the detector believes, and our own doubts.
func (e *Engine) stateOf(handle uint32, p *core.Peer) MemberState {
	switch s := e.core.Parts().Detector.Status(handle); {
	case p.Left || s == member.Left:
		return StateLeft
	case s == member.Dead || s == member.Buried:
		return StateDead
	case s == member.Suspect || s == member.Closed || p.Quiet:
		return StateSuspect
	case !p.Proven:
		return StateUnknown
	default:
		return StateAlive
	}
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

// memberNews is what the core's events are to the embedder.
var memberNews = [...]struct {
	kind  EventKind
	state MemberState
}{
	core.MemberJoined:    {EventJoined, StateUnknown},
	core.MemberReplaced:  {EventJoined, StateUnknown},
	core.MemberReachable: {EventReachable, StateAlive},
	core.MemberQuiet:     {EventUnreachable, StateSuspect},
	core.MemberSuspected: {EventSuspected, StateSuspect},
	core.MemberDied:      {EventDead, StateDead},
	core.MemberForgotten: {EventForgotten, StateDead},
	core.MemberLeft:      {EventLeft, StateLeft},
	core.MemberMoved:     {EventUpdated, StateAlive},
}

// happened turns an event of the core into one for the embedder.
func (e *Engine) happened(now sched.Instant, ev *core.Event) {
	e.outdate()
	switch ev.Kind {
	case core.Declared:
		if e.declares(ev.Origin, ev.From) && ev.Origin != e.store.Owner() {
			e.emit(Event{Kind: EventUpdated, Member: e.memberOf(now, ev)})
		}
	case core.Renewed, core.NameConflict, core.Superseded, core.Restored:
		e.named(now, ev)
	case core.Refused, core.Refuses:
		e.refusal(ev)
	case core.Ponged:
		e.ponged(ev)
	case core.KeyUnknown:
		e.secretUnknown(ev)
	case core.PathNarrow:
		e.narrow(ev)
	case core.PathLong:
		e.herald.warn("round trips take longer than Detector.TimeoutMax: probes wait longer, and failures are found later; use the profile WAN",
			"member", e.cfg.Name, "peer", e.nameOf(ev.Origin), "round_trip", time.Duration(ev.To), "timeout_max", e.cfg.Detector.TimeoutMax)
	case core.Contradicted:
		e.contradicted(now, ev)
	case core.EventsLost:
		e.declareAll()
		e.herald.tell(Event{Kind: EventOverflow})
		e.events.fail(&Event{Kind: EventOverflow})
	default:
		e.lived(now, ev)
	}
	if e.watches.count.Load() > 0 && ev.Origin != 0 {
		e.watches.member(e.nameOf(ev.Origin))
	}
}

// named acts on what became of this member's own name.
func (e *Engine) named(now sched.Instant, ev *core.Event) {
	switch ev.Kind {
	case core.Renewed:
		e.stage.renew(ev.Generation)
		e.shared.renewed(now)
		e.kept.renewed(ev.Generation)
		e.herald.info("took a new generation", "member", e.cfg.Name, "generation", ev.Generation)
	case core.NameConflict:
		e.conflict(ev)
	case core.Superseded:
		e.stage.stop(ErrNameConflict)
		e.herald.warn("the other process wins the name: no more writes here", "member", e.cfg.Name, "there", ev.Addr)
	case core.Restored:
		e.stage.resume(ErrNameConflict)
		e.endsGoOn()
		e.emit(Event{Kind: EventNameRestored, Member: Member{Name: e.cfg.Name, Addr: ev.Addr, Generation: ev.Generation}, Here: e.here})
		e.herald.warn("the other process with this name is gone: writes go on here", "member", e.cfg.Name, "there", ev.Addr)
	}
}

// lived acts on what became of another member's life.
func (e *Engine) lived(now sched.Instant, ev *core.Event) {
	e.upgrade.meets(e, ev)
	e.merges.meets(e, now, ev)
	if ev.Kind == core.MemberForgotten && e.signing.notary != nil {
		e.signing.notary.Forget(e.nameOf(ev.Origin))
	}
	switch ev.Kind {
	case core.MemberReachable:
		e.meets(now)
	case core.MemberForgotten, core.MemberReplaced:
		e.large.change(now) // its contents go
	}
	e.emit(Event{Kind: memberNews[ev.Kind].kind, Member: e.memberOf(now, ev)})
}

// conflict tells of another process under our name. The one in service has it; of two
// that were in service the senior, and the other one stops writing.
func (e *Engine) conflict(ev *core.Event) {
	own := e.core.Parts().Self.Gen
	e.emit(Event{
		Kind:   EventNameConflict,
		Member: Member{Name: e.cfg.Name, Addr: ev.Addr, Generation: ev.Generation},
		Here:   e.here, Lost: ev.To != 0,
	})
	e.herald.warn("another process uses this name", "member", e.cfg.Name,
		"here", e.here, "generation", own, "there", ev.Addr, "its_generation", ev.Generation)
}

// narrow tells that a path does not take full frames.
func (e *Engine) narrow(ev *core.Event) {
	e.herald.warn("the path to a member takes no long frames: short ones go there", "member", e.cfg.Name,
		"peer", e.nameOf(ev.Origin), "addr", ev.Addr, "longest", codec.FrameBytesFloor, "wanted", e.cfg.FrameBytes)
}

// contradicted tells of entries that were not what their author wrote, and who brought them,
// or of signatures that are lacking or not their author's.
func (e *Engine) contradicted(now sched.Instant, ev *core.Event) {
	if checkpoint.Why(ev.To) != checkpoint.NotWritten {
		e.unsigned(ev, now)
		return
	}
	told := Event{Kind: EventContradicted, Cause: fmt.Errorf("version %d of %q was not what that member wrote", ev.From, e.nameOf(ev.Origin))}
	if p, ok := e.core.Peer(ev.Peer); ok {
		told.Member = e.member(now, time.Now(), ev.Peer, &p)
		e.blame(told.Member.Name)
	}
	e.emit(told)
}

// memberOf is the member that an event of the core is about, in the state that
// the event tells.
func (e *Engine) memberOf(now sched.Instant, ev *core.Event) Member {
	m := Member{Addr: ev.Addr, Generation: ev.Generation}
	if ev.Origin == 0 {
		return m
	}
	d := e.declaredBy(ev.Origin)
	m.Name, m.Zone, m.Tags = e.nameOf(ev.Origin), d.zone, d.tags
	p, ok := e.core.Peer(ev.Peer)
	if ok = ok && p.Origin == ev.Origin; ok {
		m = e.member(now, time.Now(), ev.Peer, &p)
	}
	asIs := ok && (ev.Kind == core.MemberJoined || ev.Kind == core.MemberReplaced || ev.Kind == core.MemberMoved)
	if int(ev.Kind) < len(memberNews) && memberNews[ev.Kind].kind != 0 && !asIs {
		m.State = memberNews[ev.Kind].state
	}
	return m
}

// declareAll looks everybody's declarations up again.
func (e *Engine) declareAll() {
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok {
			e.declares(peer.Origin, 0)
		}
	}
	e.declares(e.store.Owner(), 0)
}

func (e *Engine) emit(ev Event) {
	e.herald.tell(ev)
	e.events.pass(&ev)
}

// Events yields what happens to members, from a picture of them all: first one
// Resync for each member as it is, then every change. It never holds the loop
// up: a reader that falls 256 events behind gets an EventOverflow and a new picture
// instead of what it missed. It ends when the loop body does, or with ctx.Err(),
// or with ErrClosed.
func (e *Engine) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		if unstarted(e, yield) {
			return
		}
		s := newReader[Event]()
		picture := e.picture(func() { e.events.add(s) })
		defer e.events.remove(s)
		if !resync(picture, yield) {
			return
		}
		for {
			select {
			case ev := <-s.queue:
				switch {
				case !s.lost.Load():
					if !yield(ev, nil) {
						return
					}
				case !e.overflow(s, yield):
					return
				}
			case <-ctx.Done():
				yield(Event{}, ctx.Err())
				return
			case <-e.done:
				yield(Event{}, ErrClosed)
				return
			}
		}
	}
}

// overflow replaces what a slow reader has missed, and what still waits for it,
// by a new picture.
func (e *Engine) overflow(s *reader[Event], yield func(Event, error) bool) bool {
	picture := e.picture(func() {
		for len(s.queue) > 0 {
			<-s.queue
		}
		s.lost.Store(false)
	})
	return yield(Event{Kind: EventOverflow}, nil) && resync(picture, yield)
}

// picture is all members as they are now. f runs in the same moment, on the loop:
// what happens later is no part of the picture, what is in it is no news.
func (e *Engine) picture(f func()) (list []Member) {
	if !e.ask(func(now sched.Instant) {
		e.publishMembers(now)
		list = e.members.Load().list
		f()
	}) {
		f() // closed: there is no picture any more
	}
	return list
}

// resync yields all members of a picture.
func resync(picture []Member, yield func(Event, error) bool) bool {
	for _, m := range picture {
		if !yield(Event{Kind: EventResync, Member: m}, nil) {
			return false
		}
	}
	return true
}
