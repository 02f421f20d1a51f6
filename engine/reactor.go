package engine

import (
	"errors"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/quidnunc/quidnunc/batch"
	"github.com/quidnunc/quidnunc/engine/mail"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	recvBatch    = 64   // datagrams received by one engine in one turn
	sendBatch    = 32   // frames sent by one engine in one turn
	recvSlot     = 2048 // bytes: above any frame, so that a longer datagram shows
	readyBatch   = 64   // sockets served in one turn, at least
	enginesFirst = 64
	lagMax       = 100 * sched.Millisecond
)

// ReactorOptions say how a reactor runs. The zero value is the default.
type ReactorOptions struct {
	// Transport replaces the sockets. The reactor does not close it.
	Transport batch.Poller
	// LockThread gives the reactor a thread of its own: right for a Transport
	// that sleeps in a system call, wrong for one that sleeps on a channel.
	// Without a Transport it is chosen to fit.
	LockThread bool
	// Idle is what the reactor does when there is nothing to do: sleep at once
	// (the default), or spin for a while before.
	Idle batch.Idle
}

// Reactor is one goroutine that serves the sockets, timers and staged writes
// of any number of engines. Without Config.Reactor the engines of a process
// share as many as there are processors. It sleeps when there is nothing to do.
type Reactor struct {
	poller  batch.Poller
	owned   bool // the poller is ours to close
	locked  bool // to a thread: the poller sleeps in the kernel
	done    chan struct{}
	working atomic.Bool // tasks is not empty

	busyShare atomic.Int32 // of its time that the loop works, smoothed, in parts of a per cent: shareMemory of them

	mu     sync.Mutex
	tasks  []func(now sched.Instant) bool // run between turns; false ends the reactor
	closed bool

	// The loop's own.
	engines []*Engine
	byConn  map[batch.Conn]*Engine
	ready   []batch.Conn
	recv    []batch.Msg
	lag     sched.Instant // between turns while there is work, smoothed
	turned  sched.Instant // when the last turn began
	until   sched.Instant // and when the next was to, at the latest
	stall   stall
	busy    bool // it left work for the next
	credit  mail.Credit
	err     error
}

// NewReactor starts a reactor for Config.Reactor. It runs until Close.
func NewReactor(o ReactorOptions) *Reactor {
	r := &Reactor{poller: o.Transport, locked: o.LockThread, done: make(chan struct{})}
	if r.poller == nil {
		r.poller, r.locked = Sockets(o.Idle)
		r.owned = true
	}
	r.engines = make([]*Engine, 0, enginesFirst)
	r.byConn = make(map[batch.Conn]*Engine, enginesFirst)
	r.ready = make([]batch.Conn, readyBatch)
	r.recv = make([]batch.Msg, recvBatch)
	slab := make([]byte, recvBatch*recvSlot)
	for i := range r.recv {
		r.recv[i].Buf = slab[i*recvSlot : (i+1)*recvSlot : (i+1)*recvSlot]
	}
	go r.run()
	return r
}

// Close ends the reactor. Engines that still run on it are shut down without
// a word to the cluster: close them first. It is idempotent.
func (r *Reactor) Close() error {
	r.do(func(sched.Instant) bool { return false })
	<-r.done
	return nil
}

// do hands the loop a task to run between two turns. It reports false when the
// reactor has ended.
func (r *Reactor) do(task func(now sched.Instant) bool) bool {
	r.mu.Lock()
	if r.closed {
		r.mu.Unlock()
		return false
	}
	r.tasks = append(r.tasks, task)
	r.working.Store(true)
	r.mu.Unlock()
	r.poller.Wake()
	return true
}

func (r *Reactor) run() {
	if r.locked {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
	}
	defer r.end()
	n, idle := 0, sched.Never
	for r.runTasks() {
		now := r.poller.Now()
		r.credit.Slept(max(0, now-idle))
		if busy, looked := r.credit.Look(now); looked {
			r.busyShare.Add(int32(busy) - r.busyShare.Load()/shareMemory)
		}
		deadline := r.turn(now, n)
		if r.working.Load() {
			deadline = r.turned
		}
		if idle = sched.Never; deadline > now {
			idle = r.poller.Now()
		}
		var err error
		r.until = deadline
		if n, err = r.poller.Wait(deadline, r.ready); err != nil {
			r.err = err
			return
		}
	}
}

// runTasks runs what was handed in. Tasks may hand in more: those run in the
// next turn.
func (r *Reactor) runTasks() bool {
	if !r.working.Load() {
		return true
	}
	r.mu.Lock()
	tasks := r.tasks
	r.tasks = nil
	r.working.Store(false)
	r.mu.Unlock()
	now := r.poller.Now()
	for i, task := range tasks {
		if !task(now) {
			r.mu.Lock()
			r.tasks = append(tasks[i+1:], r.tasks...) // somebody waits for each of them
			r.mu.Unlock()
			return false
		}
	}
	return true
}

