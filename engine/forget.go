package engine

import (
	"fmt"

	"github.com/quidnunc/quidnunc/sched"
)

// Forget buries a member that is dead or left before Detector.DeadAge or LeftAge would:
// its keys are dropped here at once, and by the others within seconds, as each of them
// speaks of it to somebody who buried it. Whoever was only cut off is told when it is
// back, and comes in again as a new life.
//
// Nobody forgets the living: a member that is alive or suspected here, or never answered
// here, gives ErrNotDead, and one that lives elsewhere refutes what is said of it. A
// member that only others named ends by itself once nobody meets it. Errors beside that:
// ErrNoMember, ErrClosed.
func (e *Engine) Forget(name string) error {
	m, known, done := Member{}, false, false
	if m, known = e.Member(name); known && m.Self {
		return fmt.Errorf("engine: forget %q: this is the member itself: %w", name, ErrNotDead)
	}
	ok := e.ask(func(now sched.Instant) {
		var p uint32
		if p, known = e.peerOf(name); known {
			done = e.core.Forget(now, p)
		}
	})
	switch {
	case !ok:
		return ErrClosed
	case !known:
		return fmt.Errorf("engine: forget %q: %w", name, ErrNoMember)
	case done:
		return nil
	}
	m, _ = e.Member(name)
	return fmt.Errorf("engine: forget %q: it is %v: %w", name, m.State, ErrNotDead)
}
