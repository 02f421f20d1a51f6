package disk

import (
	"errors"
	"slices"
	"syscall"
	"time"
)

const (
	roomEvery = time.Second      // nobody waits for room so long, once a snapshot made none
	roomMost  = 10 * time.Second // nor longer, for a snapshot that settles or a slow disk
)

// full tells whether an error says that the disk is full.
func full(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// live are the contents that an image refers to.
func live(i *Image) map[sum]bool {
	live := map[sum]bool{}
	for n := range i.Records {
		refer(live, &i.Records[n])
	}
	return live
}

// beginLog begins the first log of a life. Where it can't, it leaves nothing that the next start
// would take for a log that was cut off.
func (l *Log) beginLog(first []byte) error {
	if err := l.create(); err != nil {
		return err
	}
	err := l.putFirst(first)
	if err != nil {
		l.file.Close()
		name := numbered(l.number-1, logEnd)
		if l.o.FS.Remove(name) == nil {
			l.names = slices.DeleteFunc(l.names, func(n string) bool { return n == name })
			l.number--
			l.logs--
		}
		l.file = nil
	}
	return err
}

// putFirst has a log say under what it was begun, and what was written before.
func (l *Log) putFirst(first []byte) error {
	if l.stale {
		if err := l.o.FS.Remove(secretsName); err != nil {
			return explain(l.o.FS.Path(), "secrets that are not wanted can't be erased", err)
		}
		l.stale = false
	}
	l.pending = append(make([]byte, blockHead, 64<<10), first...)
	l.spare = make([]byte, blockHead, 64<<10)
	l.dirty, l.since = true, time.Now()
	b, _ := l.take()
	if err := l.put(b); err != nil {
		return err
	}
	return l.file.Sync()
}

// alone does something that needs room once more if there was none, while no content is written: one
// that finds no room gives back what it took. A write that was cut short may be continued, for it says
// how much of it was taken; after a sync that failed nobody knows.
func (l *Log) alone(do func() error) error {
	err := do()
	if full(err) {
		l.writing.Lock()
		defer l.writing.Unlock()
		err = do()
	}
	return err
}

// makeRoom waits for a snapshot that begins from now on, which removes the contents that nothing
// refers to, but not for ever. It reports whether there were some.
func (l *Log) makeRoom() bool {
	until := time.Now().Add(roomMost)
	defer time.AfterFunc(roomMost, func() {
		l.mu.Lock()
		l.news.Broadcast()
		l.mu.Unlock()
	}).Stop()
	l.mu.Lock()
	defer l.mu.Unlock()
	idle := func() bool { return !l.began || l.closing || l.broken != nil || !time.Now().Before(until) }
	if idle() || time.Now().Before(l.roomAt) {
		return false
	}
	l.crowded = true
	l.awake.Store(true)
	l.rouse()
	for next, gone := l.begun+1, l.gone; !idle(); l.news.Wait() {
		if l.ended >= next {
			return l.gone > gone
		}
	}
	return false
}

// isCrowded tells whether somebody waits for room.
func (l *Log) isCrowded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.crowded
}

// beginsRoom notes that a snapshot begins.
func (l *Log) beginsRoom() {
	l.values.begin()
	l.mu.Lock()
	l.begun, l.forRoom, l.crowded = l.begun+1, l.crowded, false
	l.mu.Unlock()
}

// tellRoom tells those who wait for room what became of a snapshot. One that failed is not made again
// for them sooner than for anybody: each begins a log.
func (l *Log) tellRoom(d *snapshotDone) {
	l.mu.Lock()
	l.ended, l.gone = l.begun, l.gone+d.gone
	switch {
	case d.err != nil && d.gone == 0:
		l.roomAt = time.Now().Add(retryMost)
	case d.err != nil:
	case l.forRoom && d.gone == 0:
		l.roomAt = time.Now().Add(roomEvery)
	default:
		l.roomAt = time.Time{}
	}
	l.news.Broadcast()
	l.mu.Unlock()
}

// sweepUnused makes room where no log can be begun, or no snapshot: it removes the contents that
// neither the state nor what is on disk refers to. Nothing that was lost to the disk counts as being
// there, for nobody knows, and so nothing as replaced that only a record replaces that is not known to
// be on disk. It says how many went.
func (l *Log) sweepUnused() (gone int) {
	durable := l.Durable()
	if !l.src.Settle(durable) {
		return 0
	}
	used := map[sum]bool{}
	if _, ok := l.src.Walk(func(r *Record) bool { refer(used, r); return !l.stopping.Load() }); !ok || l.stopping.Load() {
		return 0
	}
	i := &Image{}
	r := reader{o: &Options{FS: l.o.FS, Cluster: l.o.Cluster, Name: l.o.Name}, i: i, used: used, durable: durable}
	if r.read() != nil || len(r.bad) > 0 {
		return 0
	}
	for n := range i.Records {
		refer(used, &i.Records[n])
	}
	return l.values.sweep(l.o.FS, used, durable)
}
