package engine

import (
	"errors"
	"hash/maphash"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/disk"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// ErrLease is returned for a lease that has ended, and for one that this engine did not grant.
var ErrLease = errors.New("engine: the lease has ended: grant another one and write the keys anew")

// Lease is a time to live that many keys share: they are there as long as it is renewed. A
// renewal is one small entry, whatever the keys hold and however many they are, and they keep
// their versions. When it ends, all are hidden from every reader everywhere, within
// milliseconds and whatever became of this member: whoever has an entry knows its age, which
// counts all the way here. Then the owner deletes the keys, a few at a time. Watchers of them
// are told once. While writes wait for their rate renewals do too: choose a time to live
// beyond that. It is safe for any number of goroutines.
type Lease struct {
	e      *Engine
	number uint32
	ttl    uint32 // milliseconds
	end    sched.Instant
}

// leases are those of an engine that have not ended.
type leases struct {
	mu    sync.Mutex // before the stage's
	live  map[uint32]*Lease
	last  uint32 // number
	ends  uint64 // how many have ended
	upTo  uint64 // own version up to which keys of ended leases may be staged
	tag   uint32 // of the own origin
	ended atomic.Bool
	uses  *uses // the engine's

	// The loop's own: the keys of ended leases are deleted in a walk through the own log.
	walking bool
	whole   bool // all up to upTo was in the store when the walk began
	after   uint64
	walkAt  sched.Instant
}

const (
	leaseLook  = 256                     // entries that one turn looks at
	leaseEvery = 100 * sched.Millisecond // between two walks, at least
)

// Grant begins a lease of so long, rounded up to milliseconds. Errors: ErrTTL (a *TTLError),
// and as for Set: it counts as a key.
func (e *Engine) Grant(ttl time.Duration) (*Lease, error) {
	ms, err := lifetime(ttl)
	if err != nil {
		e.stage.rejected.Add(1)
		return nil, err
	}
	if err := e.refuses(); err != nil {
		return nil, err
	}
	if err := e.mayWrite(codec.KindLease); err != nil {
		return nil, err
	}
	x := &e.leases
	x.mu.Lock()
	l := &Lease{e: e, number: x.free(), ttl: ms}
	v, wake, err := l.write()
	if err == nil {
		if x.live == nil {
			x.live = map[uint32]*Lease{}
		}
		x.last, x.live[l.number] = l.number, l
	}
	x.mu.Unlock()
	if _, err = e.staged(v, wake, err); err != nil {
		return nil, err
	}
	return l, nil
}

// free is the next number that no living lease has; 0 is that of no lease. The mutex is held.
func (x *leases) free() uint32 {
	n := x.last + 1
	for n == 0 || x.live[n] != nil {
		n++
	}
	return n
}

// above has numbers begin above the one that a record is of, or that it names: what lived by a lease
// that has ended must not live by the next one.
func (x *leases) above(r *disk.Record) {
	number, ok := codec.ParseLeaseKey(r.Key)
	if r.Op == disk.OpLeased {
		number, ok = r.TTL, true
	}
	if ok {
		x.last = max(x.last, number)
	}
}

// write stages the entry of the lease as it begins now. The mutex is held.
func (l *Lease) write() (Version, bool, error) {
	l.end = l.e.reactor.poller.Now().After(sched.Instant(l.ttl) * sched.Millisecond)
	return l.e.stage.write(opLease, l.ttl, string(codec.AppendLeaseKey(nil, l.number)), nil)
}

// ID is its number, which Meta.Lease of its keys is. Another member's leases have the same.
func (l *Lease) ID() uint32 { return l.number }

// TTL is how long it lives after Grant and each Renew.
func (l *Lease) TTL() time.Duration { return millis(l.ttl) }

// Left is how much of that is left; 0 once it has ended.
func (l *Lease) Left() time.Duration {
	if l.e == nil {
		return 0
	}
	x := &l.e.leases
	x.mu.Lock()
	defer x.mu.Unlock()
	if !l.lives() {
		return 0
	}
	return time.Duration(l.end - l.e.reactor.poller.Now())
}

// lives tells whether it has not ended. The mutex is held.
func (l *Lease) lives() bool {
	return l.e.leases.live[l.number] == l && l.e.reactor.poller.Now() < l.end
}

// endings is how many have ended.
func (x *leases) endings() uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ends
}

