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
