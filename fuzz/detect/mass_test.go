package detect

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Whatever part of a cluster dies at once, the survivors know within seconds.
func TestMostDieAtOnce(t *testing.T) {
	f := func(n, survivors int, seeds uint64) {
		t.Helper()
		for seed := uint64(1); seed <= seeds; seed++ {
			r := must[Mass](t)(MassDeath(Config{Nodes: n, Seed: seed}, n-survivors, 60*sched.Second))
			t.Logf("%d of %d die, seed %d: %d ms", n-survivors, n, seed, r.Took/ms)
			if !r.Done || r.Took > 5*sched.Second || r.FalseDead > 0 {
				t.Errorf("%d of %d, seed %d: %+v", n-survivors, n, seed, r)
			}
		}
	}
	f(20, 1, 3)
	f(20, 5, 3)
	f(50, 2, 3)
	f(205, 5, 2)
	f(300, 120, 2)
	f(505, 5, 1)
	if *long {
		f(1005, 5, 3)
		f(1000, 30, 3)
	}
}

// However many are killed at once, and whatever other frames are told by their hosts, which say
// only so much: survivors know within 0.6 s where ports are closed. A verdict is passed on by chance:
// of a thousand pairs of a dead one and a survivor one may learn of it when prints are compared next.
func TestClosedPortsOfManyAreFoundAtOnce(t *testing.T) {
	seeds := uint64(2)
	if *long {
		seeds = 50
	}
	f := func(n, die, chat int) {
		t.Helper()
		var most sched.Instant
		for seed := uint64(1); seed <= seeds; seed++ {
			r := must[Mass](t)(MassDeath(Config{Nodes: n, Seed: seed, Closed: true, Chat: chat}, die, 10*sched.Second))
			if most = max(most, r.Took); !r.Done || r.Took > 750*ms || r.Late*1000 > die*(n-die) || r.FalseDead > 0 {
				t.Errorf("%d of %d, %d frames, seed %d: %+v", die, n, chat, seed, r)
			}
		}
		t.Logf("%d of %d, %d frames: %d ms at most", die, n, chat, most/ms)
	}
	for _, chat := range []int{0, 3, 100} {
		f(6, 1, chat)
		f(6, 4, chat)
		for _, die := range []int{1, 8, 12, 16, 20, 24, 28, 30} {
			f(32, die, chat)
		}
		if *long {
			f(100, 40, chat)
			f(100, 60, chat)
			f(100, 97, chat)
			f(300, 100, chat)
			f(300, 250, chat)
		}
	}
}
