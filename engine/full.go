package engine

import (
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// fullEvery is how often the loop looks who has no room.
const fullEvery = 250 * sched.Millisecond

// MemberFullError names the members that have no room for what was waited for. They have
// seen it, and become equal when there is room again: they delete keys, or their limits
// are raised (SetLimits).
type MemberFullError struct {
	Members []string
}

// Error names them.
func (e *MemberFullError) Error() string {
	return ErrMemberFull.Error() + " for it: " + strings.Join(e.Members, ", ") + ": raise their Config.Limits or delete keys"
}

// Is makes errors.Is(err, ErrMemberFull) true.
func (e *MemberFullError) Is(target error) bool { return target == ErrMemberFull }

// memberFull is the error of a waiter that waits for members without room. Nobody's leave waits for
// them.
func (e *Engine) memberFull(w *waiter) error {
	if w.leave || e.core.Counters().FullsReceived == 0 {
		return nil
	}
	var names []string
	for p := range e.core.Peers() {
		peer, ok := e.core.Peer(p)
		if ok && live(&peer) && (w.converged && peer.Full || peer.Lacks && peer.Acked < w.seq) {
			names = append(names, e.nameOf(peer.Origin))
		}
	}
	if names == nil {
		return nil
	}
	return &MemberFullError{names}
}

// fullness is who was known to have no room when the loop last looked.
type fullness struct {
	at    sched.Instant
	heard uint64 // records that said so
	names map[string]bool
	own   bool
}

// lookFull tells of members that have no room, and of those that have it again: by an event, and
// the log has one line of each.
func (e *Engine) lookFull(now sched.Instant) {
	f, heard := &e.fullness, e.core.Counters().FullsReceived
	if now < f.at || heard == f.heard && len(f.names) == 0 && e.store.Holes() == 0 && !f.own {
		return
	}
	f.at, f.heard = now+fullEvery, heard
	if own := e.store.Holes() > 0; own != f.own {
		f.own = own
		e.publishMembers(now)
		e.tellFull(e.members.Load().list[0])
	}
	for p := range e.core.Peers() {
		peer, ok := e.core.Peer(p)
		if !ok {
			continue
		}
		name := e.nameOf(peer.Origin)
		if full := peer.Full && !peer.Left; full != f.names[name] {
			if f.names == nil {
				f.names = map[string]bool{}
			}
			if f.names[name] = true; !full {
				delete(f.names, name)
			}
			e.outdate()
			e.tellFull(e.member(now, time.Now(), p, &peer))
		}
	}
}

func (e *Engine) tellFull(m Member) {
	kind, text := EventFull, "a member has no room for all that others write: raise its Config.Limits or delete keys"
	if !m.Full {
		kind, text = EventUpdated, "a member has room for all that others write again"
	}
	e.emit(Event{Kind: kind, Member: m})
	switch args := []any{"member", e.cfg.Name, "peer", m.Name, "missing", m.Missing}; {
	case m.Full && m.Self:
		e.count(&e.sampled.next)
		e.herald.warn(text, append(args, e.tightest(&e.sampled.next)...)...)
	case m.Full:
		e.herald.warn(text, args...)
	default:
		e.herald.info(text, "member", e.cfg.Name, "peer", m.Name)
	}
}
