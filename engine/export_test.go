package engine

import "github.com/quidnunc/quidnunc/sched"

// Endings is how many ends of entries are kept.
func (e *Engine) Endings() (n int) {
	e.ask(func(sched.Instant) { n = len(e.expiry.list) })
	return n
}

// SeedCount is how many addresses are contacted.
func (e *Engine) SeedCount() (n int) {
	e.ask(func(sched.Instant) { n = e.core.Seeds().Len() })
	return n
}

// Adopted counts the claims that this member took over.
func (s *Shared) Adopted() (n int) {
	s.e.ask(func(sched.Instant) { n = int(s.adopted) })
	return n
}
