package core

import (
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/engine/member"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// oneWay cuts the path from one node to another, and not the way back.
func (w *net) oneWay(from, to int) {
	w.linked = func(a, b int) bool { return a != from || b != to }
}

// writeAll lets every node write, 20 times a second each.
func (w *net) writeAll(span sched.Instant) {
	for end := w.now + span; w.now < end; w.run(50 * sched.Millisecond) {
		for i, d := range w.nodes {
			w.set(i, fmt.Sprint("k", d.version%24), fmt.Sprint(d.version))
		}
	}
}

// TestAOneWayCutKeepsNothingBack: where frames of a writer don't reach a replica, all that it
// writes comes there by others, for as long as the cut lasts and however news is spread. The
// replica alone doubts the writer, whose answers it lacks; the detector finds everybody alive.
func TestAOneWayCutKeepsNothingBack(t *testing.T) {
	const writer, replica = 2, 0
	for _, x := range []struct {
		name string
		tune.Options
	}{
		{"mail", tune.Options{Spread: tune.SpreadMail}},
		{"rumor", tune.Options{Spread: tune.SpreadRumor}},
		{"gossip", tune.Options{Spread: tune.SpreadGossip}},
		{"delegates", tune.Options{Spread: tune.SpreadDelegated}},
		{"pull", tune.Options{Mode: tune.ModePull}},
		{"precise", tune.Options{Order: tune.OrderPreciseNewest}},
	} {
		t.Run(x.name, func(t *testing.T) {
			w := newNet(t, 6, 97, func(_ int, c *Config) { c.Options = x.Options })
			w.joinAll()
			w.writeAll(2 * sched.Second)
			w.converge(2 * sched.Second)
			w.oneWay(writer, replica)
			at, author := &w.nodes[replica].core, w.nodes[writer]
			o := at.store.Find(author.core.me.ID)
			for range 11 {
				had := author.version
				w.writeAll(sched.Second / 2)
				if here := at.differ.Reached(o); here < had {
					t.Errorf("%d s: of what was written %d versions ago nothing has come: %d of %d", w.now/sched.Second, author.version-had, here, had)
				}
			}
			w.run(2 * sched.Second)
			for i, d := range w.nodes {
				if d.core.Fingerprint() != author.core.Fingerprint() {
					t.Errorf("2 s after the last write node %d differs from the writer", i)
				}
				for j := range w.nodes {
					if i != j && w.statusOf(i, j) != member.Alive {
						t.Errorf("node %d finds %d %v", i, j, w.statusOf(i, j))
					}
					if p := d.core.roster.Find(w.nodes[j].core.me.ID); p != 0 && d.core.peers[p].Quiet() && (i != replica || j != writer) {
						t.Errorf("node %d doubts %d", i, j)
					}
				}
			}
			w.linked = nil
			w.run(2 * sched.Second)
			if !w.oneCluster() {
				t.Error("2 s after its end somebody is not reached")
			}
		})
	}
}

// TestAOneWayCutMendsTheSleeper: whoever slept below a floor is whole again though its
// questions to the owner are not answered, and everybody tells that the owner lives.
func TestAOneWayCutMendsTheSleeper(t *testing.T) {
	w, dead := sleepers(t, 4, 95, 1000, 50)
	w.oneWay(0, 3)
	owner, sleeper := &w.nodes[0].core, &w.nodes[3].core
	o, was := sleeper.store.Find(owner.me.ID), false
	for end := w.now + 5*sched.Second; w.now < end && !(was && w.equal()); w.run(10 * sched.Millisecond) {
		was = was || sleeper.store.Dirty(o)
	}
	if !was || sleeper.store.Dirty(o) || !w.equal() {
		t.Fatalf("was dirty: %v; is: %v; %d keys mended", was, sleeper.store.Dirty(o), sleeper.counters.Mended)
	}
	for _, k := range dead {
		if sleeper.store.Lives(o, []byte(k)) {
			t.Fatalf("%s is back", k)
		}
	}
}
