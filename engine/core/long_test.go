package core

import (
	"fmt"
	"strings"
	"testing"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// journey is what a cluster sent and learned while it was written to.
type journey struct {
	bytes, old, fresh, rewinds, pulls, frames uint64
	died, warned                              int
}

// travel writes perSecond entries of 100 bytes at each of n nodes for span over a path.
func travel(t *testing.T, n, perSecond int, delay [2]sched.Instant, s tune.Spread, loss float64) journey {
	t.Helper()
	w := newNet(t, n, 61, spread3(s))
	w.joinAll()
	w.run(2 * sched.Second)
	w.delay, w.loss = delay, loss
	w.run(5 * sched.Second)
	sum := func() (j journey) {
		for _, d := range w.nodes {
			c := &d.core.counters
			j.bytes, j.old, j.fresh = j.bytes+c.BytesSent, j.old+c.EntriesOld, j.fresh+c.EntriesNew
			j.rewinds, j.pulls, j.frames = j.rewinds+c.Rewinds, j.pulls+c.PullsSent, j.frames+c.FramesSent
			for i := range d.events {
				switch d.events[i].Kind {
				case MemberDied:
					j.died++
				case PathLong:
					j.warned++
				}
			}
		}
		return j
	}
	var before journey
	gap := sched.Second / sched.Instant(perSecond)
	for k := range 5 * perSecond {
		if k == perSecond { // the path is known
			before = sum()
		}
		for i := range w.nodes {
			w.set(i, fmt.Sprint("key-", k%40), strings.Repeat("v", 90)+fmt.Sprint(k))
		}
		w.run(gap)
	}
	after := sum()
	w.loss = 0
	w.converge(10 * sched.Second)
	return journey{
		after.bytes - before.bytes, after.old - before.old, after.fresh - before.fresh,
		after.rewinds - before.rewinds, after.pulls - before.pulls, after.frames - before.frames, after.died, after.warned,
	}
}

// What a long path costs beyond a short one: at most half, with or without frames that
// overtake each other, and nobody dies. Rumors cost up to as much again where every path
// takes the same: what came by one peer comes by others a whole trip later.
func TestLawLongPathsCostWhatIsNeeded(t *testing.T) {
	const n, ms = 6, sched.Millisecond
	for _, perSecond := range []int{20, 100} {
		for _, s := range []tune.Spread{tune.SpreadMail, tune.SpreadRumor} {
			short := travel(t, n, perSecond, [2]sched.Instant{ms / 10, 3 * ms / 10}, s, 0)
			for _, d := range [][2]sched.Instant{{20 * ms, 20 * ms}, {100 * ms, 100 * ms}, {5 * ms, 9 * ms}, {50 * ms, 150 * ms}} {
				long := travel(t, n, perSecond, d, s, 0)
				name := fmt.Sprintf("%d/s, spread %d, %d to %d ms", perSecond, s, d[0]/ms, d[1]/ms)
				most := short.bytes * 3 / 2
				if s == tune.SpreadRumor && d[0] == d[1] {
					most = short.bytes * 2
				}
				if long.bytes > most {
					t.Errorf("%s: %d bytes, %d on a short path; rewinds %d, pulls %d", name, long.bytes, short.bytes, long.rewinds, long.pulls)
				}
				if s == tune.SpreadMail && (10*long.old > long.fresh || long.rewinds > long.frames/500) {
					t.Errorf("%s: %d entries came again, %d were news; %d rewinds", name, long.old, long.fresh, long.rewinds)
				}
				if long.died > 0 || long.warned != 0 && d[0] < 30*ms || long.warned != n && d[0] > 30*ms {
					t.Errorf("%s: %d times somebody died, %d were warned of a long path", name, long.died, long.warned)
				}
			}
		}
	}
}

// A path that becomes long while a cluster is at work is one within seconds: from then on it
// costs what it did, everybody is warned, and nobody dies meanwhile.
func TestLawPathsThatBecomeLong(t *testing.T) {
	const n, perSecond, ms = 12, 20, sched.Millisecond
	for _, d := range [][2]sched.Instant{{50 * ms, 150 * ms}, {100 * ms, 100 * ms}} {
		w := newNet(t, n, 63, spread3(tune.SpreadMail))
		w.joinAll()
		work := func(seconds int) (bytes uint64) {
			for i := range w.nodes {
				bytes -= w.nodes[i].core.counters.BytesSent
			}
			for k := range seconds * perSecond {
				for i := range w.nodes {
					w.set(i, fmt.Sprint("key-", k%40), strings.Repeat("v", 90)+fmt.Sprint(k))
				}
				w.run(sched.Second / perSecond)
			}
			for i := range w.nodes {
				bytes += w.nodes[i].core.counters.BytesSent
			}
			return bytes
		}
		work(2)
		short := work(3)
		w.delay = d
		work(6)
		long := work(3)
		t.Logf("%d to %d ms: %d bytes, before %d", d[0]/ms, d[1]/ms, long, short)
		if long*2 > short*3 {
			t.Errorf("%d to %d ms: %d bytes, before %d", d[0]/ms, d[1]/ms, long, short)
		}
		warned := 0
		for _, x := range w.nodes {
			for _, e := range x.events {
				switch e.Kind {
				case MemberDied:
					t.Errorf("%d to %d ms: node %d takes somebody for dead", d[0]/ms, d[1]/ms, x.i)
				case PathLong:
					warned++
				}
			}
		}
		if warned != n {
			t.Errorf("%d to %d ms: %d of %d were warned of a long path", d[0]/ms, d[1]/ms, warned, n)
		}
	}
}

// So is that of a cluster in which nobody writes: after seconds nobody is suspected any more.
func TestLawPathsThatBecomeLongWhileIdle(t *testing.T) {
	const n, ms = 12, sched.Millisecond
	for _, d := range [][2]sched.Instant{{50 * ms, 150 * ms}, {100 * ms, 100 * ms}} {
		w := newNet(t, n, 64, spread3(tune.SpreadMail))
		w.joinAll()
		w.run(5 * sched.Second)
		w.delay = d
		suspected := func(span sched.Instant) (k int) {
			for _, x := range w.nodes {
				x.events = nil
			}
			w.run(span)
			for _, x := range w.nodes {
				for _, e := range x.events {
					switch e.Kind {
					case MemberDied:
						t.Errorf("%d to %d ms: node %d takes somebody for dead", d[0]/ms, d[1]/ms, x.i)
					case MemberSuspected:
						k++
					}
				}
			}
			return k
		}
		first, later := suspected(5*sched.Second), suspected(5*sched.Second)
		t.Logf("%d to %d ms: %d times suspected, later %d", d[0]/ms, d[1]/ms, first, later)
		if later > n {
			t.Errorf("%d to %d ms: %d times somebody is suspected, %d at first", d[0]/ms, d[1]/ms, later, first)
		}
	}
}
