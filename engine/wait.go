package engine

import (
	"cmp"
	"context"

	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// waiter is a caller of WaitVersion or WaitConverged. done has room for one.
type waiter struct {
	seq       uint64 // WaitVersion
	converged bool
	leave     bool // of Leave: seq is about whatever could be written
	asked     sched.Instant
	done      chan error
}

// WaitVersion returns when every live member has this member's write v, and
// with it all writes before v. Live are the members that answer: one that
// falls silent is no longer waited for, one that joins is. A large value is there
// when its content is, at each member that fetches it: not at those without Streams, whose
// Limits.LargeBytes are less, or that fetch it when it is read. Errors: ctx.Err(),
// ErrVersion (a *VersionError) for a version that this process never gave out, ErrFull or
// ErrNameConflict when the write was accepted and could not be kept, ErrMemberFull
// (a *MemberFullError) for members that have no room for it or for a write before
// it, ErrRefused (a *RefusedError) where nobody is reached since seeds do not take this member in,
// ErrClosed. A member that is alone and was refused by nobody waits for nobody.
func (e *Engine) WaitVersion(ctx context.Context, v Version) error {
	if err := e.gaveOut(v); err != nil {
		return err
	}
	return e.wait(ctx, &waiter{seq: v.Seq})
}

// gaveOut tells whether a version is one of this process: else a *VersionError.
func (e *Engine) gaveOut(v Version) error {
	if !e.runs.Load() {
		return ErrClosed
	}
	return e.stage.gaveOut(v)
}

// WaitConverged returns when every live member has told this one that it holds
// exactly the same state. It is for clusters that are quiet: under steady
// writes no two members are equal for long. Errors: ctx.Err(), ErrMemberFull (a
// *MemberFullError) for members that have no room for what others hold, ErrRefused as WaitVersion,
// ErrClosed.
func (e *Engine) WaitConverged(ctx context.Context) error {
	return e.wait(ctx, &waiter{converged: true})
}

func (e *Engine) wait(ctx context.Context, w *waiter) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	w.done = make(chan error, 1)
	if !e.ask(func(now sched.Instant) {
		w.asked = now
		e.waiters = append(e.waiters, w)
		e.uses.begin(useWaits)
		e.askAt = now
	}) {
		return ErrClosed
	}
	return e.await(ctx, w)
}

func (e *Engine) await(ctx context.Context, w *waiter) error {
	select {
	case err := <-w.done:
		return err
	case <-ctx.Done():
	}
	e.ask(func(sched.Instant) { e.forget(w) })
	select {
	case err := <-w.done: // it came true in the meantime
		return err
	default:
		return ctx.Err()
	}
}

func (e *Engine) forget(w *waiter) {
	for i, x := range e.waiters {
		if x == w {
			e.waiters = append(e.waiters[:i], e.waiters[i+1:]...)
			return
		}
	}
}

// askEvery is how often waiting members are asked again for what they hold.
const askEvery = 20 * sched.Millisecond

// answer completes what has come true, and asks the others again while there
// is something to wait for.
func (e *Engine) answer(now sched.Instant) {
	kept, all, agreed := e.waiters[:0], false, core.Agreement{}
	if len(e.waiters) > 0 {
		agreed = e.core.Agreement(now) // one look at all members, however many wait
	}
	for _, w := range e.waiters {
		if err := e.lostError(w.seq); err != nil && !w.leave {
			w.done <- err
			continue
		}
		if err := cmp.Or(e.memberFull(w), e.turnedAway(w, &agreed)); err != nil {
			w.done <- err
			continue
		}
		if e.true(w, &agreed) {
			w.done <- nil
			continue
		}
		kept = append(kept, w)
		all = all || w.converged
	}
	clear(e.waiters[len(kept):])
	e.waiters = kept
	if len(kept) > 0 && now >= e.askAt {
		e.askAt = now + askEvery
		e.core.Ask(now, all)
		e.touched = true
	}
	e.answerJoins(now)
}

// true reports whether what w waits for is so. The agreement is that of now, for who waits for
// versions.
func (e *Engine) true(w *waiter, a *core.Agreement) bool {
	switch {
	case w.converged:
		a := e.core.Agreement(w.asked)
		return a.Equal == a.Members && e.stage.pending.Load() == 0
	case w.leave: // nobody's leave waits for contents
		return a.Confirmed >= w.seq
	default:
		return a.Whole >= w.seq
	}
}

func live(p *core.Peer) bool { return p.Proven && !p.Quiet && !p.Left }
