package engine

import (
	"context"
	"runtime"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/core"
	"github.com/quidnunc/quidnunc/engine/declare"
	"github.com/quidnunc/quidnunc/sched"
)

// leaveWait bounds a Leave whose context has no deadline, as joins and pings are.
const leaveWait = 5 * time.Second

// Leave tells the cluster that this member goes, and returns when the live
// members know or ctx ends: then with ctx.Err(), and the leave was announced
// as well as it could be, by a ctx that has ended before too. A ctx without a
// deadline ends after 5 s. From its call on writes give ErrClosed; reads and
// Members work until Close. A second Leave waits for the same thing.
func (e *Engine) Leave(ctx context.Context) error {
	if _, bounded := ctx.Deadline(); !bounded {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, leaveWait)
		defer cancel()
	}
	e.stage.stop(ErrClosed)
	e.kept.leaves(ctx)
	w := &waiter{leave: true, done: make(chan error, 1)}
	ok := e.lastOfAll(ctx, func(now sched.Instant) {
		if w.seq != 0 {
			return // said
		}
		w.seq = e.sayLeave(now)
		e.waiters = append(e.waiters, w)
		e.uses.begin(useWaits)
		e.askAt = now
	})
	if !ok {
		return ErrClosed
	}
	return e.await(ctx, w)
}

// lastOfAll asks the loop once what was staged is applied, which may have to wait for memory or the
// disk, or once ctx has ended; then again, if need be.
func (e *Engine) lastOfAll(ctx context.Context, f func(now sched.Instant)) bool {
	w := &drained{f: f, done: make(chan bool, 1)}
	if !e.whenApplied(w) {
		return false
	}
	select {
	case ok := <-w.done:
		return ok
	case <-ctx.Done():
		return e.ask(f)
	}
}

// sayLeave applies what is staged and writes the reserved key that says that
// this member goes. It returns that write's version.
func (e *Engine) sayLeave(now sched.Instant) uint64 {
	if e.leftAt != 0 {
		return e.leftAt
	}
	e.drainAll(now)
	e.op = core.Op{Kind: core.Set, Version: e.stage.skip(), Key: declare.LeaveKey}
	e.leftAt = e.op.Version
	e.outdate()
	if e.core.Write(now, &e.op) != core.Written { // the name is another's, or there is no room: the detector tells it then
		e.leftAt = max(1, e.store.Max(e.store.Owner()))
	}
	return e.leftAt
}

// Close announces the leave for at most Config.LeaveTimeout and shuts the
// engine down: its socket is free and its goroutines have ended when it
// returns, except for an OnEvent call in progress. It is idempotent and may be
// called from OnEvent. Its error, of every call, is that of the disk: what is missing there.
func (e *Engine) Close() error {
	if e.reactor == nil {
		return nil // it was never started
	}
	if e.closing.Swap(true) { // not a sync.Once: who waits for one stops the clock of a synctest bubble
		<-e.closed
		return e.closeErr
	}
	defer close(e.closed)
	if e.cfg.LeaveTimeout > 0 {
		ctx, cancel := context.WithTimeout(e.life, e.cfg.LeaveTimeout)
		e.Leave(ctx)
		cancel()
	}
	e.reactor.do(func(sched.Instant) bool { e.shutdown(nil); return true })
	<-e.done
	e.bg.Wait()
	e.closeErr = e.closeDisk()
	e.release()
	e.letGo()
	return e.closeErr
}

// letGo frees what is of no use after Close, for as long as somebody has the Engine: readers may
// still be at work, in their last steps.
func (e *Engine) letGo() {
	e.stage.letGo()
	for !e.shared.index.Release() {
		runtime.Gosched()
	}
	e.core, e.parts, e.send = nil, core.Parts{}, nil
	e.names, e.declared, e.lost, e.expiry = nil, nil, nil, expiry{}
	e.rec, e.op, e.event, e.entry = record{}, core.Op{}, core.Event{}, codec.Entry{} // views
	e.members.Store(nil)
	e.shared.letGo()
	e.large.mu.Lock()
	e.large.table.Clear()
	e.large.mu.Unlock()
}
