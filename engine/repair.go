package engine

import (
	"context"
	"errors"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// ErrRepair is returned by Repair where there is none: with a precise Order.
var ErrRepair = errors.New("engine: repair: a precise Order compares key by key, without ring repair")

// RepairResult is what a walk of ring repair did, or has done so far.
type RepairResult struct {
	Hops    int // of Planned, which is twice the members but one
	Planned int
	// Copied counts replicas of one member's state that were missing and were
	// copied whole, Patched those that were behind, Entries what was sent for both.
	Copied, Patched int
	Entries         uint64
	// Skipped counts members that did not answer.
	Skipped int
	// Restarts counts walks that were lost with a member on the way.
	Restarts int
	Took     time.Duration
}

// repairWait is a caller of Repair.
type repairWait struct {
	began  sched.Instant
	result RepairResult
	done   chan error
}

const repairLook = 50 * sched.Millisecond // a walk that is waited for is looked at so often

// Repair walks round the ring of live members until all hold the same: each in
// turn sends its successor what that one lacks, 2(N-1) times in all. It is for
// when the periodic comparison is not trusted to have been everywhere, as after a
// long partition; it moves nothing when all is equal. What is written meanwhile may
// or may not be carried along. A walk that is lost is started again. Calls at the
// same time share one walk. Errors: ctx.Err(), with the result so far while the walk
// goes on; ErrClosed; ErrRepair.
func (e *Engine) Repair(ctx context.Context) (RepairResult, error) {
	if e.cfg.Tune.Order >= tune.OrderPreciseNewest {
		return RepairResult{}, ErrRepair
	}
	if err := ctx.Err(); err != nil {
		return RepairResult{}, err
	}
	w := &repairWait{done: make(chan error, 1)}
	if !e.ask(func(now sched.Instant) {
		w.began = now
		if _, s := e.core.Parts().Repair.Progress(now); s == walk.StateDone {
			e.core.Parts().Repair.End()
		}
		e.repairs = append(e.repairs, w)
		e.uses.begin(useWaits)
		e.answerRepairs(now)
	}) {
		return RepairResult{}, ErrClosed
	}
	select {
	case err := <-w.done:
		return w.result, err
	case <-ctx.Done():
	}
	if !e.ask(func(sched.Instant) { e.forgetRepair(w) }) {
		return RepairResult{}, ErrClosed
	}
	select {
	case err := <-w.done: // it ended in the meantime
		return w.result, err
	default:
		return w.result, ctx.Err()
	}
}

// RepairProgress is how far the last walk that this member started has come, and
// whether it goes on. It blocks for one turn of the loop.
func (e *Engine) RepairProgress() (r RepairResult, walking bool) {
	e.ask(func(now sched.Instant) {
		t, s := e.core.Parts().Repair.Progress(now)
		r, walking = resultOf(&t), s == walk.StateWalking
	})
	return r, walking
}

func resultOf(t *codec.Token) RepairResult {
	return RepairResult{
		Hops: int(t.Hop), Planned: int(t.Hops), Copied: int(t.Copied), Patched: int(t.Patched),
		Entries: t.Entries, Skipped: int(t.Skipped),
	}
}

// answerRepairs starts and watches the walk that is waited for.
func (e *Engine) answerRepairs(now sched.Instant) {
	t, s := e.core.Parts().Repair.Progress(now)
	restarts := 0
	switch s {
	case walk.StateLost:
		e.core.Parts().Repair.End()
		restarts = 1
		fallthrough
	case walk.StateIdle:
		e.touched = true
		e.core.StartRepair(now) // or later, if it takes part in too many
		if t2, s2 := e.core.Parts().Repair.Progress(now); s2 == walk.StateDone {
			t, s = t2, s2 // alone
		}
	}
	for _, w := range e.repairs {
		restarts := w.result.Restarts + restarts
		w.result = resultOf(&t)
		w.result.Restarts, w.result.Took = restarts, time.Duration(now-w.began)
		if s == walk.StateDone {
			w.done <- nil
		}
	}
	if s == walk.StateDone {
		clear(e.repairs)
		e.repairs = e.repairs[:0]
	}
}

func (e *Engine) forgetRepair(w *repairWait) {
	for i, x := range e.repairs {
		if x == w {
			e.repairs = append(e.repairs[:i], e.repairs[i+1:]...)
			return
		}
	}
}