// Set is Engine.Set for a key that lives by the lease, whatever it lived by before. Key and
// value have to fit an entry. Errors: ErrLease, and as for Set.
func (l *Lease) Set(key string, value []byte) (Version, error) {
	e := l.e
	if e == nil {
		return Version{}, ErrLease
	}
	if err := checkEntry(key, value); err != nil {
		e.stage.rejected.Add(1)
		return Version{}, err
	}
	return l.stage(func() (Version, bool, error) { return e.stage.write(opLeased, l.number, key, value) })
}

// Attach has a key live by the lease that is there already, with the value that it has,
// whatever it lived by before. Errors: ErrLease, ErrNoKey, ErrTooLarge for a value that does
// not fit an entry, and as for Set.
func (l *Lease) Attach(key string) (Version, error) {
	if l.e == nil {
		return Version{}, ErrLease
	}
	if err := checkEntry(key, nil); err != nil {
		l.e.stage.rejected.Add(1)
		return Version{}, err
	}
	return l.stage(func() (Version, bool, error) { return l.e.attach(l.number, key) })
}

// attach stages a write of the value that an own key has. The mutex of leases is held.
func (e *Engine) attach(lease uint32, key string) (v Version, wake bool, err error) {
	s := &e.stage
	s.mu.Lock() // nobody writes between
	value, m, ok, hit := s.lookupLocked(nil, key)
	large := m.refers
	if !hit {
		var is state.Meta
		value, is, ok = e.store.AppendGet(value, e.name, []byte(key))
		large = is.Flags&codec.EntryKinded != 0
		if m.Lease = is.Lease; is.Flags&codec.EntryTTL != 0 && m.Lease == 0 {
			ok = ok && e.reactor.poller.Now() < sched.Instant(is.Born)+sched.Instant(is.TTL)*sched.Millisecond
		}
	}
	if was := e.leases.live[m.Lease]; m.Lease != 0 && (was == nil || !was.lives()) {
		ok = false
	}
	switch {
	case !ok:
		err = ErrNoKey
	case large:
		var c codec.Content
		codec.ParseContent(value, &c)
		err = &SizeError{What: "value", Bytes: int(c.Length), Limit: EntryBytesMax - len(key)}
	default:
		w := stagedWrite{op: opLeased, ttl: lease, key: key, value: value}
		if err = s.gate.pass(1, len(key)+len(value)); err == nil {
			v, err = s.take(maphash.String(s.seed, key), &w)
		}
	}
	s.mu.Unlock()
	return s.wrote(v, err)
}

// Renew begins its time anew. Errors: ErrLease where it has ended, and those of Set but
// ErrFull. The version is that of the lease, for WaitVersion: keys keep theirs.
func (l *Lease) Renew() (Version, error) {
	was := sched.Instant(0)
	return l.stage(func() (v Version, wake bool, err error) {
		was = l.end
		if v, wake, err = l.write(); err != nil {
			l.end = was
		}
		return v, wake, err
	})
}

// Revoke ends it at once. Errors as for Renew.
func (l *Lease) Revoke() (Version, error) {
	return l.stage(func() (v Version, wake bool, err error) {
		if v, wake, err = l.e.stage.write(opDelete, 0, string(codec.AppendLeaseKey(nil, l.number)), nil); err == nil {
			l.e.endsLease(l.number)
		}
		return v, wake, err
	})
}

// stage stages a write if the lease lives.
func (l *Lease) stage(write func() (Version, bool, error)) (v Version, err error) {
	if l.e == nil {
		return Version{}, ErrLease
	}
	one := [...]*Lease{l}
	return l.e.stageLeased(one[:], write)
}

