package member

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Detection is what a cluster does at all times, so a machine or a network that has room for twice
// of it has to come to rest again after whatever made everybody doubt everybody: what doubts cost
// must not keep up what they come from. Where the rounds of many begin together by chance, and each frame takes a
// millisecond of the switch, a new storm of about five seconds may begin, once in some hundred seconds: so who is
// not at rest after 18 s has to be 12 s later.
func TestDoubtsEndWhereThereIsRoomForTheUsual(t *testing.T) {
	for _, blow := range []string{"a cut of all", "pauses", "a burst of others"} {
		for _, nodes := range []int{12, 40} {
			c := newCluster(t, nodes, LAN())
			second := func() (n int) {
				clear(c.frames)
				c.run(sched.Second)
				for _, x := range c.frames {
					n += x
				}
				return n
			}
			c.run(5 * sched.Second)
			usual := second()
			c.takes = sched.Second / sched.Instant(2*usual)
			switch blow {
			case "a cut of all":
				c.cut = func(from, to uint32) bool { return true }
				c.run(sched.Second)
				c.cut = nil
			case "pauses":
				for i, n := range c.nodes {
					n.asleep = c.now + sched.Instant(200+37*i%1000)*ms
				}
			default:
				for range 20 {
					c.free = c.now + 100*ms + c.takes
					c.run(50 * ms)
				}
			}
			most := 0
			for range 10 {
				most = max(most, second())
			}
			c.run(8 * sched.Second)
			got := second()
			if got > usual*5/4 {
				t.Logf("%d nodes, %s: %d frames in a second after 18 s, where %d are usual", nodes, blow, got, usual)
				c.run(11 * sched.Second)
				got = second()
			}
			if got > usual*5/4 {
				t.Errorf("%d nodes, %s: %d frames a second after 30 s, where %d are usual (at most %d)", nodes, blow, got, usual, most)
			}
			for _, n := range c.nodes {
				c.all(n.h, Alive)
			}
			if t.Failed() {
				return
			}
			if most < 2*usual {
				t.Errorf("%d nodes, %s: %d frames a second at most, where %d are usual: this shows nothing", nodes, blow, most, usual)
			}
		}
	}
}

// The end of one cut, however many it was of, makes nobody slow.
func TestOneCutMakesNobodyWary(t *testing.T) {
	c := newCluster(t, 40, LAN())
	c.run(5 * sched.Second)
	for range 3 {
		c.cut = func(from, to uint32) bool { return from%2 != to%2 }
		c.run(sched.Second)
		c.cut = nil
		c.run(300 * ms)
		for _, n := range c.nodes {
			if p := n.period(c.now); p != c.cfg.Period {
				t.Fatalf("after a cut of 1 s node %d has a period of %d ms: %d doubts in vain", n.h, p/ms, n.wary.doubts)
			}
		}
		c.run(5 * sched.Second)
	}
}
