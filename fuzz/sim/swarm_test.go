package sim

import (
	"context"
	"flag"
	"math/rand/v2"
	"runtime"
	"testing"
	"time"

	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	firstFlag  = flag.Uint64("sim.first", 1_000_000, "first seed of the swarm; 0: a fresh one")
	seedsFlag  = flag.Int("sim.seeds", 8, "seeds of the swarm")
	replayFlag = flag.String("sim.replay", "", "run this instead of the swarm")
)

// TestSwarm runs a few seeds more. Fresh ones are for fuzz/night and qn sim --swarm: what they find
// is seldom the fault of the change that is being tested. Run a failure again with -sim.replay.
func TestSwarm(t *testing.T) {
	if *replayFlag != "" {
		r, err := ParseReplay(*replayFlag)
		if err != nil {
			t.Fatal(err)
		}
		out := r.Run()
		t.Logf("%s", out.Plan.Text())
		if out.Violation != nil {
			t.Fatal(out.Violation)
		}
		return
	}
	first := *firstFlag
	if first == 0 {
		first = rand.Uint64() >> 16
	}
	hunt(t, first, *seedsFlag)
}

// TestFixedSeeds runs the same seeds each time. They have batches and leases, renewed ones, and
// keys that are hidden before they are deleted, and members that lie.
func TestFixedSeeds(t *testing.T) {
	s := hunt(t, 1, 60)
	t.Logf("%d batches, %d leases, %d renewals, %d ends; %d keys seen hidden, %d kept by renewals; %d lies",
		s.Batches, s.Leases, s.Renewals, s.Ends, s.Hidden, s.Kept, s.Lies)
	if min(s.Batches, s.Leases, s.Renewals, s.Ends, s.Hidden, s.Kept, s.Lies) == 0 {
		t.Errorf("something did not happen: %+v", s)
	}
}

// TestSeedsThatFoundSomething runs the seeds whose plans broke a law once.
func TestSeedsThatFoundSomething(t *testing.T) {
	for _, seed := range []uint64{
		0x59,       // an answer in the order of breadth was empty where only dead words were left
		0x895512,   // what the dead left is above the limit of small nodes
		0x3d100075, // short lives that ended while a member was cut off filled it up
		0x52000099, // who was restarted heard of the dead, forgot them, and heard of them again
		0x6600003d, // parcels for one who died were sent again after all were equal, and nobody there misses the dead
		0x41900001, // digests of a precise order took all of a small receive rate, and what they found waited
		0x91000008, // entries that went as parts of a log, after an audit, were not counted
		0xa1000098, // updates that take more than a frame were offered for ever, and what no update tells waited
		0x13c3,     // a member of whom a liar had said that it left was nobody's partner any more
	} {
		hunt(t, seed, 1)
	}
}

// hunt runs seeds, and sums up what went together and what lived by leases.
func hunt(t *testing.T, first uint64, seeds int) (sum Stats) {
	s := Swarm{
		First: first, Seeds: seeds, Budget: time.Hour, Workers: runtime.GOMAXPROCS(0), Shrink: 20 * time.Second, Most: 5,
		Done: func(f *Finding) {
			sum.bound(&f.Outcome.Stats)
			if v := f.Outcome.Violation; v != nil {
				t.Errorf("%v\n%sgo run ./tools/qn sim --replay %s", v, f.Outcome.Plan.Text(), f.Replay.String())
			}
		},
	}
	runs, failures := s.Run(context.Background())
	t.Logf("seeds from %d: %d runs, %d failures", first, runs, failures)
	return sum
}

// bound adds what another run bound together.
func (s *Stats) bound(t *Stats) {
	s.Batches, s.Leases, s.Renewals, s.Ends = s.Batches+t.Batches, s.Leases+t.Leases, s.Renewals+t.Renewals, s.Ends+t.Ends
	s.Hidden, s.Kept, s.Lies = s.Hidden+t.Hidden, s.Kept+t.Kept, s.Lies+t.Lies
}

// TestSeedsRepeat: every seed is one run, bit by bit.
func TestSeedsRepeat(t *testing.T) {
	for seed := uint64(1); seed <= 12; seed++ {
		if a, b := Try(NewPlan(seed)), Try(NewPlan(seed)); a.Hash != b.Hash || a.Stats != b.Stats {
			t.Errorf("seed %d: %x and %x", seed, a.Hash, b.Hash)
		}
	}
}

