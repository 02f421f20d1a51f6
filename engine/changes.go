package engine

import (
	"context"
	"iter"
	"maps"
	"slices"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Changes yields every entry of every member, and from then on each newer one: a Watch of all keys.
// Changes coalesce: who is slow sees the newest entry of a key and not every one between. A delete
// is an Update with Deleted set. An Update with Deleted and without a Key says that all that was
// known of a member is gone: it was forgotten, or began anew, or deletes may have been missed,
// since they were collected before they were looked at; what lives follows then. Of one member,
// updates come in the order of its versions, but for large values (Config.Streams), which come when
// they are complete; own writes come when the others are told of them, too (ThrottleCoalesce). It
// ends as Watch does. With a precise Order versions come in no order: it ends
// with ErrPrecise at once.
func (e *Engine) Changes(ctx context.Context) iter.Seq2[Update, error] {
	return func(yield func(Update, error) bool) {
		if unstarted(e, yield) {
			return
		}
		if e.cfg.Tune.Order.Precise() {
			yield(Update{}, ErrPrecise)
			return
		}
		w := newWatcher(scope{coarse: true})
		e.startWatch(&e.watches)
		if !e.watches.add(w, e.cfg.Limits.Watchers) {
			yield(Update{}, ErrWatchers)
			return
		}
		defer e.watches.remove(w)
		e.follow(ctx, w, &followed{map[string]Version{}, map[string]state.Gone{}, map[string]map[string]bool{}}, yield)
	}
}

// followed is how far Changes has come.
type followed struct {
	seen map[string]Version         // by member: what was yielded up to
	gone map[string]state.Gone      // by member: what could not be told any more then
	late map[string]map[string]bool // by member: keys whose values were not complete then
}

// note remembers a key whose value is to come.
func (f *followed) note(name, key string) {
	if f.late[name] == nil {
		f.late[name] = map[string]bool{}
	}
	f.late[name][key] = true
}

// follow yields what is new of the members that w marks.
func (e *Engine) follow(ctx context.Context, w *watcher, f *followed, yield func(Update, error) bool) {
	var marks []place
	for full := true; ; {
		if full {
			marks = e.everybody(f, marks)
		}
		for i := range marks {
			name := marks[i].member
			if !e.newer(name, f, yield) || !e.arrivals(name, f, yield) {
				return
			}
		}
		select {
		case <-w.signal:
			marks, full = e.watches.take(w, marks[:0])
			continue
		case <-ctx.Done():
			yield(Update{}, ctx.Err())
		case <-e.done:
			yield(Update{}, ErrClosed)
		}
		return
	}
}

// everybody lists the members that are there, and those that were.
func (e *Engine) everybody(f *followed, dst []place) []place {
	for m := range e.Members() {
		dst = append(dst, place{member: m.Name})
	}
	for _, name := range slices.Sorted(maps.Keys(f.seen)) {
		if _, ok := e.Member(name); !ok {
			dst = append(dst, place{member: name})
		}
	}
	return dst
}

// missed tells whether deletes after a version may have gone unseen: they were collected, or what a
// repair dropped had none.
func (f *followed) missed(name string, seen Version, is state.Gone) bool {
	was := f.gone[name]
	return is.Gen == seen.Gen && (is.Floor > max(seen.Seq, was.Floor) || is.Lost != was.Lost)
}

// newer yields what a member wrote since it was last looked at, and all of it where deletes may
// have been missed. False: no more is wanted.
func (e *Engine) newer(name string, f *followed, yield func(Update, error) bool) (more bool) {
	if name == e.cfg.Name && e.stage.pending.Load() > 0 {
		e.askApplied(func(sched.Instant) {})
	}
	for {
		is, _ := e.store.Gone([]byte(name))
		if last, had := f.seen[name]; had && f.missed(name, last, is) {
			f.seen[name] = Version{Gen: is.Gen}
			if !yield(Update{Member: name, Deleted: true}, nil) {
				return false
			}
		}
		f.gone[name] = is
		from := f.seen[name]
		if !e.since(name, f, yield) {
			return false
		}
		if is, ok := e.store.Gone([]byte(name)); !ok || !f.missed(name, from, is) {
			return true
		}
	}
}

// since yields what a member wrote after what was seen. False: no more is wanted.
func (e *Engine) since(name string, f *followed, yield func(Update, error) bool) (more bool) {
	seen := f.seen
	last, had := seen[name]
	more, began := true, false
	waits := e.waiting(name)
	gen, ok := e.store.Since([]byte(name), last.Gen, last.Seq, func(key, value []byte, m state.Meta) bool {
		if waits(&m) {
			return true
		}
		if had && !began && m.Gen != last.Gen {
			more = yield(Update{Member: name, Deleted: true}, nil)
		}
		began = true
		last = Version{Gen: m.Gen, Seq: m.Version}
		if !more || codec.Reserved(key) || m.Flags&codec.EntryKinded != 0 {
			if m.Kind == codec.KindContent && e.takesLarge(value) {
				f.note(name, string(key))
			}
			return more
		}
		delete(f.late[name], string(key)) // it was overwritten
		meta, ended := e.metaOf(&m, atOnce)
		u := Update{Member: name, Key: string(key), Meta: meta, Deleted: ended || m.Flags&codec.EntryTombstone != 0}
		if !u.Deleted {
			u.Value = append([]byte(nil), value...)
		}
		more = yield(u, nil)
		return more
	})
	switch {
	case !ok && had:
		delete(seen, name)
		delete(f.gone, name)
		return yield(Update{Member: name, Deleted: true}, nil)
	case ok && had && !began && gen != last.Gen:
		last = Version{Gen: gen}
		more = yield(Update{Member: name, Deleted: true}, nil)
	case ok && !had && !began:
		last = Version{Gen: gen}
	}
	if ok {
		seen[name] = last
	}
	return more
}

// arrivals yields the large values of a member that are complete by now. False: no more is wanted.
func (e *Engine) arrivals(name string, f *followed, yield func(Update, error) bool) bool {
	keys := slices.Sorted(maps.Keys(f.late[name]))
	for _, key := range keys {
		value, meta, ok := e.AppendGet(nil, name, key)
		if meta.Newer != (Version{}) {
			continue // still on its way
		}
		if delete(f.late[name], key); !ok {
			continue // it is gone, and newer tells that
		}
		if !yield(Update{Member: name, Key: key, Value: value, Meta: meta}, nil) {
			return false
		}
	}
	if len(f.late[name]) == 0 {
		delete(f.late, name)
	}
	return true
}
