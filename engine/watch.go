package engine

import (
	"cmp"
	"context"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// WatchOptions say what to watch. The zero WatchOptions are all keys of all members.
type WatchOptions struct {
	Key    string // this key alone; not together with Prefix
	Prefix string // the keys that begin with it
	Member string // the keys of this member alone
	// Since leaves out, at the beginning, what a member wrote up to this version: what
	// an earlier watch has told, as the highest Meta.Version of its updates of that
	// member. Deletes after it are told as far as they are remembered here.
	Since map[string]Version
}

// Watch is WatchWith for one key of every member.
func (e *Engine) Watch(ctx context.Context, key string) iter.Seq2[Update, error] {
	if key == "" { // not all keys
		return func(yield func(Update, error) bool) { yield(Update{}, ErrKey) }
	}
	return e.WatchWith(ctx, WatchOptions{Key: key})
}

// WatchWith yields what is there, and from then on each change: of one member in the
// order of its versions, with the version that was told before and whether the owner is
// alive. A delete and the end of a time to live are an Update with Deleted set; so is
// the end of a member that is forgotten. When a member dies, leaves or is back, its
// entries are told again with Alive changed. Changes coalesce: who is slow sees the
// newest and not every one between, and costs the engine nothing but a number. Where more
// than 16,384 changes of watched keys went by, it gets an Update with Resync set, unless it
// watches one key, and then all that is different from what it was told. Large values
// (Config.Streams) come when they are complete.
//
// It ends when the loop body does, or with the error of ctx, with ErrClosed, with
// ErrWatchers, or at once with ErrKey or ErrTooLarge for a key that no member can have.
func (e *Engine) WatchWith(ctx context.Context, o WatchOptions) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		if unstarted(e, yield) {
			return
		}
		if err := e.checkWatch(&o); err != nil {
			yield(Update{}, err)
			return
		}
		w := newWatcher(scope{key: o.Key, prefix: o.Prefix, member: o.Member})
		e.startWatch(&e.watches)
		if !e.watches.add(w, e.cfg.Limits.Watchers) {
			yield(Update{}, ErrWatchers)
			return
		}
		defer e.watches.remove(w)
		v := &view{
			e: e, w: w, since: maps.Clone(o.Since), told: map[string]map[string]told{}, yield: yield,
			news: backlog{changes: &e.watches, w: w}, ends: endings{clock: e.reactor.poller.Now},
		}
		defer v.ends.stop()
		v.run(ctx)
	}
}

// WatchChan is WatchWith as a channel, which is closed at the end; then the function
// tells with which error. The channel has no room: who does not receive loses nothing
// but what coalesces.
func (e *Engine) WatchChan(ctx context.Context, o WatchOptions) (<-chan Update, func() error) {
	updates, ended := make(chan Update), make(chan error, 1)
	go func() {
		defer close(updates)
		ended <- e.WatchFunc(ctx, o, func(u Update) {
			select {
			case updates <- u:
			case <-ctx.Done():
			case <-e.done:
			}
		})
	}()
	return updates, func() error { err := <-ended; ended <- err; return err }
}

// WatchFunc is WatchWith with a function that is called for each update, one at a time,
// on the caller's goroutine. It returns the error with which the watch ended.
func (e *Engine) WatchFunc(ctx context.Context, o WatchOptions, f func(Update)) error {
	for u, err := range e.WatchWith(ctx, o) {
		if err != nil {
			return err
		}
		f(u)
	}
	return nil
}

// checkWatch refuses what can't be watched.
func (e *Engine) checkWatch(o *WatchOptions) error {
	key := cmp.Or(o.Key, o.Prefix)
	switch {
	case o.Key != "" && o.Prefix != "" && (len(o.Key) < len(o.Prefix) || o.Key[:len(o.Prefix)] != o.Prefix):
		return ErrKey // a key that does not begin so
	case key != "" && (codec.Reserved(key) || len(key) > KeyBytesMax):
		return e.sizeError(key, nil)
	case len(o.Member) > codec.NameBytesMax:
		return &SizeError{What: "name of a member", Bytes: len(o.Member), Limit: codec.NameBytesMax}
	}
	return nil
}

