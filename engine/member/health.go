package member

import "github.com/quidnunc/quidnunc/sched"

// sicken lowers the trust in this node itself: it missed a member, was suspected, or came late.
func (t *Table) sicken(now sched.Instant, by uint8) {
	if !t.cfg.has(OwnHealth) {
		return
	}
	t.health = min(t.health+by, HealthMax)
	t.calmAt = now + 2*t.cfg.Period
}

// improve raises it by one step: a round was answered, or nothing bad has happened for two periods.
// Without the latter the only survivor of a cluster would never trust itself again.
func (t *Table) improve(now sched.Instant) {
	if t.health > 0 {
		t.health--
	}
	if t.health == 0 {
		t.calmAt = sched.Never
	}
}

func (t *Table) recover(now sched.Instant) {
	if now >= t.calmAt {
		t.calmAt = now + 2*t.cfg.Period
		t.improve(now)
	}
}

// Lagged tells that this node came late by this span: its loop was stuck, the process stopped, the
// machine asleep. Timeouts and graces rest until what arrived meanwhile can have been read. Tick
// finds its own lateness; a caller that measures its loop otherwise may tell more.
func (t *Table) Lagged(now, late sched.Instant) {
	if late < t.cfg.LagMin {
		return
	}
	t.counters.Stalls++
	if !t.cfg.has(OwnHealth) {
		return
	}
	t.hold, t.judgeOld = max(t.hold, now+min(t.cfg.hold(late), t.cfg.Grace)), true
	t.sicken(now, uint8(1+min(late/t.cfg.Period, HealthMax)))
}
