package engine

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Own claims end in three ways, all of which are deletes in the own log that never
// compete. One that lost goes once every live member has the winner. A delete that won
// goes when nobody else claims its key any more and the burial age has passed twice, so
// that nobody who knows an older claim can come back with it. And one that a member
// brings back who was away for longer than the burial age goes if others knew it and
// nobody has it: it was deleted meanwhile. Until that member has looked, a mark in its
// log (backKey) tells the others not to withdraw anything in favour of it.

const tidyShared = 10 * sched.Second // between looks for what may be withdrawn

var backKey = []byte{codec.ReservedPrefix, 'b', 'a', 'c', 'k'}

// sweep is when the own log is looked through, and how far that has come.
type sweep struct {
	losers bool          // own claims have lost since the last time
	lostAt sched.Instant // the last of them
	at     sched.Instant // not before
	buryAt sched.Instant // when own deletes may be old enough; 0: there are none
	after  uint64        // version up to which the log was looked at; 0: not begun
}

func (w *sweep) loses(now sched.Instant) {
	w.losers, w.after, w.lostAt, w.at = true, 0, now, max(w.at, now.After(tidyShared/10))
}

// deletes notes an own claim that won, if it is a delete.
func (w *sweep) deletes(x *codec.Entry, now, age sched.Instant) {
	var c share.Claim
	if _, err := c.Parse(x.Value, 0); err == nil && c.Deleted && w.buryAt == 0 {
		w.buryAt = now.After(age)
	}
}

// next is when there is something to look for.
func (w *sweep) next() sched.Instant {
	at := sched.Never
	if w.losers {
		at = w.at
	}
	if w.buryAt != 0 {
		at = min(at, max(w.at, w.buryAt))
	}
	return at
}

// away tells whether this member was out of touch for longer than others remember it.
type away struct {
	touched  sched.Wall // when it last was in touch with others
	since    sched.Wall // it was away since then; 0: it was not
	acked    uint64     // own writes that others had before
	returned bool       // and is back: under a new generation, since others had buried it
}

// look notes whether others live. A wall clock that jumps, as it does in suspend, counts
// as time away.
func (a *away) look(wall sched.Wall, touch bool, age sched.Instant) {
	if !touch {
		return
	}
	if a.touched != 0 && a.since == 0 && wall-a.touched > sched.Wall(age) {
		a.since = a.touched
	}
	a.touched = wall
}

// renewed notes a new generation of this member: if it was away, it looks through its
// claims once all others hold the same as it does.
func (s *Shared) renewed(now sched.Instant) {
	if s.away.since != 0 {
		s.away.returned, s.sweep.after, s.sweep.lostAt = true, 0, now
		s.e.stage.adopt(string(backKey), nil, 0)
	}
}

// burialAge is how long the lives of others are kept out.
func (s *Shared) burialAge() sched.Instant { return sched.Instant(s.e.cfg.Detector.GraveAge) }

// withdraw looks at some own claims, if there may be any to end.
func (s *Shared) withdraw(now sched.Instant) (more bool) {
	w := &s.sweep
	if now < w.next() && !(s.away.returned && now >= w.at) {
		return false
	}
	if w.after == 0 {
		since := w.lostAt
		if w.at = now.After(tidyShared); s.away.returned {
			w.at = now.After(tidyShared / 100)
		}
		if a := s.e.core.Agreement(since); a.Equal < a.Members || a.Members == 0 && s.away.returned || s.e.stage.pending.Load() > 0 {
			return false
		}
	}
	var cur state.Cursor
	s.e.store.After(s.e.store.Owner(), w.after, &cur)
	for range sharedPerTurn {
		if !cur.Next(&s.entry) {
			s.sweptAll(now)
			return false
		}
		if x := &s.entry; codec.Shared(x.Key) && x.Flags&codec.EntryTombstone == 0 && s.ends(x) {
			if s.e.stage.expire(x.Key, x.Version) == ErrBackpressure {
				w.at = now.After(sched.Millisecond)
				return false
			}
			s.withdrawn++
		}
		w.after = s.entry.Version
	}
	w.at = now
	return true
}

// sweptAll ends a look through the own log.
func (s *Shared) sweptAll(now sched.Instant) {
	w := &s.sweep
	w.losers, w.after = false, 0
	if s.away.returned {
		s.away.returned, s.away.since = false, 0
		s.e.stage.expire(backKey, s.e.stage.last().Seq)
	}
	if w.buryAt != 0 && now >= w.buryAt { // again, for those that were too young
		w.buryAt = now.After(s.burialAge())
	}
}

// ends tells whether an own claim is of no use any more.
func (s *Shared) ends(x *codec.Entry) bool {
	var c share.Claim
	self, o := s.e.store.Owner(), s.index.Owner(x.Key)
	if _, err := c.Parse(x.Value, s.self); err != nil || !s.merge.Knows(c.Order) {
		return false
	}
	if o != self || c.Author != s.self { // what the index knows may be older than who goes and who is back
		o = s.index.Recheck(x.Key, s.wall())
	}
	if o != self {
		return o != 0 && !s.away.returned && !s.index.Departing(o) && !s.e.store.Lives(o, backKey)
	}
	old := c.Deleted && sched.Instant(s.wall()-c.Stamp.Wall()) > 2*s.burialAge()
	stale := s.away.returned && (x.Version <= s.away.acked || c.Author != s.self)
	return (old || stale) && s.index.Claimants(x.Key) == 1
}