// told is what a watch has said of a key.
type told struct {
	version Version
	alive   bool
	sum     uint64 // of what was told, where another value may come under that version; else 0
}

// view is what a watch has told of everything that it wants.
type view struct {
	e     *Engine
	w     *watcher
	since map[string]Version
	told  map[string]map[string]told // by member and key
	yield func(Update, error) bool
	ends  endings
	batch []Update
	news  backlog
}

func (v *view) run(ctx context.Context) {
	var marks []place
	for full := true; ; {
		if full && !v.all() {
			return
		}
		if !v.some(marks) {
			return
		}
		select {
		case <-v.w.signal:
		case <-v.ends.next():
		case <-ctx.Done():
			v.yield(Update{}, ctx.Err())
			return
		case <-v.e.done:
			v.yield(Update{}, ErrClosed)
			return
		}
		marks, full = v.news.next(v.ends.over(marks[:0]))
		if full && v.w.key == "" && !v.yield(Update{Resync: true}, nil) {
			return
		}
	}
}

// all looks at everything.
func (v *view) all() bool {
	for m := range v.e.Members() {
		if !v.member(m.Name) {
			return false
		}
	}
	for name := range v.told {
		if _, ok := v.e.Member(name); !ok && !v.member(name) {
			return false
		}
	}
	return true
}

// some looks at what was marked.
func (v *view) some(marks []place) bool {
	v.batch = v.batch[:0]
	for _, p := range marks {
		if p.key == "" {
			if !v.member(p.member) {
				return false
			}
		} else if u, ok := v.look(p); ok {
			v.batch = append(v.batch, u)
		}
	}
	slices.SortStableFunc(v.batch, func(a, b Update) int {
		return cmp.Or(cmp.Compare(a.Member, b.Member), a.Meta.Version.Compare(b.Meta.Version))
	})
	for i := range v.batch {
		if !v.yield(v.batch[i], nil) {
			return false
		}
	}
	return true
}

// member looks at all that is wanted of a member.
func (v *view) member(name string) bool {
	e, w := v.e, v.w
	if w.scope.member != "" && w.scope.member != name {
		return true
	}
	if name == e.cfg.Name && w.key == "" && e.stage.pending.Load() > 0 {
		e.askApplied(func(sched.Instant) {})
	}
	from, more := v.since[name], true
	delete(v.since, name) // what was told is known from now on
	if name == e.cfg.Name && from.Seq < e.held.replaced.Load() {
		from.Seq = 0 // what was told may have been replaced under its version since
	}
	if w.key != "" {
		u, ok := v.look(place{name, w.key})
		if was := u.Meta.Version; !from.IsZero() && !was.IsZero() {
			ok = was.Gen != from.Gen || was.Seq > from.Seq // a delete, too
		}
		return !ok || v.yield(u, nil)
	}
	here := map[string]bool{}
	e.store.Since([]byte(name), from.Gen, from.Seq, func(key, _ []byte, m state.Meta) bool {
		if codec.Reserved(key) || !w.takes(name, string(key)) {
			return true
		}
		k := string(key)
		here[k] = true
		u, ok := v.look(place{name, k})
		if gone := m.Flags&codec.EntryTombstone != 0; !ok && gone && !from.IsZero() {
			u, ok = Update{Member: name, Key: k, Deleted: true, Meta: Meta{Version: Version{Gen: m.Gen, Seq: m.Version}}, Alive: e.alive(name)}, true
		}
		more = !ok || v.yield(u, nil)
		return more
	})
	for key := range v.told[name] {
		if more && !here[key] {
			if u, ok := v.look(place{name, key}); ok {
				more = v.yield(u, nil)
			}
		}
	}
	return more
}

