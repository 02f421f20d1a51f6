package disk

import (
	"strings"
	"time"
)

// writer is what the log's goroutine alone uses.
type writer struct {
	file    File
	salt    uint32
	number  uint64   // of the next file
	names   []string // files that the next snapshot makes superfluous
	damaged []string // of those, the ones to be kept aside

	chain    int64     // bytes of logs since the last snapshot
	snapped  int64     // bytes of that snapshot
	contents int64     // bytes of what it refers to
	logs     int       // since then
	wanted   bool      // a snapshot mends what is here
	wantedAt time.Time // not before
	snapshot chan snapshotDone
	snapping bool
	mending  bool // after a failure: nothing is durable before the snapshot is
	retry    time.Duration
	retryAt  time.Time
	syncAt   time.Time // when what was written is to be synced; zero: it is
	written  uint64    // the newest version that was written
	leaving  bool      // what was written says that the member leaves
	beatAt   time.Time // when the time is written down though nothing happened
	synced   chan syncDone
	syncing  bool // beside

	inherited uint64 // records up to this version were found

	found map[sum]bool // contents that what was read refers to, until Begin
	full  bool         // the failure was that the disk is full
}

func (w *writer) init(r *reader) {
	w.names, w.damaged, w.number = r.old, r.bad, r.next
	w.logs = len(r.old)
	w.wanted = r.gap || r.torn
	w.snapshot = make(chan snapshotDone, 1)
	w.synced = make(chan syncDone, 1)
	w.retry = retryFirst
}

// tidy removes what was not finished.
func (l *Log) tidy() {
	names, err := l.o.FS.List()
	if err != nil {
		return
	}
	for _, name := range names {
		if strings.HasPrefix(name, filePrefix) && strings.HasSuffix(name, tempEnd) {
			l.o.FS.Remove(name)
		}
	}
}

// run writes what is offered until the log is closed.
func (l *Log) run() {
	defer close(l.done)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-l.wake:
			if l.o.Sync != SyncEach && !l.ends() {
				time.Sleep(linger)
			}
		case <-timer.C:
		case d := <-l.snapshot:
			l.snapshotEnded(d)
		case d := <-l.synced:
			l.syncEnded(d)
		}
		now := time.Now()
		if l.ends() {
			l.end(now)
			return
		}
		l.awake.Store(false) // before the look: what is offered later wakes again
		l.beat(now)
		l.turn(now)
		next := l.next()
		if next.IsZero() || next.After(l.beatAt) {
			next = l.beatAt
		}
		timer.Reset(max(0, time.Until(next)))
	}
}

// beat has the time written down now and then: a start asks how long the member was away.
func (l *Log) beat(now time.Time) {
	if now.Before(l.beatAt) {
		return
	}
	l.beatAt = now.Add(beatEvery)
	if f, ok := l.file.(dirFile); ok && l.o.Sync == SyncNever { // else each sync looks
		if err := inPlace(f.File); err != nil {
			l.fail(now, "can't be written", err)
		}
	}
	l.mu.Lock()
	l.dirty = true
	l.mu.Unlock()
}

func (l *Log) ends() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.closing
}

// next is when there is something to do without being woken; zero: never.
func (l *Log) next() time.Time {
	switch {
	case l.file == nil:
		return l.retryAt
	case l.syncing:
		return time.Time{}
	}
	return sooner(l.syncAt, l.debtAt())
}

// turn writes and syncs what is due, or tries to be of use again.
func (l *Log) turn(now time.Time) {
	if l.file == nil {
		if !now.Before(l.retryAt) {
			l.mend(now)
		}
		return
	}
	b, last := l.take()
	if len(b) > 0 {
		if err := l.put(b); err != nil {
			l.fail(now, "can't be written", err)
			return
		}
		l.written = max(l.written, last)
		if l.syncAt.IsZero() {
			l.syncAt = now.Add(l.o.Every)
		}
	}
	l.settle(now)
	if l.file != nil && !l.snapping && (l.isCrowded() || l.isDue(now) || !now.Before(l.wantedAt) && (l.wanted || l.logs > logsMax || l.grown())) {
		l.rotate(now)
	}
}

// grown tells whether a snapshot would free much: of logs, or of contents that were replaced.
func (l *Log) grown() bool {
	return l.chain > max(chainMin, 2*l.snapped) || l.values.sinceSnapshot() > max(contentsMin, l.contents, 4*l.snapped)
}

// syncDone is what became of a sync beside.
type syncDone struct {
	written uint64
	err     error
}

// settle syncs if it is time, and tells what is durable now. With Interval it syncs
// beside, so that writes go on.
func (l *Log) settle(now time.Time) {
	switch {
	case l.syncAt.IsZero():
	case l.o.Sync == SyncInterval:
		if !l.syncing && !now.Before(l.syncAt) {
			l.syncing, l.syncAt = true, time.Time{}
			file, written := l.file, l.written
			go func() { l.synced <- syncDone{written, l.syncFile(file)} }()
		}
	case l.o.Sync == SyncNever:
		l.syncAt = time.Time{}
		l.tell(l.written)
	default:
		l.syncNow(now)
	}
}

// syncNow syncs all that was written. false: it failed.
func (l *Log) syncNow(now time.Time) bool {
	if l.awaitSync(); l.file == nil {
		return false
	}
	if err := l.syncFile(l.file); err != nil {
		l.fail(now, "can't be synced", err)
		return false
	}
	l.syncAt = time.Time{}
	l.tell(l.written)
	return true
}