// stageLeased stages what lives by leases, if all of them are of this engine and live.
func (e *Engine) stageLeased(leases []*Lease, write func() (Version, bool, error)) (v Version, err error) {
	if err := e.refuses(); err != nil {
		return Version{}, err
	}
	wake := false
	e.leases.mu.Lock()
	for _, l := range leases {
		if l == nil || l.e != e || !l.lives() {
			err = ErrLease
		}
	}
	switch {
	case err == nil:
		v, wake, err = write()
	case !e.runs.Load():
		err = ErrClosed
	}
	e.leases.mu.Unlock()
	return e.staged(v, wake, err)
}

// endsLease notes that a lease has ended: its keys are to be deleted, those too that were staged
// while it lived. The mutex of leases is held.
func (e *Engine) endsLease(number uint32) {
	x := &e.leases
	delete(x.live, number)
	x.ends++
	x.upTo = e.stage.last().Seq
	x.again()
}

// again has keys of ended leases looked for.
func (x *leases) again() {
	x.ended.Store(true)
	x.uses.begin(useLeases)
}

// Leases are those of this engine that have not ended, in the order in which they were
// granted; after a restart with Config.Disk those that were on it, with what is left of them.
func (e *Engine) Leases() (list []*Lease) {
	x := &e.leases
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, number := range slices.Sorted(maps.Keys(x.live)) {
		if l := x.live[number]; l.lives() {
			list = append(list, l)
		}
	}
	return list
}

// ownLease puts right what a read of an own key is told: a renewal counts at once, as all own
// writes do. ended: the key has, at that instant.
func (e *Engine) ownLease(meta *Meta, at sched.Instant) (ended bool) {
	x := &e.leases
	x.mu.Lock()
	defer x.mu.Unlock()
	l := x.live[meta.Lease]
	if l == nil || at >= l.end {
		return true
	}
	meta.TTL = millis(l.ttl)
	meta.Age = max(0, meta.TTL-time.Duration(l.end-at))
	return false
}

// expireLease ends the lease of the entry at hand, unless a renewal is staged.
func (e *Engine) expireLease(now sched.Instant, key []byte, version uint64) (err error) {
	number, _ := codec.ParseLeaseKey(key)
	x := &e.leases
	x.mu.Lock()
	defer x.mu.Unlock()
	if l := x.live[number]; l != nil && now < l.end {
		return nil
	}
	if err = e.stage.expire(key, version); err == nil {
		e.endsLease(number)
	}
	return err
}

// endLeased deletes keys whose leases have ended, a few in each turn. It reports whether there
// are more.
func (e *Engine) endLeased(now sched.Instant) (more bool) {
	x := &e.leases
	if !x.walking && (now < x.walkAt || !x.ended.Load()) {
		return false
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !x.walking {
		x.walking, x.whole, x.after, x.walkAt = true, e.applied(x.upTo), 0, now.After(leaseEvery)
		x.ended.Store(false)
	}
	var c state.Cursor
	e.store.After(e.store.Owner(), x.after, &c)
	for n, deletes := 0, 0; n < leaseLook && deletes < expiriesPerTurn; n++ {
		if !c.Next(&e.entry) {
			if x.walking = false; !x.whole { // what was staged then may stand before the end of the walk
				x.ended.Store(true)
			}
			return false
		}
		if x.live[e.entry.Lease] == nil && e.entry.Flags&(codec.EntryLeased|codec.EntryTombstone) == codec.EntryLeased {
			switch e.stage.expire(e.entry.Key, e.entry.Version) {
			case nil:
			case ErrBackpressure:
				return true
			default: // another process has the name
				x.walking, x.walkAt = false, now.After(endAgain*sched.Millisecond)
				x.again()
				return false
			}
			deletes++
		}
		x.after = e.entry.Version
	}
	return true
}

// next is when endLeased has work.
func (x *leases) next() sched.Instant {
	if x.ended.Load() {
		return x.walkAt
	}
	return sched.Never
}

// restoreLease takes up a lease that is in the store as it was on disk.
func (e *Engine) restoreLease(now sched.Instant, key []byte, ttl, age uint32) {
	number, ok := codec.ParseLeaseKey(key)
	if !ok {
		return
	}
	x := &e.leases
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.live == nil {
		x.live = map[uint32]*Lease{}
	}
	x.live[number] = &Lease{e: e, number: number, ttl: ttl, end: now.After(sched.Instant(ttl-age) * sched.Millisecond)}
}
