package reconcile

import (
	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/state"
	"github.com/quidnunc/quidnunc/sched"
)

// Shown is the fingerprint that a peer showed last, and how far it said that its own
// writes go.
type Shown struct {
	print   uint64
	at      sched.Instant
	wrote   uint64
	seen    uint32
	current bool // wrote is of the frame at hand
	full    bool
	level   sched.Instant // when all of that was here; until then: when the peer became known
}

// Unshown is that of a peer that becomes known.
func Unshown(now sched.Instant) Shown { return Shown{level: now} }

// Show notes a fingerprint.
func (s *Shown) Show(now sched.Instant, print uint64) { s.print, s.at, s.full = print, now, false }

// Tell notes the run of a frame, if it is one of the peer's own log and ends at the newest
// version that the peer tells others of.
func (s *Shown) Tell(f *Frame, peer codec.OriginID) {
	if r := &f.Run; r.ID == peer && f.Fresh && (r.Count == 0 || r.Level()) {
		s.wrote, s.seen, s.current = r.To, f.Ack, true
	}
}

// Have notes how far the peer's own log is here, after a frame that took so long to come:
// a frame that says how far the log goes, or shows that all is the same here, tells whether
// all of it is.
func (s *Shown) Have(f *Frame, o state.Origin, here *state.Store, print uint64, underway sched.Instant) {
	if f.Printed && f.Print == print || s.current && here.Max(o) >= s.wrote && here.Level(o) && !here.Dirty(o) {
		s.level = max(1, f.Now-underway)
	}
	s.current = false
}

// Level is when the peer said something of its own log of which all was here; until then: when it
// became known.
func (s *Shown) Level() sched.Instant { return s.level }

// Wrote is the newest version that the peer told of, and the number of the last frame to
// it that it had seen by then.
func (s *Shown) Wrote() (version uint64, seen uint32) { return s.wrote, s.seen }

// Fill notes whether the peer has no room for something that others hold, until it shows a
// fingerprint without saying so.
func (s *Shown) Fill(full bool) { s.full = s.full || full }

// Full reports whether it has none.
func (s *Shown) Full() bool { return s.full }

// Equals reports whether the peer showed this one, at since or later.
func (s *Shown) Equals(print uint64, since sched.Instant) bool {
	return s.print == print && s.at >= since
}

// Ever reports whether it showed any.
func (s *Shown) Ever() bool { return s.at != 0 }
