package core

import (
	"fmt"
	"math"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestAnyClockJoinsOrIsTold: whatever the clocks say, at whichever end, a newcomer is
// a member on both sides within seconds, or on none, and was told that its clock is
// the cause. So is one whose life before had such a clock. Nanoseconds end in 2262, where a
// clock that goes on says that it is before 1970.
func TestAnyClockJoinsOrIsTold(t *testing.T) {
	const year = uint64(366*24*3600) * uint64(sched.Second)
	const end = math.MaxInt64
	clusters, walls := []uint64{1, 30 * year, 56 * year, 137 * year, end - year/366}, []sched.Wall{ // the year that the members began in, what their clocks say now
		0, sched.Wall(30 * year), sched.Wall(56 * year), sched.Wall(137 * year), end - sched.Wall(sched.Second), math.MinInt64, -1,
	}
	if testing.Short() {
		clusters, walls = clusters[1:], walls[4:6]
	}
	for _, cluster := range clusters {
		for _, wall := range walls {
			for _, gen := range []uint64{1, year / 2, 30 * year, 55 * year, 57 * year, 100 * year, 1<<63 - 1, 1<<64 - 1} {
				for _, before := range []uint64{0, 56 * year, 61 * year} { // the newcomer's life before
					t.Run(fmt.Sprintf("%d,%d,%d,%d", cluster/year, wall/sched.Wall(year), gen/year, before/year), func(t *testing.T) {
						w := newNet(t, 3, 71, func(i int, c *Config) { c.Generation = cluster + uint64(i) })
						w.wall = wall
						w.joinAll()
						w.run(sched.Second)
						if before != 0 {
							d := w.start(3, before, nil)
							d.core.Join(w.now, addrOf(0))
							w.pump(d)
							w.run(2 * sched.Second)
							d.down = true
							w.run(100 * sched.Millisecond)
						}
						d := w.start(3, gen, nil)
						d.core.Join(w.now, addrOf(0))
						w.pump(d)
						w.run(8 * sched.Second)
						has0 := d.core.store.FindName([]byte("node-0")) != 0
						seen := w.nodes[0].core.store.Find(d.core.me.ID) != 0
						why, told := d.core.Parts().Door.Seeds.Why(addrOf(0))
						switch {
						case has0 && seen && d.core.roster.Reach() == 3:
						case !has0 && !seen && told:
						default:
							t.Errorf("here %v, there %v, told %v %d; reach %d", has0, seen, told, why.Reason, d.core.roster.Reach())
						}
					})
				}
			}
		}
	}
}
