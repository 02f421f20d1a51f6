package settle

import "github.com/quidnunc/quidnunc/sched"

// Comparisons are an interval apart while there is news. Where nothing moved and nobody
// showed another fingerprint for restAfter intervals, they are an eighth of that time
// apart, up to restMost intervals and restLongest. Frames of the detector carry
// fingerprints too, so that a difference ends the rest within one of its periods.
const (
	restAfter   = 8
	restMost    = 10
	restLongest = sched.Second

	// Where the loop is late they are so many of its turns apart, up to restLongest: what is missing is
	// on its way, and comparing it takes the time that it waits for.
	restTurns = 32
)

// Pace is when the next comparison begins. The zero Pace is not ready: call Init.
type Pace struct {
	timer    sched.Timer
	rand     *sched.Rand
	interval sched.Instant
	lag      *sched.Instant // of the loop
	stirred  sched.Instant  // when there was news, here or elsewhere
}

// Init tells what begins comparisons, their interval, and where the lag of the loop stands.
func (p *Pace) Init(now sched.Instant, timer sched.Timer, rand *sched.Rand, interval sched.Instant, lag *sched.Instant) {
	*p = Pace{timer: timer, rand: rand, interval: interval, lag: lag, stirred: now}
}

// Stir notes news, or that somebody holds something else than this node.
func (p *Pace) Stir(now sched.Instant) {
	rested := now-p.stirred > restAfter*p.interval
	if p.stirred = now; rested {
		p.Again(now, true)
	}
}

// Again sets the timer for the next comparison. busy: there is more to do at it than to
// compare.
func (p *Pace) Again(now sched.Instant, busy bool) {
	wait := p.interval
	if !busy {
		wait = max(wait, min((now-p.stirred)/restAfter, restMost*p.interval, restLongest))
	}
	wait = max(wait, min(restTurns**p.lag, restLongest))
	p.timer.Set(now + p.rand.JitterLittle(wait))
}
