package engine

import (
	"context"
	"iter"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// SharedUpdate is what Shared.Watch yields: what a shared key holds now. Value is the
// receiver's own copy.
type SharedUpdate struct {
	Key      string
	Value    []byte
	Now      SharedVersion // of the delete, where that is known
	Previous SharedVersion // that this watch told of the key before; zero: none
	Deleted  bool
	TTL      time.Duration // that it was written with, or taken over with; 0: it does not end
	Left     time.Duration // of that
	Resync   bool          // set alone: what follows is all that is different from what was told

	entry Meta // of the log that wins
}

// From is who brought what the key holds here, as Meta.From tells; "" for an own write.
func (u SharedUpdate) From() string { return u.entry.From() }

// Range yields the shared keys that begin with a prefix and hold something, with what
// they hold: those that were there at the call, in no order. It looks through the logs
// of all members.
func (s *Shared) Range(prefix string) iter.Seq2[string, []byte] {
	return func(yield func(string, []byte) bool) {
		for _, key := range s.keys(prefix) {
			if u, _ := s.show(key); !u.Deleted && !yield(key, u.Value) {
				return
			}
		}
	}
}

// show is what a shared key holds, or the sum where members have added to it.
func (s *Shared) show(key string) (u SharedUpdate, counted bool) {
	value, m, ok := s.Look(nil, key)
	u = SharedUpdate{Key: key, Value: value, Now: m.Version, Deleted: !ok, TTL: m.TTL, Left: m.Left, entry: m.entry}
	var sum int64
	if sum, counted = s.Sum(key); counted {
		u.Value, u.Deleted = strconv.AppendInt(nil, sum, 10), false
	}
	return u, counted
}

// keys lists the shared keys that somebody claims, sorted.
func (s *Shared) keys(prefix string) (list []string) {
	if s.e.stage.pending.Load() > 0 {
		s.e.askApplied(func(sched.Instant) {})
	}
	for m := range s.e.Members() {
		s.e.store.Range([]byte(m.Name), func(key, _ []byte, _ state.Meta) bool {
			if name := string(userKey(key)); name != "" && strings.HasPrefix(name, prefix) {
				list = append(list, name)
			}
			return true
		})
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// userKey is the shared key under which users know a key of a log, the name of the counter
// for a part of one; nil if it is neither, as a part of a set.
func userKey(key []byte) []byte {
	if !codec.Shared(key) {
		return nil
	}
	if key = key[len(codec.SharedPrefix):]; key[0] == codec.ReservedPrefix {
		if key = key[min(partHead, len(key)):]; len(key) == 0 || key[0] == codec.ReservedPrefix {
			return nil
		}
	}
	return key
}

// Watch yields what the shared keys that begin with a prefix hold, all of them for "",
// and from then on each change. Changes coalesce, and a slow reader gets a Resync, as
// with Engine.WatchWith, and it ends as that does.
func (s *Shared) Watch(ctx context.Context, prefix string) iter.Seq2[SharedUpdate, error] {
	return func(yield func(SharedUpdate, error) bool) {
		if unstarted(s.e, yield) {
			return
		}
		if prefix != "" && prefix[0] == codec.ReservedPrefix {
			yield(SharedUpdate{}, ErrKey)
			return
		}
		if len(prefix) > SharedKeyBytesMax {
			yield(SharedUpdate{}, &SizeError{What: "shared key", Bytes: len(prefix), Limit: SharedKeyBytesMax})
			return
		}
		w := newWatcher(scope{prefix: prefix})
		s.e.startWatch(&s.watches)
		if !s.watches.add(w, s.e.cfg.Limits.Watchers) {
			yield(SharedUpdate{}, ErrWatchers)
			return
		}
		defer s.watches.remove(w)
		v := sharedView{s: s, w: w, told: map[string]*sharedWas{}, yield: yield, news: backlog{changes: &s.watches, w: w}}
		v.run(ctx)
	}
}

// sharedTold is what a watch has told of a shared key.
type sharedTold struct {
	now   SharedVersion
	value string // of a counter: the sum changes while the write stays
}

// sharedWas is what was told of a key, and in which look at everything it was looked at last.
type sharedWas struct {
	sharedTold
	pass uint32
}

// sharedView is what a watch of shared keys has told.
type sharedView struct {
	s     *Shared
	w     *watcher
	told  map[string]*sharedWas // each is changed in place: a map is a cache miss or two
	pass  uint32
	yield func(SharedUpdate, error) bool
	news  backlog
}

func (v *sharedView) run(ctx context.Context) {
	if !v.all() {
		return
	}
	var marks []place
	for {
		select {
		case <-v.w.signal:
		case <-ctx.Done():
			v.yield(SharedUpdate{}, ctx.Err())
			return
		case <-v.s.e.done:
			v.yield(SharedUpdate{}, ErrClosed)
			return
		}
		var full bool
		marks, full = v.news.next(marks[:0])
		if full && (!v.yield(SharedUpdate{Resync: true}, nil) || !v.all()) {
			return
		}
		for _, p := range marks {
			if !v.look(p.key) {
				return
			}
		}
	}
}

// all looks at all keys. False: no more is wanted.
func (v *sharedView) all() bool {
	v.pass++
	for _, key := range v.s.keys(v.w.prefix) {
		if !v.look(key) {
			return false
		}
	}
	for key, was := range v.told {
		if was.pass != v.pass && !v.look(key) {
			return false
		}
	}
	return true
}

func (v *sharedView) look(key string) (more bool) {
	v.news.step()
	u, counted := v.s.show(key)
	is := sharedTold{now: u.Now}
	if counted {
		is.value = string(u.Value)
	}
	last := v.told[key]
	if last != nil {
		u.Previous = last.now
	}
	switch {
	case u.Deleted && last == nil:
		return true
	case u.Deleted:
		delete(v.told, key)
	case last == nil:
		v.told[key] = &sharedWas{is, v.pass}
	default:
		same := is == last.sharedTold
		if *last = (sharedWas{is, v.pass}); same {
			return true
		}
	}
	return v.yield(u, nil)
}

// tellWatchers tells what became of a shared key to those who watch it.
func (s *Shared) tellWatchers(key []byte, what share.Change) {
	if what != share.Won && what != share.Passed && what != share.Gone {
		return
	}
	if key[len(codec.SharedPrefix)] == codec.ReservedPrefix {
		s.counts(key)
	}
	if s.watches.count.Load() == 0 {
		return
	}
	if name := userKey(key); name != nil {
		s.watches.sharedChanged(name)
	}
}