// awaitSync waits for a sync that is under way.
func (l *Log) awaitSync() {
	if l.syncing {
		l.syncEnded(<-l.synced)
	}
}

// syncEnded takes in what became of it.
func (l *Log) syncEnded(d syncDone) {
	l.syncing = false
	switch {
	case l.file == nil:
	case d.err != nil:
		l.fail(time.Now(), "can't be synced", d.err)
	default:
		l.tell(d.written)
	}
}

// tell makes known that what was written is durable, unless a snapshot is missing.
func (l *Log) tell(written uint64) {
	if l.mending {
		return
	}
	l.mu.Lock()
	l.durable, l.left = max(l.durable, written), l.leaving
	l.news.Broadcast()
	l.mu.Unlock()
	l.progress()
}

func (l *Log) progress() {
	if l.o.Progress != nil {
		l.o.Progress()
	}
}

// take gives what is to be written as blocks, good until the next call, and the newest
// version among it.
func (l *Log) take() (b []byte, last uint64) {
	l.mu.Lock()
	b, l.pending = l.pending, l.spare[:blockHead]
	last = l.offered
	place, members, dirty := l.place, l.members, l.dirty
	l.wanted, l.missed = l.wanted || l.missed, false
	l.dirty = false
	wall := l.since
	l.mu.Unlock()
	l.spare = b
	if len(b) > blockHead {
		seal(b, l.salt, blockWrites, wall)
	} else {
		b = b[:0]
	}
	if dirty {
		place.seq, l.leaving = last, place.left
		b = l.appendPlace(b, blockPosition, &place, members)
		l.spare = b
	}
	return b, last
}

func (l *Log) appendPlace(b []byte, kind blockKind, p *position, members []Member) []byte {
	wall := time.Now()
	if len(members) > 0 {
		b = appendBlock(b, l.salt, blockMembers, wall, func(b []byte) []byte { return appendMembers(b, members) })
	}
	return appendBlock(b, l.salt, kind, wall, func(b []byte) []byte { return appendPosition(b, p) })
}

// put appends blocks to the file.
func (l *Log) put(b []byte) error {
	return l.alone(func() error {
		n, err := l.file.Write(b)
		l.chain += int64(n)
		b = b[n:]
		return err
	})
}

// fail gives the file up: after an error nobody knows what of it is on disk. What was
// written and not synced counts as lost.
func (l *Log) fail(now time.Time, doing string, err error) {
	if l.syncing {
		<-l.synced
		l.syncing = false
	}
	l.file.Close()
	l.file, l.syncAt, l.wanted, l.mending = nil, time.Time{}, true, false
	l.retryAt = now.Add(l.retry)
	l.retry = min(2*l.retry, retryMost)
	l.full = full(err)
	err = explain(l.o.FS.Path(), doing, err)
	l.mu.Lock()
	first := l.broken == nil
	l.broken, l.drops = err, true
	l.lose(l.offered)
	l.news.Broadcast()
	l.pending = l.pending[:blockHead]
	l.mu.Unlock()
	if first && l.o.Changed != nil {
		l.o.Changed(err)
	}
	l.progress()
}

// mend begins a new log, and a snapshot of all that is missing before it.
func (l *Log) mend(now time.Time) {
	if l.snapping { // of before
		l.retryAt = now.Add(retryFirst)
		return
	}
	if l.full {
		l.sweepUnused()
	}
	err := l.relock()
	if err == nil {
		err = l.create()
	}
	if err != nil {
		l.full = full(err)
		l.retryAt = now.Add(l.retry)
		l.retry = min(2*l.retry, retryMost)
		l.mu.Lock()
		l.broken = explain(l.o.FS.Path(), "can't be written", err)
		l.mu.Unlock()
		return
	}
	l.mending = true
	l.mu.Lock()
	l.drops = l.o.Sync == SyncEach // they are refused until the snapshot is there
	l.dirty = true
	cut := l.offered
	l.mu.Unlock()
	l.startSnapshot(cut)
}

// rotate goes on in a new log while a snapshot of what was before is made.
func (l *Log) rotate(now time.Time) {
	if !l.syncNow(now) { // a hole between two logs would be worse than a lost end
		return
	}
	old := l.file
	if err := l.alone(l.create); err != nil {
		l.file = old
		l.fail(now, "can't be written", err)
		return
	}
	old.Close()
	l.mu.Lock()
	l.dirty = true
	l.mu.Unlock()
	l.startSnapshot(l.written)
}

// end writes what is left, and that nothing is missing.
func (l *Log) end(now time.Time) {
	if l.snapping {
		l.snapshotEnded(<-l.snapshot)
	}
	if l.file == nil {
		return
	}
	l.turnLast(now)
	if l.file == nil {
		return
	}
	l.file.Close()
	l.tell(l.written)
}

func (l *Log) turnLast(now time.Time) {
	if l.awaitSync(); l.file == nil {
		return
	}
	b, last := l.take()
	l.mu.Lock()
	place, whole := l.place, !l.mending && l.debt.from == 0
	l.mu.Unlock()
	if whole {
		place.seq = last
		b = l.appendPlace(b, blockClosed, &place, nil)
	}
	err := l.put(b)
	if err == nil {
		err = l.syncFile(l.file)
	}
	if err != nil {
		l.fail(now, "can't be written", err)
		return
	}
	l.written = max(l.written, last)
}
