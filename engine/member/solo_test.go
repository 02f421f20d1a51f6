package member

import (
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/sched"
)

// TestASignOfLifeCountsOnce: of two members, one that does not answer and of which something still
// arrives is suspected and not condemned, for a grace after each sign; when the signs end it is.
func TestASignOfLifeCountsOnce(t *testing.T) {
	x, clock := alone(t, 2)
	now := *clock
	run := func(span sched.Instant, each func()) (died sched.Instant) {
		for end := now + span; now < end; now += 5 * ms {
			if each != nil {
				each()
			}
			x.Tick(now)
			for s := (Send{}); x.Next(now, &s); {
			}
			if x.Status(2) == Dead {
				return now
			}
		}
		return 0
	}
	grace := x.cfg.SoloGrace
	for end := now + 20*sched.Second; x.Status(2) != Suspect; {
		if run(5*ms, nil); now > end {
			t.Fatalf("who is silent is %v", x.Status(2))
		}
	}
	last := now
	if died := run(5*grace, func() {
		if now-last >= grace/2 {
			x.Heard(now, 2)
			last = now
		}
	}); died != 0 {
		t.Fatalf("dead %v after something of it arrived", time.Duration(died-last))
	}
	if died := run(4*grace, nil); died == 0 || died-last > 5*grace/2 {
		t.Errorf("nothing arrives any more: it is %v, %v after the last sign; the grace is %v", x.Status(2), time.Duration(now-last), time.Duration(grace))
	}
}
