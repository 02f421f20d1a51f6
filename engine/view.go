package engine

import (
	"cmp"
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

const (
	viewStep  = 256              // entries that one turn copies
	viewBytes = 16 << 10         // and bytes of them
	viewPause = time.Millisecond // between two attempts, at first
)

// View is keys of one member as they all were at one moment: At is its newest version then.
type View struct {
	Member string
	At     Version

	list   []viewed // by key
	absent []viewed // keys without a value, of which a newer one is told
}

type viewed struct {
	key string
	Entry
}

// Get gives a key. ok is false for one that was not there, or was not asked for; of a large value
// that could not be had meta says Newer, as Engine.Get does.
func (v *View) Get(key string) (value []byte, meta Meta, ok bool) {
	for n, list := range [...][]viewed{v.list, v.absent} {
		i, found := slices.BinarySearchFunc(list, key, func(x viewed, key string) int { return cmp.Compare(x.key, key) })
		if found {
			return list[i].Value, list[i].Meta, n == 0
		}
	}
	return nil, Meta{}, false
}

// Len is how many keys there are.
func (v *View) Len() int { return len(v.list) }

// All yields the keys in their order, with their entries.
func (v *View) All() iter.Seq2[string, Entry] {
	return func(yield func(string, Entry) bool) {
		for i := range v.list {
			if !yield(v.list[i].key, v.list[i].Entry) {
				return
			}
		}
	}
}

// BehindError says that a View could not be had in time. It matches ErrBehind, and what
// ended the context.
type BehindError struct {
	Member string
	At     Version // what is here, a part of what the member wrote next
	Cause  error
}

// Error names the member and what to do.
func (e *BehindError) Error() string {
	return fmt.Sprintf("engine: %q wrote more than has come here, %v is between two of its states: wait longer (%v)", e.Member, e.At, e.Cause)
}

// Is makes errors.Is(err, ErrBehind) true.
func (e *BehindError) Is(target error) bool { return target == ErrBehind }

// Unwrap gives the cause to errors.Is.
func (e *BehindError) Unwrap() error { return e.Cause }

// View reads keys of one member, or without any all that it has, as they were together: a Batch is
// seen whole or not at all, and no key as of before what another one shows. It reads the local
// replica. Where that is between two states of the member, since a part of what the member wrote is
// still on its way, or keys of a former life are still shown, View waits until ctx ends: a context
// that has ended gives one attempt. It does not wait for a large value that is above this member's
// limits, or that all who were asked lack: of that key it says what Get does, and Meta.Newer.
// Values are the caller's own. It takes a turn of the loop for each 256 keys, so a large member
// that writes all the time may not be seen whole. Errors: ErrBehind (a *BehindError), ErrNoMember,
// ErrPrecise where the Order is precise, ErrClosed.
func (e *Engine) View(ctx context.Context, member string, keys ...string) (*View, error) {
	if e.cfg.Tune.Order.Precise() {
		return nil, ErrPrecise
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for pause := viewPause; ; pause = min(2*pause, 20*viewPause) {
		v, at, err := e.view(member, keys)
		if v != nil || err != nil {
			return v, err
		}
		timer.Reset(pause)
		select {
		case <-timer.C:
			if ctx.Err() == nil {
				continue
			}
		case <-ctx.Done():
		}
		return nil, &BehindError{Member: member, At: at, Cause: ctx.Err()}
	}
}

// viewer is a view that is being read, on the loop.
type viewer struct {
	View
	origin state.Origin
	id     codec.OriginID
	behind bool
	now    sched.Instant // when it began: what has ended by then is left out, and no more
	ends   uint64        // of own leases, until then
	cursor state.Cursor
	entry  codec.Entry
}

// view is one attempt: nil without an error means that the replica is between two states.
func (e *Engine) view(member string, keys []string) (*View, Version, error) {
	v := &viewer{View: View{Member: member}}
	if !e.askApplied(func(sched.Instant) { e.beginView(v) }) {
		return nil, Version{}, ErrClosed
	}
	if v.origin == 0 {
		return nil, Version{}, ErrNoMember
	}
	after, all, more := uint64(0), len(keys) == 0, !v.behind
	for more {
		if !e.ask(func(sched.Instant) {
			switch {
			case !e.unbroken(v):
				v.behind, more = true, false
			case all:
				after, more = e.viewAll(v, after)
			default:
				keys, more = e.viewKeys(v, keys)
			}
			v.behind = v.behind || !e.unbroken(v) // leases end while it reads
		}) {
			return nil, Version{}, ErrClosed
		}
	}
	if v.behind {
		return nil, v.At, nil
	}
	for _, list := range [...]*[]viewed{&v.list, &v.absent} {
		slices.SortFunc(*list, func(a, b viewed) int { return cmp.Compare(a.key, b.key) })
		*list = slices.CompactFunc(*list, func(a, b viewed) bool { return a.key == b.key })
	}
	return &v.View, v.At, nil
}

// beginView notes where the member is.
func (e *Engine) beginView(v *viewer) {
	s := e.store
	if v.origin = s.FindName([]byte(v.Member)); v.origin == 0 {
		return
	}
	v.id, v.At = s.ID(v.origin), Version{Gen: s.Gen(v.origin), Seq: e.viewMax(v.origin)}
	v.now, v.ends = e.reactor.poller.Now(), e.leases.endings()
	v.behind = !e.unbroken(v)
}

// viewMax is the newest version of a member that a view shows: of this one, those that wait
// to be published too.
func (e *Engine) viewMax(o state.Origin) uint64 {
	if o == e.store.Owner() {
		return e.newest()
	}
	return e.store.Max(o)
}

// unbroken tells whether the member is where it was when the view began, and that is a state
// that it was in. An own lease is over before its end is a version.
func (e *Engine) unbroken(v *viewer) bool {
	s, o := e.store, v.origin
	return s.ID(o) == v.id && e.viewMax(o) == v.At.Seq && !s.Echoing([]byte(v.Member)) &&
		(o == s.Owner() && e.leases.endings() == v.ends || o != s.Owner() && s.Level(o) && !s.Dirty(o))
}

// viewKeys reads the next keys, and gives what is left of them.
func (e *Engine) viewKeys(v *viewer, keys []string) (rest []string, more bool) {
	n := min(len(keys), viewStep)
	for _, key := range keys[:n] {
		e.viewKey(v, []byte(key))
	}
	return keys[n:], n < len(keys) && !v.behind
}

// viewAll reads the next of all keys, and gives the version of the last.
func (e *Engine) viewAll(v *viewer, after uint64) (last uint64, more bool) {
	e.store.After(v.origin, after, &v.cursor)
	for n, bytes := 0, 0; n < viewStep && bytes < viewBytes; n++ {
		if !v.cursor.Next(&v.entry) {
			return after, false
		}
		after = v.entry.Version
		bytes += len(v.entry.Key) + len(v.entry.Value)
		if v.entry.Flags&codec.EntryTombstone == 0 {
			e.viewKey(v, v.entry.Key)
		}
	}
	return after, !v.behind
}

// viewKey adds a key if it is there.
func (e *Engine) viewKey(v *viewer, key []byte) {
	if codec.Reserved(key) {
		return
	}
	value, m, ok := e.store.AppendGetOrigin(nil, v.origin, key)
	if !ok {
		return
	}
	var meta Meta
	if m.Flags&codec.EntryKinded != 0 {
		h := e.large.content(value)
		value, meta, ok = e.shown(value, 0, &m, string(key), v.now)
		if m.Kind == codec.KindContent && !meta.Newer.IsZero() { // what is complete is older
			if e.large.comes(h) {
				v.behind = true
				return
			}
			if !ok {
				v.absent = append(v.absent, viewed{string(key), Entry{Meta: meta}})
			}
		}
	} else {
		var ended bool
		meta, ended = e.metaOf(&m, v.now)
		ok = !ended
	}
	if ok {
		v.list = append(v.list, viewed{string(key), Entry{value, meta}})
	}
}
