package engine

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// RefusedError says why somebody is not taken in: the cause in a JoinError for a
// seed that said so, and in the events EventJoinRefused and EventRefused.
type RefusedError struct {
	// Reason is one word: "version", "cluster", "secret", "mode", "full", "name",
	// "buried", "clock", "banned", "busy".
	Reason string
	// Addr is the one that refuses, or is refused.
	Addr netip.AddrPort
	// Here and There go with "name": this process, and the one that has its name.
	Here, There netip.AddrPort
	// Cause is the sentinel for errors.Is: ErrVersion, ErrCluster, ErrSecretMissing,
	// ErrMode, ErrFull, ErrNameConflict, ErrClock; nil for the others.
	Cause error

	text string
}

// Error is the reason in full, with what to do.
func (e *RefusedError) Error() string { return e.text }

// Unwrap gives the sentinel to errors.Is.
func (e *RefusedError) Unwrap() error { return e.Cause }

// Is makes errors.Is(err, ErrRefused) true.
func (e *RefusedError) Is(target error) bool { return target == ErrRefused }

// refused is what a reason and its detail mean to people.
func refused(r *codec.Refusal) *RefusedError {
	f := func(reason string, cause error, text string, args ...any) *RefusedError {
		return &RefusedError{Reason: reason, Cause: cause, text: fmt.Sprintf(text, args...)}
	}
	switch r.Reason {
	case codec.RefusedVersion:
		return f("version", ErrVersion, "refused: one speaks the versions %d to %d of the format, the other does not: upgrade one of them", r.Speak.Min, r.Speak.Max)
	case codec.RefusedCluster:
		return f("cluster", ErrCluster, "refused: of another cluster: use the same Config.Cluster")
	case codec.RefusedKey:
		return f("secret", ErrSecretMissing, "refused: what one seals, the other does not open: give both the same secret")
	case codec.RefusedMode:
		return f("mode", ErrMode, "refused: reconciles in another way: use the same kind of Config.Tune.Order")
	case codec.RefusedFull:
		return f("full", ErrFull, "refused: all %d seats are taken: raise Config.Limits.Origins there", r.Detail)
	case codec.RefusedName:
		return f("name", ErrNameConflict, "refused: another live member has this name")
	case codec.RefusedBuried:
		return f("buried", nil, "refused: this generation was buried: it takes one above %d", r.Detail)
	case codec.RefusedClock:
		return f("clock", ErrClock, "refused: the generation is ahead of all that the cluster believes (%v): set the clock", time.Unix(0, int64(min(r.Detail, codec.GenerationMax))).UTC().Format(time.DateOnly))
	case codec.RefusedBanned:
		return f("banned", nil, "refused: an operator forbids it")
	case codec.RefusedBusy:
		return f("busy", nil, "refused: busy: again in %d ms", r.Detail)
	}
	return f("unknown", nil, "refused for the reason %d, which this version does not know", r.Reason)
}

// toldWhy is why a seed does not take this member in, as far as it said so; final:
// it said so after since, and asking again soon would not help.
func (e *Engine) toldWhy(addrs []netip.AddrPort, since sched.Instant) (why error, final bool) {
	final = len(addrs) > 0
	for _, a := range addrs {
		t, ok := e.core.Parts().Door.Seeds.Why(a)
		if !ok {
			final = false
			continue
		}
		final = final && t.At > since && !t.Plain && t.Reason != codec.RefusedBusy && t.Reason != codec.RefusedBuried
		r := refused(&t.Refusal)
		r.Addr = a
		if t.Reason == codec.RefusedName {
			r.Here, r.There = e.here, t.Holder
			r.text += fmt.Sprintf(": %q here at %v, there at %v", e.cfg.Name, r.Here, r.There)
		}
		if better := e.whyNot(addrs); better != nil && t.Plain {
			r.Cause, r.text = better, better.Error()
		}
		why = r
	}
	return why, final
}

// turnedAway is why there is nobody that a waiter could wait for, where seeds said so; nil: there is
// somebody, or nobody refuses. Nobody's leave needs others.
func (e *Engine) turnedAway(w *waiter, a *core.Agreement) error {
	if w.leave || a.Members > 0 {
		return nil
	}
	why, _ := e.toldWhy(e.core.Parts().Door.Seeds.Refusing(), 0)
	return why
}

// refusal tells of somebody who does not take us, or whom we do not take.
func (e *Engine) refusal(ev *core.Event) {
	r := refused(&codec.Refusal{Reason: codec.RefusalReason(ev.From), Detail: ev.To, Speak: codec.Versions{Min: codec.FormatVersion, Max: codec.FormatVersion}})
	r.Addr = ev.Addr
	kind, text := EventRefused, "does not take somebody in"
	if ev.Kind == core.Refused {
		kind, text = EventJoinRefused, "somebody does not take this member in"
		if why, _ := e.toldWhy([]netip.AddrPort{ev.Addr}, 0); why != nil {
			r = why.(*RefusedError)
		}
	}
	e.emit(Event{Kind: kind, Member: Member{Addr: ev.Addr}, Here: e.here, Cause: r})
	e.herald.warnRare(text, "member", e.cfg.Name, "there", ev.Addr, "cause", r.Error())
}
