package engine

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// expiriesPerTurn bounds the entries that end in one turn: with their tombstones about a
// microsecond each, among a million keys (BenchmarkMillionEnds: a turn takes 20 µs, one in a
// hundred 56).
const expiriesPerTurn = 24

// movesPerTurn bounds the ends that come nearer in one turn (sched.Calendar); sweepPerWrite those
// that are looked at for each write with an end: whether its entry is there still.
const (
	movesPerTurn  = 256
	sweepPerWrite = 2
	sweepFrom     = 1024 // fewer ends are left alone
)

// expiry holds when own entries end. A version names a write for ever, so an entry that was
// overwritten in the meantime is found to be gone when its time comes, or by a sweep before.
type expiry struct{ list sched.Calendar }

// next is when the first entry ends.
func (x *expiry) next() sched.Instant { return x.list.Next() }

// endsAt notes that the own write `version` ends after ttl milliseconds.
func (e *Engine) endsAt(now sched.Instant, ttl uint32, version uint64) {
	x := &e.expiry.list
	x.Add(now.After(sched.Instant(ttl)*sched.Millisecond), version)
	if x.Len() >= sweepFrom {
		x.Sweep(sweepPerWrite, e.written)
	}
}

// written tells whether the own write of a version is still the newest of its key.
func (e *Engine) written(version uint64) bool {
	return e.store.At(e.store.Owner(), version, &e.entry)
}

// expire deletes own entries whose time has come: a delete is a write like any
// other and goes through the stage, so that versions stay in order. A full
// stage only puts it off by a turn.
func (e *Engine) expire(now sched.Instant) {
	x := &e.expiry.list
	e.store.Tell(int64(now))
	moves := movesPerTurn
	for range expiriesPerTurn {
		version, ok := x.Take(now, &moves)
		if !ok {
			return
		}
		switch is := e.written(version); {
		case is && e.entry.Flags&codec.EntryTTL == 0: // written again while it waited to be published, for ever
		case is && e.entry.Age < e.entry.TTL: // or for longer
			x.Add(now.After(sched.Instant(e.entry.TTL-e.entry.Age)*sched.Millisecond), version)
		case is && e.endKey(now) == ErrBackpressure:
			x.Add(now, version)
			return
		}
	}
}

// endKey deletes the own entry at hand, whose time has come.
func (e *Engine) endKey(now sched.Instant) error {
	switch {
	case codec.Shared(e.entry.Key):
		return e.shared.expire(e.entry.Key, e.entry.Version)
	case e.entry.Kind == codec.KindLease:
		return e.expireLease(now, e.entry.Key, e.entry.Version)
	}
	return e.stage.expire(e.entry.Key, e.entry.Version)
}
