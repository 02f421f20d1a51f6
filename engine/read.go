package engine

import (
	"iter"
	"slices"
	"time"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// AppendGet appends the value of a member's key to dst and returns the longer
// slice. It reads the local replica: it never asks the network and never waits
// for the loop. A member reads its own writes as soon as Set has returned. ok
// is false, and dst unchanged, when there is no such entry, or when its time to
// live has passed, whatever became of its owner; the engine's own keys are none.
// What a member wrote before it was restarted is there until its new life has said
// something of all of that, or for 10 s. With room in dst it does not allocate.
func (e *Engine) AppendGet(dst []byte, member, key string) (value []byte, meta Meta, ok bool) {
	if !e.runs.Load() || codec.Reserved(key) {
		return dst, Meta{}, false
	}
	if member == e.cfg.Name {
		out, m, ok, hit := e.stage.lookup(dst, key)
		if hit && m.refers { // what was written here is here: it needs no tag
			m.refers = false
			out, ok = e.appendLarge(out, len(dst), 0, key, &m)
			hit = ok // or it was staged, and another one has taken its place since
		}
		if hit {
			if m.Lease != 0 && e.ownLease(&m, e.reactor.poller.Now()) {
				return dst, m, false
			}
			return out, m, ok
		}
	}
	out, m, ok := e.store.AppendGet(dst, []byte(member), []byte(key))
	return e.current(out, len(dst), m, ok, member, key)
}

// current gives what a reader is shown of a key whose entry was read into dst[at:].
func (e *Engine) current(dst []byte, at int, m state.Meta, here bool, member, key string) (value []byte, meta Meta, ok bool) {
	for m.Flags&codec.EntryKinded != 0 {
		tag, version := m.Tag, m.Version
		if dst, meta, ok = e.shown(dst, at, &m, key, atOnce); ok {
			return dst, meta, true
		}
		// Not there: unless another entry took its place meanwhile, with which what was known of
		// this one went.
		dst, m, here = e.store.AppendGet(dst[:at], []byte(member), []byte(key))
		if m.Tag == tag && m.Version == version {
			return dst[:at], meta, false
		}
	}
	meta, ended := e.metaOf(&m, atOnce)
	if ended {
		return dst[:at], meta, false
	}
	return dst, meta, here
}

// Get is AppendGet into a new slice.
func (e *Engine) Get(member, key string) (value []byte, meta Meta, ok bool) {
	return e.AppendGet(nil, member, key)
}

// Entry is one key of one member, as Range yields it.
type Entry struct {
	Value []byte
	Meta  Meta
}

// Range yields every live key of a member with its entry, in the order of their versions. Key and
// Value are good until the loop body ends: copy what is kept. Each entry is whole. One that is
// overwritten during the walk may be seen again, the newest form last; any other is seen once. The
// body may call any method, and write the keys that it sees: the walk ends. Own writes that are
// still staged are waited for, a turn or two.
func (e *Engine) Range(member string) iter.Seq2[[]byte, Entry] {
	return func(yield func([]byte, Entry) bool) {
		if member == e.cfg.Name && e.stage.pending.Load() > 0 {
			e.askApplied(func(sched.Instant) {})
		}
		if !e.runs.Load() {
			return
		}
		e.store.Range([]byte(member), func(key, value []byte, m state.Meta) bool {
			if codec.Reserved(key) {
				return true
			}
			if m.Flags&codec.EntryKinded != 0 {
				value, meta, ok := e.current(slices.Clone(value), 0, m, true, member, string(key))
				return !ok || yield(key, Entry{value, meta})
			}
			meta, ended := e.metaOf(&m, atOnce)
			return ended || yield(key, Entry{value, meta})
		})
	}
}

// atOnce is the instant of who reads one entry: the present one.
const atOnce sched.Instant = -1

// metaOf is what the reader of an entry is told beside its value, and whether
// its time has passed at that instant. Only an entry with a time to live asks for the clock.
func (e *Engine) metaOf(m *state.Meta, at sched.Instant) (meta Meta, ended bool) {
	meta.Version = Version{Gen: m.Gen, Seq: m.Version}
	if m.Tag != e.leases.tag {
		meta.of, meta.tag = e, m.Tag
	}
	if m.Flags&codec.EntryTTL == 0 {
		return meta, false
	}
	if at == atOnce {
		at = e.reactor.poller.Now()
	}
	if meta.Lease = m.Lease; meta.Lease != 0 && m.Tag == e.leases.tag {
		return meta, e.ownLease(&meta, at)
	}
	meta.TTL = millis(m.TTL)
	meta.Age = max(0, time.Duration(int64(at)-m.Born))
	return meta, meta.Age >= meta.TTL
}

// shown gives what a reader is shown of an entry that is not a user's bytes, which is dst[at:].
// Only large values are anything to users: the newest complete one.
func (e *Engine) shown(dst []byte, at int, m *state.Meta, key string, when sched.Instant) (value []byte, meta Meta, ok bool) {
	meta, ended := e.metaOf(m, when)
	if m.Kind != codec.KindContent || m.Kind > e.upgrade.own || ended { // what is not known is hidden
		return dst[:at], meta, false
	}
	value, ok = e.appendLarge(dst, at, m.Tag, key, &meta)
	return value, meta, ok
}