func TestReplayWords(t *testing.T) {
	f := func(r Replay, want string) {
		t.Helper()
		if got := r.String(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
		back, err := ParseReplay(want)
		if err != nil || back.String() != want {
			t.Errorf("%s comes back as %s, %v", want, back.String(), err)
		}
	}
	f(Replay{Seed: 0x4f3a}, "p6.s4f3a")
	f(Replay{Seed: 1, Hash: 255, Cut: Cut{Nodes: 2, Until: 1800, Slower: 2, Some: true, Faults: []int{0, 4}}}, "p6.s1.n2.t1800.w2.f0,4.hff")
	f(Replay{Seed: 1, Cut: Cut{Some: true}}, "p6.s1.f")
	f(Replay{Seed: 1, Cut: Cut{Honest: true}}, "p6.s1.l")
	for _, bad := range []string{"", "4f3a", "p5.s1", "p6.sxyz", "p6.s1.n500", "p6.s1.n1", "p6.s1.q", "p6.s1..", "p6.s1.fx", "p6.s1.l1"} {
		if _, err := ParseReplay(bad); err == nil {
			t.Errorf("%q was believed", bad)
		}
	}
}

// found are plans that broke a law once, each named after the fault in the code
// that it showed. A change in the code may make another run of them; they still
// cost little.
var found = []struct {
	fault string
	plan  Plan
}{
	{"a leave without a detector was a nil dereference", Plan{
		Seed: 0xe, Nodes: 6, Until: 2 * sched.Second, Gap: 2 * sched.Millisecond, Keys: 2, Value: 4,
		Node:   NodePlan{Frame: 1287, Interval: 139 * sched.Millisecond, NoDetector: true},
		Faults: []Fault{{Kind: Leaves, At: sched.Second, For: sched.Second, Node: 3}, {Kind: Leaves, At: 1200 * sched.Millisecond, For: sched.Second}},
	}},
	{"with one free job an empty answer kept the question from being asked", Plan{
		Seed: 0x13a, Nodes: 3, Until: sched.Second, Gap: 120 * sched.Millisecond, Keys: 7, Value: 10,
		Node: NodePlan{Spread: tune.SpreadGossip, Mixed: true, Frame: 1438, Interval: 53 * sched.Millisecond, Jobs: 1},
	}},
	{"an author's held writes are above its own max", Plan{
		Seed: 0xcb69a5d22b17, Nodes: 3, Until: 410 * sched.Millisecond, Gap: 283 * sched.Microsecond, Keys: 30, Value: 600,
		Node: NodePlan{Mode: tune.ModePull, Frame: 1283, Interval: 120 * sched.Millisecond, MailMax: 1},
	}},
	{"members that held each other dead echoed each other's probes", Plan{
		Seed: 0x37, Nodes: 8, Until: 815 * sched.Millisecond, Gap: 256 * sched.Millisecond, Keys: 13, Value: 177,
		Node: NodePlan{Spread: tune.SpreadMail, Mode: tune.ModePush, Frame: 1204, Interval: 23 * sched.Millisecond, Young: true},
		Faults: []Fault{
			{Kind: Clogs, At: 157 * sched.Millisecond, For: 572 * sched.Millisecond, Mask: 0x99},
			{Kind: Clogs, At: 122 * sched.Millisecond, For: 693 * sched.Millisecond, Mask: 0xc5},
		},
	}},
}

func TestFound(t *testing.T) {
	for _, f := range found {
		f.plan.Link = lan
		for i := range f.plan.Faults {
			f.plan.Rough = append(f.plan.Rough, i)
		}
		if out := Try(&f.plan); out.Violation != nil {
			t.Errorf("%s: %v", f.fault, out.Violation)
		}
	}
}

// TestFewActive: where nodes keep the keys of four peers, and so those of whoever they are not with at
// the moment are made again and again, the laws hold as ever.
func TestFewActive(t *testing.T) {
	seeds := uint64(60)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		p := NewPlan(0x18000000 + seed)
		p.Node.Sealed, p.Node.Active, p.Lies = true, 4, LiePlan{}
		if out := Try(p); out.Violation != nil {
			t.Errorf("%s: %v", p.Text(), out.Violation)
		}
	}
}
