package engine

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// expiriesPerTurn bounds the entries that end in one turn: with their tombstones some 1.5 µs each, among a million keys.
const expiriesPerTurn = 32

// expiry holds when own entries end, soonest first. A version names a write
// for ever, so an entry that was overwritten in the meantime is found to be
// gone when its time comes.
type expiry struct {
	list  sched.Heap[ending]
	clean int // length at which entries that are gone are swept out
}

type ending struct {
	at      sched.Instant
	version uint64
}

// Before implements sched.Timed.
func (d ending) Before(o ending) bool { return d.at < o.at || d.at == o.at && d.version < o.version }

// next is when the first entry ends.
func (x *expiry) next() sched.Instant {
	if len(x.list) == 0 {
		return sched.Never
	}
	return x.list[0].at
}

// endsAt notes that the own write `version` ends after ttl milliseconds.
func (e *Engine) endsAt(now sched.Instant, ttl uint32, version uint64) {
	x := &e.expiry
	x.list.Push(ending{now.After(sched.Instant(ttl) * sched.Millisecond), version})
	if len(x.list) < max(x.clean, 1024) {
		return
	}
	kept := x.list[:0]
	for _, w := range x.list {
		if e.store.At(e.store.Owner(), w.version, &e.entry) {
			kept = append(kept, w)
		}
	}
	x.list, x.clean = kept, 2*len(kept)
	x.list.Init()
}

// expire deletes own entries whose time has come: a delete is a write like any
// other and goes through the stage, so that versions stay in order. A full
// stage only puts it off by a turn.
func (e *Engine) expire(now sched.Instant) {
	x := &e.expiry
	e.store.Tell(int64(now))
	for range expiriesPerTurn {
		if x.next() > now {
			return
		}
		version := x.list[0].version
		switch is := e.store.At(e.store.Owner(), version, &e.entry); {
		case is && e.entry.Flags&codec.EntryTTL == 0: // written again while it waited to be published, for ever
		case is && e.entry.Age < e.entry.TTL: // or for longer
			x.list.Pop()
			x.list.Push(ending{now.After(sched.Instant(e.entry.TTL-e.entry.Age) * sched.Millisecond), version})
			continue
		case is:
			end := e.stage.expire
			switch {
			case codec.Shared(e.entry.Key):
				end = e.shared.expire
			case e.entry.Kind == codec.KindLease:
				end = func(key []byte, version uint64) error { return e.expireLease(now, key, version) }
			}
			if end(e.entry.Key, e.entry.Version) == ErrBackpressure {
				return
			}
		}
		x.list.Pop()
	}
}
