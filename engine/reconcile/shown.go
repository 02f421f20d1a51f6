package reconcile

import "github.com/quidnunc/quidnunc/sched"

// Shown is the fingerprint that a peer showed last.
type Shown struct {
	print uint64
	at    sched.Instant
	full  bool
}

// Show notes a fingerprint.
func (s *Shown) Show(now sched.Instant, print uint64) { *s = Shown{print: print, at: now} }

// Fill notes that the peer has no room for something that others hold, until it shows a
// fingerprint without saying so.
func (s *Shown) Fill() { s.full = true }

// Full reports whether it has none.
func (s *Shown) Full() bool { return s.full }

// Equals reports whether the peer showed this one, at since or later.
func (s *Shown) Equals(print uint64, since sched.Instant) bool {
	return s.print == print && s.at >= since
}

// Ever reports whether it showed any.
func (s *Shown) Ever() bool { return s.at != 0 }
