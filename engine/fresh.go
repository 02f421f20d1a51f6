package engine

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

// ErrStale is returned by GetFresh, with what this replica holds, where not everybody
// could be asked who had to be: a member that left or died, that does not answer within
// 10 s, or of which there is no room here for what it wrote.
var ErrStale = errors.New("engine: the value may be old: its writer could not be asked")

// ErrFreshReads is returned by GetFresh, with what this replica holds, where 1,024 callers
// wait for answers already: each of them costs the loop a look in each of its turns.
var ErrFreshReads = errors.New("engine: too many fresh reads are under way: wait for some, or use Get")

const (
	freshEvery = 20 * sched.Millisecond // between questions to a member
	freshMost  = 10 * time.Second
	freshReads = 1024 // callers at a time
)

// freshRead is a caller of GetFresh, who waits for the answers of members.
type freshRead struct {
	of     []asked
	until  sched.Instant
	shared bool
	stale  bool
	done   chan error
}

// asked is a member, and the last frame to it before it was asked: what it says once it has
// seen a later one, it says after that.
type asked struct{ peer, sent uint32 }

// GetFresh is Get once this replica holds all that the member had published when it was
// asked: a read that no earlier write is missing from, for a round trip. What is missing
// is repaired first, and what was written since may be there too. A large value that is
// still on its way is not waited for. It ends when the member is found to be gone, and
// after 10 s, whatever ctx is. Errors come with what Get gives: ErrStale, ErrFreshReads,
// ErrNoMember, ErrKey, ctx.Err(), ErrClosed.
func (e *Engine) GetFresh(ctx context.Context, member, key string) (value []byte, meta Meta, ok bool, err error) {
	switch {
	case len(key) == 0 || codec.Reserved(key) || len(key) > KeyBytesMax:
		return nil, meta, false, ErrKey
	case member != e.cfg.Name:
		err = e.freshen(ctx, member, false)
	case !e.runs.Load():
		err = ErrClosed
	}
	value, meta, ok = e.Get(member, key)
	return value, meta, ok, err
}

// GetFresh is Get once this replica holds all that every live member had published when it
// was asked: each of them may have written the key. It asks them all at once; one that is
// found to be gone is not waited for. Errors as for Engine.GetFresh.
func (s *Shared) GetFresh(ctx context.Context, key string) (value []byte, v SharedVersion, ok bool, err error) {
	if err = s.checkSize(key, nil); err != nil {
		return nil, v, false, err
	}
	err = s.e.freshen(ctx, "", true)
	value, v, ok = s.Get(key)
	return value, v, ok, err
}

// freshen returns once a member has been asked, or all of them, and what they had is here.
func (e *Engine) freshen(ctx context.Context, member string, shared bool) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	r := &freshRead{shared: shared, done: make(chan error, 1)}
	var refused error
	if !e.ask(func(now sched.Instant) { refused = e.beginRead(now, r, member) }) {
		return ErrClosed
	}
	if refused != nil {
		return refused
	}
	select {
	case err := <-r.done:
		return err
	case <-ctx.Done():
	}
	e.ask(func(sched.Instant) {
		e.reads = slices.DeleteFunc(e.reads, func(x *freshRead) bool { return x == r })
	})
	select {
	case err := <-r.done: // it was answered in the meantime
		return err
	default:
		return ctx.Err()
	}
}

// beginRead asks a member, or all of them, for a caller. It runs on the loop.
func (e *Engine) beginRead(now sched.Instant, r *freshRead, member string) error {
	if len(e.reads) >= freshReads {
		return ErrFreshReads
	}
	r.until = now.After(sched.Instant(freshMost))
	if r.shared {
		e.askAll(r)
	} else if p, ok := e.peerOf(member); ok {
		e.askToo(r, p)
	} else {
		return ErrNoMember
	}
	e.reads, e.readAt = append(e.reads, r), now
	e.uses.begin(useWaits)
	e.answerReads(now)
	return nil
}

func (e *Engine) askAll(r *freshRead) {
	for p := range e.core.Peers() {
		if peer, ok := e.core.Peer(p); ok && peer.Proven && !e.gone(p, &peer) {
			e.askToo(r, p)
		}
	}
}

func (e *Engine) askToo(r *freshRead, p uint32) {
	if peer, ok := e.core.Peer(p); ok {
		r.of = append(r.of, asked{p, peer.Sent})
	}
}

func (e *Engine) gone(handle uint32, p *core.Peer) bool {
	s := e.stateOf(handle, p)
	return s == StateDead || s == StateLeft
}

// answerReads completes the reads that have come true, and asks again for the others.
func (e *Engine) answerReads(now sched.Instant) {
	again := now >= e.readAt
	kept := e.reads[:0]
	for _, r := range e.reads {
		r.of = slices.DeleteFunc(r.of, func(a asked) bool { return e.settled(r, a) })
		switch {
		case r.stale, now >= r.until && len(r.of) > 0:
			r.done <- ErrStale
		case len(r.of) == 0:
			r.done <- nil
		default:
			kept = append(kept, r)
		}
	}
	clear(e.reads[len(kept):])
	e.reads = kept
	if !again || len(kept) == 0 {
		return
	}
	e.readAt = now.After(freshEvery)
	for _, r := range kept {
		for _, a := range r.of {
			e.core.AskPeer(now, a.peer)
		}
	}
	e.touched = true
}

// settled reports whether a member is not to be waited for any more: it has told how far its
// writes went, and they are here, or it is gone.
func (e *Engine) settled(r *freshRead, a asked) bool {
	p, ok := e.core.Peer(a.peer)
	if !ok || e.gone(a.peer, &p) {
		r.stale = r.stale || !r.shared
		return true
	}
	o := p.Origin
	later := p.Seen != 0 && int32(p.Seen-a.sent) > 0
	return later && e.store.Max(o) >= p.Wrote && e.store.Level(o) && !e.store.Dirty(o)
}
