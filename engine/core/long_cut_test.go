package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// TestACutLongerThanEveryAgeHeals: 26 hours with the ages as they are, which is longer than the
// dead are remembered and kept out together: between two, and for a member of three that was
// suspended. Nobody is told an address, and within 5 s of its end all are one cluster again in
// which everybody has what the others wrote meanwhile.
func TestACutLongerThanEveryAgeHeals(t *testing.T) {
	const cut = 26 * 3600 * sched.Second
	for _, x := range []struct {
		n      int
		asleep bool
	}{{2, false}, {2, true}, {3, true}} {
		t.Run(fmt.Sprintf("of %d, asleep %v", x.n, x.asleep), func(t *testing.T) {
			if x.n > 2 && testing.Short() {
				t.Skip("26 hours of two members that watch each other: not asked with -short")
			}
			w := newNet(t, x.n, 26, nil)
			w.joinAll()
			w.converge(5 * sched.Second)
			ages := w.nodes[0].core.cfg.Detector
			if ages.DeadAge+ages.GraveAge >= cut {
				t.Fatalf("the ages are %d s and %d s", ages.DeadAge/sched.Second, ages.GraveAge/sched.Second)
			}
			w.nodes[1].core.Parts().Door.Seeds.Remove(w.nodes[0].addr)
			if x.asleep {
				w.nodes[0].asleep = w.now + cut
				w.filter = func(from, to *node, _ []byte) bool { return from.asleep <= w.now && to.asleep <= w.now } // its socket is full
			} else {
				w.linked = func(from, to int) bool { return (from == 0) == (to == 0) }
			}
			w.run(cut / 2)
			w.set(1, "during", "the cut")
			if w.run(cut - cut/2); w.nodes[1].core.roster.Used() != x.n-2 {
				t.Fatalf("it was too short: %d members are remembered", w.nodes[1].core.roster.Used())
			}
			w.linked, w.filter = nil, nil
			start := w.now
			for w.now < start+5*sched.Second && !(w.oneCluster() && w.equal()) {
				w.run(10 * sched.Millisecond)
			}
			if !w.oneCluster() || !w.equal() {
				t.Fatal("5 s after its end it is not healed")
			}
			w.compare()
		})
	}
}
