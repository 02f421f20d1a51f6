package detect

import (
	"flag"
	"reflect"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

var lan = Network{Delay: 50 * sched.Microsecond, Jitter: 100 * sched.Microsecond}

func must[T any](t *testing.T) func(v T, err error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The commands that print the figures run these sizes too: qn sim detect.
var long = flag.Bool("long", false, "also clusters of a thousand and of ten thousand: minutes")

// Every survivor suspects within 250 ms, and believes within 0.6 s where the port is closed or the
// grace is short, and within 2.5 to 3 s where a node is merely silent, at any size.
func TestDetectionDoesNotDependOnSize(t *testing.T) {
	sizes := []int{50, 300, 1000}
	if testing.Short() {
		sizes = sizes[:2]
	}
	if *long {
		sizes = append(sizes, 10_000)
	}
	f := func(how string, c Config, least, most float64) {
		t.Helper()
		for _, n := range sizes {
			c.Nodes, c.Seed, c.Crashes, c.Every = n, 1, min(n/5, 20), 0
			if n >= 1000 { // as many pairs, and less to simulate
				c.Crashes, c.Every = 3, 50*ms
			}
			r := must[Result](t)(Run(c))
			t.Logf("%s, %d nodes: suspect p50 %.0f p99 %.0f ms, dead p50 %.0f p99 %.0f ms", how, n, r.SuspectP50Ms, r.SuspectP99Ms, r.DeadP50Ms, r.DeadP99Ms)
			if r.SuspectP99Ms > 250 || r.DeadP50Ms < least || r.DeadP99Ms > most || r.FalseSuspect+r.FalseDead+r.Missed > 0 {
				t.Errorf("%s, %d nodes: %+v", how, n, r)
			}
		}
	}
	f("silent", Config{}, 2500, 3000)
	f("silent, short grace", Config{Grace: 300 * ms}, 0, 600)
	f("port closed", Config{Closed: true}, 0, 600)
}

// A stall of two seconds, of whatever part of the cluster, kills nobody.
func TestStallsOfTwoSecondsKillNobody(t *testing.T) {
	r := must[Result](t)(Run(Config{Nodes: 64, Seed: 3, Run: 30 * sched.Second, Pause: 2 * sched.Second, PauseEvery: 20 * sched.Second}))
	t.Logf("%d suspected", r.FalseSuspect)
	if r.FalseDead > 0 || r.FalseSuspect == 0 {
		t.Errorf("%+v", r)
	}
}

func TestIdleTrafficIsSmall(t *testing.T) {
	r := must[Result](t)(Run(Config{Nodes: 100, Seed: 1, Run: 5 * sched.Second}))
	if r.WireBytesPerNodePerS > 15000 || r.FalseSuspect > 0 || r.ProbeRounds < 100*8*20 {
		t.Errorf("%+v", r)
	}
}

// 5 % loss and stalls of 300 ms, one every five seconds on each node, kill nobody.
func TestLossAndPausesKillNobody(t *testing.T) {
	for _, pause := range []sched.Instant{0, 40 * ms, 300 * ms} {
		c := Config{Nodes: 64, Seed: 2, Run: 20 * sched.Second, Network: lan, Pause: pause}
		if c.Network.Loss = 0.05; pause > 0 {
			c.PauseEvery = 5 * sched.Second
		}
		r := must[Result](t)(Run(c))
		t.Logf("stalls of %d ms: %d rounds, %d suspected", pause/ms, r.ProbeRounds, r.FalseSuspect)
		if r.FalseDead > 0 || pause < 100*ms && r.FalseSuspect > 0 {
			t.Errorf("%+v", r)
		}
	}
}

func TestHalfOfAllDieAtOnce(t *testing.T) {
	for _, n := range []int{32, 300, 1000} {
		if n == 1000 && !*long {
			break
		}
		r := must[Mass](t)(MassDeath(Config{Nodes: n, Seed: 3, Grace: 300 * ms}, n/2, 20*sched.Second))
		t.Logf("%d nodes: %d ms", n, r.Took/ms)
		if r.Took > 2*sched.Second || r.FalseDead > 0 || !r.Done {
			t.Errorf("%d nodes: %+v", n, r)
		}
	}
}

func TestNineOfTenDieAtOnce(t *testing.T) {
	r := must[Mass](t)(MassDeath(Config{Nodes: 200, Seed: 3}, 180, 20*sched.Second))
	if t.Logf("%d ms", r.Took/ms); r.FalseDead > 0 || !r.Done {
		t.Errorf("%+v", r)
	}
}

func TestPartitionHeals(t *testing.T) {
	f := func(n, parts int, cut sched.Instant) {
		t.Helper()
		h := must[HealResult](t)(Partition(n, parts, 4, "lan", cut, 20*sched.Second, false))
		t.Logf("%d nodes in %d parts: apart after %d ms, first contact %d ms, healed %d ms", n, parts, h.Cut/ms, h.Contact/ms, h.Healed/ms)
		if h.Cut == 0 || h.Healed > 5*sched.Second || !h.Done || h.FalseDead > 0 {
			t.Errorf("%d nodes, %d parts: %+v", n, parts, h)
		}
	}
	f(4, 2, 60*sched.Second)
	f(10, 2, 60*sched.Second)
	f(100, 2, 60*sched.Second)
	f(99, 3, 20*sched.Second)
	if *long {
		f(1000, 2, 10*sched.Second)
	}
}

func TestOneWayCutHeals(t *testing.T) {
	h := must[HealResult](t)(Partition(60, 2, 5, "lan", 20*sched.Second, 20*sched.Second, true))
	if !h.Done || h.Healed > 5*sched.Second {
		t.Errorf("%+v", h)
	}
	t.Logf("%+v", h)
}

func TestSameSeedSameRun(t *testing.T) {
	c := Config{Nodes: 40, Seed: 9, Crashes: 5, Network: lan, PauseEvery: sched.Second, Pause: 50 * ms}
	c.Network.Loss = 0.1
	a, b := must[Result](t)(Run(c)), must[Result](t)(Run(c))
	if !reflect.DeepEqual(a, b) {
		t.Errorf("%+v\n%+v", a, b)
	}
}
