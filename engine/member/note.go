package member

import "github.com/quidnunc/quidnunc/sched"

// note counts what became of a member.
func (t *Table) note(now sched.Instant, was, is Status) {
	switch {
	case suspected(is) && !suspected(was):
		t.counters.Suspicions++
	case is == Dead && was != Dead:
		t.counters.Deaths++
		t.revive.at = min(t.revive.at, now+t.cfg.ReviveMin/2+sched.Instant(t.rand.Uint64n(uint64(t.cfg.ReviveMin))))
	case is == Alive && was == Dead:
		t.counters.Revived++
	}
}
