// Package settle tells what peers may be expected to have by now from what is still on
// its way to them by push. Comparisons offer the first and leave the second alone: what
// is under way would only be sent twice.
//
// # Laws
//
//   - A change settles a settle time after it: the time that news takes on its way, by
//     the queues and the round trips that the paths show ([link.Paths]), and never less
//     than Init was told. A loop that lags delivers late, and what is late is not lost.
//   - While an origin moves on, what is settled of it is its max of at least one settle
//     time ago, and of at most two where it moved on all the time.
//   - Where nothing is pushed everything is settled at once.
//   - While there is news comparisons are an interval apart; where all were level for long
//     they rest, and where the loop is late they take a bounded share of its turns ([Pace]).
//
// # Limits
//
// 32 bytes an origin, asked for when its handle is first seen. One caller at a time.
package settle

import (
	"github.com/quidnunc/quidnunc/engine/link"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Settle is what one node knows of how old its news is. The zero Settle is not ready:
// call Init.
type Settle struct {
	store   *state.Store
	paths   *link.Paths
	least   sched.Instant
	pushes  bool
	origins []origin

	Pace Pace // of comparisons
}

// OriginBytes is what an origin takes.
const OriginBytes = 32

type origin struct {
	old, young uint64 // max at least one and at least zero settle times ago
	markAt     sched.Instant
	movedAt    sched.Instant
}

// Init tells the least time that a change takes to settle, and whether news is pushed.
func (s *Settle) Init(store *state.Store, paths *link.Paths, least sched.Instant, pushes bool) {
	*s = Settle{store: store, paths: paths, least: least, pushes: pushes, origins: make([]origin, 1, 16), Pace: s.Pace}
}

// time is how old a change has to be before a peer may be expected to have it. The
// queues that news waits in show in the time of acknowledgements, the ways that it has
// to go in round trips.
func (s *Settle) time() sched.Instant {
	return max(s.least, 4*s.paths.Lag) + 2*s.paths.Queued() + 2*s.paths.Trip()
}

// Reset forgets the news of an origin: its handle names another one, or a new one.
func (s *Settle) Reset(o state.Origin) {
	for int(o) >= len(s.origins) {
		s.origins = append(s.origins, origin{})
	}
	s.origins[o] = origin{}
}

// Moved notes that the max of an origin moved to where it is now.
func (s *Settle) Moved(now sched.Instant, o state.Origin) {
	x := &s.origins[o]
	if now-x.markAt >= s.time() {
		x.old, x.young, x.markAt = x.young, s.store.Max(o), now
	}
	x.movedAt = now
	s.Pace.Stir(now)
}

// MovedAt is when an origin moved last; 0: it did not.
func (s *Settle) MovedAt(o state.Origin) sched.Instant { return s.origins[o].movedAt }

// Moving reports an origin whose news is on its way by push.
func (s *Settle) Moving(now sched.Instant, o state.Origin) bool {
	return s.pushes && now-s.origins[o].movedAt < s.time()
}

// Settled is the max of an origin that peers may be expected to have by now; what is
// newer is still on its way to them.
func (s *Settle) Settled(now sched.Instant, o state.Origin) uint64 {
	x := &s.origins[o]
	switch {
	case !s.Moving(now, o):
		return s.store.Max(o)
	case now-x.markAt >= s.time():
		return x.young
	default:
		return x.old
	}
}

// Coming tells whether what a peer has more than we, up to a max, is likely on its way
// here: no more than came lately is missing. A newcomer lacks more, and asks for it.
func (s *Settle) Coming(now sched.Instant, o state.Origin, max uint64) bool {
	mine := s.store.Max(o)
	return s.Moving(now, o) && max-mine <= mine-s.origins[o].old
}
