package engine

import (
	"time"

	"github.com/quidnunc/quidnunc/engine/share"
	"github.com/quidnunc/quidnunc/sched"
)

// Adopted counts the claims that this member took over.
func (s *Shared) Adopted() (n int) {
	s.e.ask(func(sched.Instant) { n = int(s.adopted) })
	return n
}

// Withdrawn counts the own claims that ended.
func (s *Shared) Withdrawn() (n int) {
	s.e.ask(func(sched.Instant) { n = int(s.withdrawn) })
	return n
}

// Skew sets the wall clock of shared writes off by d.
func (s *Shared) Skew(d time.Duration) {
	s.e.ask(func(sched.Instant) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.wall = func() sched.Wall { return sched.Wall(time.Now().Add(d).UnixNano()) }
	})
}

// Claim is the claim that a key is held by; the zero Claim: none.
func (s *Shared) Claim(key string) share.Claim {
	_, c, _, _ := s.look(nil, logKey(nil, key))
	return c
}

// Self is the author of this member's claims.
func (s *Shared) Self() share.Author { return s.self }

// Wins counts the keys that a member's log wins.
func (s *Shared) Wins(member string) (n int) {
	s.e.ask(func(sched.Instant) {
		if o := s.e.store.FindName([]byte(member)); o != 0 {
			n = s.index.Wins(o)
		}
	})
	return n
}

// Keys lists the shared keys.
func (s *Shared) Keys(prefix string) []string { return s.keys(prefix) }
