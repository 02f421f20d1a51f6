package engine

import (
	"cmp"
	"errors"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	// stuckMax is how long a write that was accepted and finds no memory is tried
	// again: a reader that the host has stopped while it copies holds some back.
	stuckMax   = 2 * sched.Second
	stuckEvery = sched.Millisecond
	lostMax    = 256 // ranges of refused versions that WaitVersion knows of
)

// drained is a caller that waits until what was staged before is applied.
type drained struct {
	last uint64
	f    func(now sched.Instant)
	done chan bool
}

// lostWrites are writes one after the other that were accepted and could not be kept, and why.
type lostWrites struct {
	from, to uint64
	err      error
}

// drain applies staged writes.
func (e *Engine) drain(now sched.Instant) (more bool) {
	if now < e.retryAt || !e.stage.begin() || e.kept.log != nil && !e.handOver(now) {
		return false
	}
	stamp := int64(0)
	if e.cfg.Tune.Order.Precise() {
		stamp = time.Now().UnixNano()
	}
	e.retryAt = 0
	waited := e.stage.back.waited(now)
	e.store.Promise(e.store.Owner(), e.stage.back.last) // what is left out for a later one of its key comes with that
	for n := 0; (n < writesPerTurn || e.op.Batch > 1) && e.stage.next(&e.rec); n++ {
		r := &e.rec
		e.op = operation(r, stamp)
		if e.op.TTL != 0 {
			e.op.Age = min(waited, e.op.TTL)
		}
		switch st := e.core.Write(now, &e.op); {
		case st == core.Written:
			if e.op.Version != r.version {
				e.held.replaced.Store(r.version)
			}
			if e.op.TTL != 0 {
				e.endsAt(now, e.op.TTL-e.op.Age, e.op.Version) // under which it is kept
			}
		case st == core.NoRoom && e.tryAgain(now):
			e.stage.again(r)
			e.stage.finish(e.room(now))
			return false
		default:
			e.refuse(refusedBy(st), r.version)
			e.endsAgain(now, r.key)
		}
		e.stuckAt, e.appliedTo = 0, r.version
	}
	return e.stage.finish(e.room(now))
}

// operation is a staged write as the core takes it.
func operation(r *record, stamp int64) core.Op {
	op := core.Op{Kind: core.Set, Version: r.version, Key: r.key, Value: r.value, TTL: r.ttl, Stamp: stamp, Batch: r.batch, Class: r.class}
	switch r.op {
	case opDelete:
		op.Kind = core.Delete
	case opContent:
		op.Is = codec.KindContent
	case opLeased:
		op.TTL, op.Lease = 0, r.ttl
	case opLease:
		op.Is = codec.KindLease
	}
	return op
}

// tryAgain puts a write off that finds no memory, but not for ever.
func (e *Engine) tryAgain(now sched.Instant) bool {
	if e.stuckAt == 0 {
		e.stuckAt = now
	}
	if now-e.stuckAt > stuckMax {
		return false
	}
	e.retryAt = now.After(stuckEvery)
	return true
}

// refusedBy is why the core did not take a write.
func refusedBy(st core.Status) error {
	if st == core.NoRoom {
		return ErrFull
	}
	return ErrNameConflict
}

// refuse counts a write that was promised and can't be kept, and tells whoever
// waits for it.
func (e *Engine) refuse(cause error, seq uint64) {
	e.refused++
	last := len(e.lost) - 1
	switch {
	case last >= 0 && e.lost[last].to+1 == seq && errors.Is(e.lost[last].err, cause):
		e.lost[last].to = seq
	case last+1 == lostMax:
		e.lost = slices.Delete(e.lost, 0, lostMax/2)
		fallthrough
	default:
		e.lost = append(e.lost, lostWrites{seq, seq, cause})
	}
	e.herald.warn("write refused after it was accepted", "member", e.cfg.Name, "cause", cause)
}

// lostError is why a write was refused after it was accepted, if it was.
func (e *Engine) lostError(seq uint64) error {
	i, _ := slices.BinarySearchFunc(e.lost, seq, func(w lostWrites, seq uint64) int { return cmp.Compare(w.to, seq) })
	if i < len(e.lost) && e.lost[i].from <= seq {
		return e.lost[i].err
	}
	return nil
}

// applied reports whether everything up to a version has left the stage.
func (e *Engine) applied(last uint64) bool { return e.appliedTo >= last || e.stage.pending.Load() == 0 }

// askApplied is ask, once what was staged before the call is applied: in the
// turns that this takes anyway, so that nobody holds the loop.
func (e *Engine) askApplied(f func(now sched.Instant)) bool {
	w := &drained{f: f, done: make(chan bool, 1)}
	return e.whenApplied(w) && <-w.done
}

// whenApplied asks for a turn, now or once what was staged before is applied.
func (e *Engine) whenApplied(w *drained) bool {
	return e.ask(func(now sched.Instant) {
		if w.last = e.stage.last().Seq; e.applied(w.last) {
			w.f(now)
			w.done <- true
			return
		}
		e.drains = append(e.drains, w)
		e.uses.begin(useWaits)
	})
}

// answerDrained answers who waited for staged writes.
func (e *Engine) answerDrained(now sched.Instant) {
	kept := e.drains[:0]
	for _, w := range e.drains {
		if !e.applied(w.last) {
			kept = append(kept, w)
			continue
		}
		w.f(now)
		w.done <- true
	}
	clear(e.drains[len(kept):])
	e.drains = kept
}

// drainAll applies what was staged before the call: at most two buffers, or what
// comes before a write that finds no memory, or waits for the disk.
func (e *Engine) drainAll(now sched.Instant) {
	for last := e.stage.last().Seq; !e.applied(last) && e.retryAt == 0 && !e.kept.waiting; {
		e.drain(now)
	}
}
