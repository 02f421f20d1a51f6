package member

import "github.com/quidnunc/quidnunc/sched"

// wary is how often this node doubted in vain of late. A doubt costs: up to three probes where one
// is usual, a vote to each observer and its reply, news to all. Where a network or a machine has
// no room for that frames get lost, and the doubts that follow keep up what they come from, for
// ever: forty processes that two processors carry with ease stayed at ten times their usual
// traffic, and held each other dead. A lost machine does not look like that, for the dead do not
// speak again. So a member that was silent for a whole round and is heard then counts as a doubt in
// vain, and beyond a few of them rounds, turns of scouting, bursts of news and the life of votes
// take longer, twice as long for each four more: what backs off by a power ends below any room that
// there is for the usual.
type wary struct {
	doubts uint8         // in vain
	last   sched.Instant // when the last was counted
	calmAt sched.Instant // one less then
}

const (
	waryFree = 8  // the end of one cut or pause, and the loss of many frames, are no reason
	waryMost = 28 // a period is 32 times as long then
)

// inVain notes that a member is heard that was silent. All that are heard within a quarter of a
// period have one cause.
func (t *Table) inVain(now sched.Instant) {
	w := &t.wary
	if w.doubts > 0 && now-w.last < t.cfg.Period/4 {
		return
	}
	w.settle(now, t.cfg.Period)
	if w.doubts == 0 {
		w.calmAt = now + 2*t.cfg.Period
	}
	w.doubts, w.last = min(w.doubts+1, waryMost), now
}

// settle lets time pass: a doubt is forgotten every two periods.
func (w *wary) settle(now, period sched.Instant) {
	if w.doubts > 0 && now >= w.calmAt {
		n := 1 + (now-w.calmAt)/(2*period)
		w.doubts -= uint8(min(n, sched.Instant(w.doubts)))
		w.calmAt += n * 2 * period
	}
}

// slowed is how long it takes now what takes d as a rule.
func (t *Table) slowed(now, d sched.Instant) sched.Instant {
	if t.wary.doubts == 0 {
		return d
	}
	t.wary.settle(now, t.cfg.Period)
	return t.wary.slowed(d)
}

func (w *wary) slowed(d sched.Instant) sched.Instant {
	k := max(w.doubts, waryFree) - waryFree
	return d * sched.Instant(4+k%4) << (k / 4) / 4
}

// period is the time from one round to the next.
func (t *Table) period(now sched.Instant) sched.Instant { return t.slowed(now, t.cfg.Period) }

// Pace is how long a round takes, as the last one found, and how long as a rule; 0 where there is
// no detector.
func (d *Detector) Pace() (period, usual sched.Instant) {
	if !d.on || d.taken == 0 {
		return d.cfg.Period, d.cfg.Period
	}
	return d.wary.slowed(d.cfg.Period), d.cfg.Period
}

// voteLife is how long a vote counts: voters renew theirs every period.
func (t *Table) voteLife(now sched.Instant) sched.Instant { p := t.period(now); return p + p/4 }

// patience is how long an observer may be silent to a doubting one before it stops counting as
// live.
func (t *Table) patience(now sched.Instant) sched.Instant { return 3 * t.period(now) }
