package engine

import "github.com/quidnunc/quidnunc/sched"

// Endings is how many ends of entries are kept.
func (e *Engine) Endings() (n int) {
	e.ask(func(sched.Instant) { n = len(e.expiry.list) })
	return n
}