// look reads one entry and reports whether it is news.
func (v *view) look(p place) (Update, bool) {
	v.news.step()
	settled := v.e.held.to.Load()
	value, meta, ok := v.e.AppendGet(nil, p.member, p.key)
	last, had := v.told[p.member][p.key]
	u := Update{Member: p.member, Key: p.key, Meta: meta, Previous: last.version, Alive: v.e.alive(p.member)}
	if !ok {
		if u.Deleted = true; meta.Version.IsZero() {
			u.Meta.Version = last.version // the member was forgotten: what is gone is the last that was told
		}
		if delete(v.told[p.member], p.key); len(v.told[p.member]) == 0 {
			delete(v.told, p.member)
		}
		v.ends.note(&u)
		return u, had
	}
	sum := uint64(0)
	if p.member == v.e.cfg.Name && (last.sum != 0 || meta.Version.Seq > settled) {
		sum = sumOf(value, &meta)
	}
	if had && meta.Version.Compare(last.version) <= 0 && u.Alive == last.alive && sum == last.sum {
		v.ends.note(&u) // it may not have ended by a little
		return Update{}, false
	}
	if v.told[p.member] == nil {
		v.told[p.member] = map[string]told{}
	}
	v.told[p.member][p.key] = told{meta.Version, u.Alive, sum}
	u.Value = value
	v.ends.note(&u)
	return u, true
}

// alive tells whether a member is neither dead nor gone, as the newest snapshot has it.
func (e *Engine) alive(name string) bool {
	m, ok := e.members.Load().find(name)
	return ok && m.State != StateDead && m.State != StateLeft
}

// endings are when what a watcher was told ends by its time to live, on the reactor's
// clock: nobody may be left to say so. Each place has one end that counts, and the list is
// at most so many times longer: what is written again all the time takes no more.
type endings struct {
	clock func() sched.Instant
	list  sched.Heap[placeEnd]
	first map[place]sched.Instant // the end that counts; others in the list are passed over
	timer *time.Timer
}

// endingsSlack is how many ends that do not count a watcher keeps at least.
const endingsSlack = 64

// placeEnd is when a version of a key ends.
type placeEnd struct {
	at sched.Instant
	place
}

// Before implements sched.Timed.
func (a placeEnd) Before(b placeEnd) bool { return a.at < b.at }

func (x *endings) note(u *Update) {
	p := place{u.Member, u.Key}
	if u.Deleted || u.Meta.TTL == 0 {
		delete(x.first, p)
		return
	}
	at := x.clock() + sched.Instant(u.Meta.TTL-u.Meta.Age)
	if was, ok := x.first[p]; ok && was <= at {
		return // then it is looked at, and noted anew
	}
	if x.first == nil {
		x.first = map[place]sched.Instant{}
	}
	x.first[p] = at
	if x.list.Push(placeEnd{at, p}); len(x.list) > endingsSlack+2*len(x.first) {
		x.tidy()
	}
}

// tidy leaves out the ends that do not count.
func (x *endings) tidy() {
	x.list = slices.DeleteFunc(x.list, func(e placeEnd) bool { return !x.counts(e) })
	x.list.Init()
}

func (x *endings) counts(e placeEnd) bool {
	at, ok := x.first[e.place]
	return ok && at == e.at
}

// next fires when the first of them ends; never if there is none.
func (x *endings) next() <-chan time.Time {
	x.stop()
	if len(x.list) == 0 {
		return nil
	}
	x.timer = time.NewTimer(time.Duration(x.list[0].at - x.clock()))
	return x.timer.C
}

func (x *endings) stop() {
	if x.timer != nil {
		x.timer.Stop()
	}
}

// over appends the places of those that have ended. One that has not, since it was
// written again, is noted anew when that is told.
func (x *endings) over(dst []place) []place {
	for now := x.clock(); len(x.list) > 0 && x.list[0].at <= now; {
		if e := x.list.Pop(); x.counts(e) {
			delete(x.first, e.place)
			dst = append(dst, e.place)
		}
	}
	return dst
}
