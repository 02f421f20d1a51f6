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
type expiry struct {
	list sched.Calendar
	hold sched.Instant // nothing ends before: deletes are refused
}

// endAgain is when an end that was refused is tried again, in milliseconds.
const endAgain = 1000

// next is when the first entry ends.
func (x *expiry) next() sched.Instant { return max(x.list.Next(), x.hold) }

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
// stage only puts it off by a turn; while another process has the name none ends. No
// refusal has an end forgotten.
func (e *Engine) expire(now sched.Instant) {
	x := &e.expiry.list
	e.store.Tell(int64(now))
	if now < e.expiry.hold {
		return
	}
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
		case is:
			switch e.endKey(now) {
			case nil, ErrClosed:
			case ErrBackpressure:
				x.Add(now, version)
				return
			case ErrNameConflict:
				x.Add(now, version)
				e.expiry.hold = now.After(endAgain * sched.Millisecond)
				return
			default: // of this key alone
				e.endsAt(now, endAgain, version)
			}
		}
	}
}

// endsAgain has the entry that a key keeps end in time: a write of it was accepted and refused
// later, maybe the delete that was its end, or one that was to take its place before.
func (e *Engine) endsAgain(now sched.Instant, key []byte) {
	if !e.store.Get(e.store.Owner(), key, &e.entry) || e.entry.Flags&codec.EntryTombstone != 0 {
		return
	}
	if e.entry.Flags&codec.EntryLeased != 0 {
		e.leases.again()
	}
	if e.entry.Flags&codec.EntryTTL != 0 {
		e.endsAt(now, endAgain, e.entry.Version)
	}
}

// endsGoOn has what ended while another process had the name be deleted now.
func (e *Engine) endsGoOn() {
	e.expiry.hold = 0
	e.leases.again()
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
