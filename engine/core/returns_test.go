package core

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestManyReturnsAtOnce: all but a few are suspended at once, for less than the time in which they are
// condemned, for longer, and until they are buried, and go on at once. All are one cluster again, each
// with what all others wrote, within five seconds of the end: also of those whom only one or two have
// buried, while sixty others speak to each other as if nothing had been; and where one frame in five of
// the first second is lost. Where all slept, nothing had been.
func TestManyReturnsAtOnce(t *testing.T) {
	const dead = 10 * sched.Second
	f := func(n, awake int, away sched.Instant, loss float64) {
		lossy := sched.Instant(0)
		if loss > 0 {
			lossy = sched.Second
		}
		both(t, func(t *testing.T, sealed func(int, *Config)) {
			w := newNet(t, n, 229, func(i int, c *Config) {
				sealed(i, c)
				c.Detector = shortAges(dead, 60*sched.Second)
			})
			w.joinAll()
			w.converge(5 * sched.Second)
			w.run(2 * sched.Second)
			for _, d := range w.nodes[awake:] {
				d.asleep = w.now + away
			}
			w.filter = func(_, to *node, _ []byte) bool { return to.asleep <= w.now } // its socket is full
			w.run(away)
			w.filter, w.loss = nil, loss
			w.set(n-1, "is", "back")
			w.run(lossy)
			w.loss = 0
			took := lossy + w.until("one cluster", 5*sched.Second-lossy, func() bool { return w.oneCluster() && w.equal() })
			t.Logf("%d of %d were away for %d s, loss %.2f: %d ms", n-awake, n, away/sched.Second, loss, took/sched.Millisecond)
			w.forgetEvents()
			w.run(5 * sched.Second)
			w.nobodyDied()
			if !w.oneCluster() {
				t.Error("it does not stay one")
			}
			w.until("all know the latest lives", sched.Second, w.equal) // one may have begun just now
			w.compare()
		})
	}
	for _, awake := range []int{0, 1, 2} {
		f(64, awake, 20*sched.Second, 0)
	}
	f(64, 2, 20*sched.Second, 0.2)
	if testing.Short() {
		return
	}
	for _, awake := range []int{0, 1, 2} {
		for _, away := range []sched.Instant{2, 6, 60, 100} {
			f(64, awake, away*sched.Second, 0)
		}
	}
	f(200, 1, 20*sched.Second, 0)
	f(200, 2, 100*sched.Second, 0)
}