// turn is one duty cycle: receive from the first n ready sockets, then serve
// every engine that has something to do. It returns when it wants to be called
// again at the latest.
func (r *Reactor) turn(now sched.Instant, n int) sched.Instant {
	r.late(now)
	for _, conn := range r.ready[:n] {
		if e := r.byConn[conn]; e != nil {
			e.receive(now, r.recv, r.stall.waited(now, e.drained))
		}
	}
	r.observe(now, n > 0)
	next := sched.Never
	for _, e := range r.engines {
		if e.touched || e.stage.waiting.Load() || e.deadline <= now || e.uses.any(useStreams) && e.large.due(now) {
			e.core.Observe(e.pressure(now, r.lag))
			e.turn(now)
		}
		if e.uses.any(useWatch) { // tasks note news, too
			e.watches.post()
			e.shared.watches.post()
		}
		next = min(next, e.deadline)
	}
	r.busy = next <= now
	return next
}

// stall is the last time that the loop came late: the process was stopped, the system
// suspended, or all processors were busy.
type stall struct{ from, to sched.Instant }

const (
	lateMin   = 10 * sched.Millisecond  // from which on it is one
	lateTell  = 100 * sched.Millisecond // and watchers look what has ended: their timers may have stood still
	drainTime = 100 * sched.Millisecond // that it takes to read what lay in a socket meanwhile, at most
)

// late notes a stall.
func (r *Reactor) late(now sched.Instant) {
	late := now - r.until
	if r.until == 0 || late < lateMin {
		return
	}
	r.stall = stall{r.turned, now}
	if late < lateTell {
		return
	}
	for _, e := range r.engines {
		e.watches.wake()
	}
}

// waited is how long what comes out of a socket may have lain there: it was empty when it
// was drained last.
func (s *stall) waited(now, drained sched.Instant) sched.Instant {
	if now-s.to > drainTime || drained >= s.to {
		return 0
	}
	return now - s.from
}

// observe measures how long turns take while one follows the other. An idle
// loop forgets within a few turns.
func (r *Reactor) observe(now sched.Instant, ready bool) {
	gap := sched.Instant(0)
	if r.busy || ready {
		gap = min(now-r.turned, lagMax)
	}
	r.lag += (gap - r.lag) / 8
	r.turned = now
}

func (r *Reactor) add(e *Engine) {
	r.engines = append(r.engines, e)
	e.parts.Mail.Share(&r.credit)
	if len(r.engines) > len(r.ready) { // a turn lets all of them send: what it sends has to be received in the next
		r.ready = append(r.ready, make([]batch.Conn, len(r.ready))...)
	}
	r.byConn[e.conn] = e
	e.touched = true
}

func (r *Reactor) remove(e *Engine) {
	for i, x := range r.engines {
		if x == e {
			r.engines = slices.Delete(r.engines, i, i+1) // nothing is kept alive behind its end
			break
		}
	}
	delete(r.byConn, e.conn)
}

// end shuts down whatever still runs here.
func (r *Reactor) end() {
	r.mu.Lock()
	r.closed = true
	tasks := r.tasks
	r.tasks = nil
	r.mu.Unlock()
	now := r.poller.Now()
	for _, task := range tasks {
		task(now)
	}
	for len(r.engines) > 0 {
		r.engines[len(r.engines)-1].shutdown(r.failure())
	}
	if r.owned {
		r.poller.Close()
	}
	close(r.done)
}

func (r *Reactor) failure() error {
	if r.err == nil || errors.Is(r.err, batch.ErrClosed) {
		return nil
	}
	return r.err
}

// process holds the reactors that engines share when their Config names none: as many as Go runs
// threads, no more than engines, and each for as long as it has one.
var process struct {
	mu    sync.Mutex
	loops []*sharedReactor
}

type sharedReactor struct {
	*Reactor
	users int
}

// An engine looks for the loop that has least to do: one that works all the time counts as much as
// fullLoad engines.
const (
	fullLoad    = 16
	shareMemory = 16 // looks of mail.Credit
)

func (s *sharedReactor) load() int {
	return 100*s.users + fullLoad*int(s.busyShare.Load())/shareMemory
}

func acquireShared() *Reactor {
	process.mu.Lock()
	defer process.mu.Unlock()
	process.loops = slices.DeleteFunc(process.loops, func(s *sharedReactor) bool { return s.ended() })
	var least *sharedReactor
	for _, s := range process.loops {
		if least == nil || s.load() < least.load() {
			least = s
		}
	}
	if len(process.loops) < runtime.GOMAXPROCS(0) {
		least = &sharedReactor{Reactor: NewReactor(ReactorOptions{})}
		process.loops = append(process.loops, least)
	}
	least.users++
	return least.Reactor
}

func releaseShared(r *Reactor) {
	process.mu.Lock()
	var last *Reactor
	for i, s := range process.loops {
		if s.Reactor != r {
			continue
		}
		if s.users--; s.users == 0 {
			process.loops, last = slices.Delete(process.loops, i, i+1), r
		}
		break
	}
	process.mu.Unlock()
	if last != nil {
		last.Close()
	}
}

// ended is true once the loop has given up.
func (r *Reactor) ended() bool {
	select {
	case <-r.done:
		return true
	default:
		return false
	}
}
