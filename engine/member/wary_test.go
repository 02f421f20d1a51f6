package member

import (
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// A node that doubted in vain, often, says that its rounds take longer, and that they don't any more
// when it comes to rest. TestOneCutMakesNobodyWary shows that one cut does not make it say so.
func TestWarinessIsTold(t *testing.T) {
	var d Detector
	if period, usual := d.Pace(); period != usual {
		t.Error("nobody is watched, and yet it is slow to doubt")
	}
	d.on, d.taken, d.cfg = true, 1, LAN()
	now := sched.Instant(sched.Second)
	for range 40 {
		d.inVain(now)
		now += d.cfg.Period / 3
	}
	period, usual := d.Pace()
	if usual != d.cfg.Period || period <= usual || period != d.period(now) {
		t.Errorf("a round takes %d ms, it says %d, usual %d", d.period(now)/ms, period/ms, usual/ms)
	}
	now += 2 * 40 * d.cfg.Period
	if d.period(now); d.wary.doubts != 0 {
		t.Errorf("%d doubts are remembered after a rest", d.wary.doubts)
	}
	if period, usual := d.Pace(); period != usual {
		t.Errorf("after a rest a round takes %d ms, usual %d", period/ms, usual/ms)
	}
}

// TestDetectionWhereFramesGetLost: what wariness costs. A member that dies in a network that loses
// many frames is known to be dead everywhere hardly later than without.
func TestDetectionWhereFramesGetLost(t *testing.T) {
	const nodes, kills = 24, 5
	if testing.Short() {
		t.Skip("a table of measurements")
	}
	for _, loss := range []float64{0, 0.1, 0.3, 0.5} {
		var worst [2]sched.Instant
		for i, wary := range []bool{false, true} {
			c := newCluster(t, nodes, LAN())
			run := func(d sched.Instant) {
				for end := c.now + d; c.now < end; {
					c.run(20 * ms)
					for _, n := range c.nodes {
						if !wary {
							n.wary.doubts = 0
						}
					}
				}
			}
			run(5 * sched.Second)
			c.loss = loss
			run(30 * sched.Second)
			falsely, slow := 0, sched.Instant(0)
			for _, n := range c.nodes {
				slow = max(slow, n.period(c.now))
				for o := uint32(1); o <= nodes; o++ {
					if n.Status(o) >= Dead {
						falsely++
					}
				}
			}
			var took []sched.Instant
			for k := range kills {
				victim := c.nodes[nodes-1-k]
				victim.down = true
				at := c.now
				known := func(most int) bool {
					for _, n := range c.nodes {
						if !n.down && n.Status(victim.h) < Dead {
							if most--; most < 0 {
								return false
							}
						}
					}
					return true
				}
				for !known(0) && c.now < at+60*sched.Second {
					run(20 * ms)
				}
				took = append(took, c.now-at)
			}
			slices.Sort(took)
			worst[i] = took[kills-1]
			if i == 1 && worst[1] > 3*worst[0] {
				t.Errorf("%2.0f%% lost: known after %d ms, and after %d without wariness", 100*loss, worst[1]/ms, worst[0]/ms)
			}
			t.Logf("%2.0f%% lost, wary %v: everywhere dead after %v ms; %d false deaths seen, rounds of at most %d ms", 100*loss, wary, msOf(took), falsely, slow/ms)
		}
	}
}

func msOf(d []sched.Instant) (out []int64) {
	for _, x := range d {
		out = append(out, int64(x/ms))
	}
	return out
}
