package core

import (
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/engine/walk"
	"github.com/quidnunc/quidnunc/sched"
)

// ringNet is n nodes that know each other, each with data that nobody else has:
// nothing but ring repair moves it.
func ringNet(t *testing.T, n int, seed uint64, cfg func(c *Config)) *net {
	w := newNet(t, n, seed, func(_ int, c *Config) {
		c.Spread, c.Interval, c.Experiment.NoDetector = tune.SpreadGossip, 3600*sched.Second, true
		if cfg != nil {
			cfg(c)
		}
	})
	for i := range n {
		for j := range n {
			if i != j {
				w.nodes[i].core.Join(w.now, addrOf(j))
				w.pump(w.nodes[i])
			}
		}
	}
	w.run(3 * sched.Second)
	for i := range n {
		for k := range 5 {
			w.set(i, fmt.Sprint("key", k), fmt.Sprint("of ", i))
		}
	}
	w.run(sched.Second)
	for _, d := range w.nodes {
		if d.core.roster.Reach() != n-1 {
			t.Fatalf("node %d reaches %d", d.i, d.core.roster.Reach())
		}
	}
	return w
}

// byID gives the nodes in the order of the ring, beginning with one of them.
func (w *net) byID(first *node) []*node {
	ring := slices.Clone(w.nodes)
	slices.SortFunc(ring, func(a, b *node) int {
		if a.core.me.ID < b.core.me.ID {
			return -1
		}
		return 1
	})
	for ring[0] != first {
		ring = append(ring[1:], ring[0])
	}
	return ring
}

func (d *node) has(o codec.OriginID) bool {
	h := d.core.store.Find(o)
	return h != 0 && d.core.store.Max(h) > 0
}

// TestThreeReplicasAreEqualAfterFourHopsNotThree: A repairs B, B repairs C, C
// repairs A, and only when A has repaired B again does B hold what C had.
func TestThreeReplicasAreEqualAfterFourHopsNotThree(t *testing.T) {
	w := ringNet(t, 3, 4, nil)
	a := w.nodes[1]
	ring := w.byID(a)
	if w.equal() {
		t.Fatal("equal before")
	}
	if !a.core.StartRepair(w.now) {
		t.Fatal("not started")
	}
	w.pump(a)
	hops := uint32(0)
	for range 100000 {
		tok, s := a.core.Parts().Repair.Progress(w.now)
		if tok.Hop == 3 && hops < 3 {
			if w.equal() || ring[1].has(ring[2].core.me.ID) {
				t.Error("equal after 3 hops already")
			}
		}
		if hops = tok.Hop; s == walk.StateDone {
			break
		}
		if !w.step(w.now + 10*sched.Second) {
			break
		}
	}
	if tok, s := a.core.Parts().Repair.Progress(w.now); s != walk.StateDone || tok.Hop != 4 || tok.Hops != 4 || !w.equal() {
		t.Fatalf("%+v, state %d, equal %v", tok, s, w.equal())
	} else {
		t.Logf("%+v", tok)
		if tok.Copied != 6 || tok.Patched != 0 || tok.Entries != 30 {
			t.Errorf("copied %d, patched %d, entries %d: want 6, 0, 30", tok.Copied, tok.Patched, tok.Entries)
		}
	}
	w.compare()
}

// walk runs the walk of a node to its end.
func (w *net) walk(d *node, limit sched.Instant) walk.State {
	w.t.Helper()
	if !d.core.StartRepair(w.now) {
		w.t.Fatal("not started")
	}
	w.pump(d)
	for end := w.now + limit; w.now < end; {
		if _, s := d.core.Parts().Repair.Progress(w.now); s != walk.StateWalking {
			return s
		}
		w.step(min(end, w.now+100*sched.Millisecond))
	}
	return walk.StateWalking
}

func TestRingRepairMakesNReplicasEqual(t *testing.T) {
	for _, n := range []int{2, 5, 12} {
		for _, loss := range []float64{0, 0.2} {
			t.Run(fmt.Sprint(n, " loss ", loss), func(t *testing.T) {
				const seeds = 5
				skipped := 0
				for seed := range uint64(seeds) {
					w := ringNet(t, n, uint64(n)+seed, nil)
					w.loss = loss
					start := w.now
					if s := w.walk(w.nodes[n/2], 60*sched.Second); s != walk.StateDone {
						t.Fatalf("state %d", s)
					}
					tok, _ := w.nodes[n/2].core.Parts().Repair.Progress(w.now)
					t.Logf("%d µs %+v", (w.now-start)/sched.Microsecond, tok)
					if tok.Skipped > 0 { // a fifth is lost both ways: one walk of twenty finds somebody silent
						skipped++
						continue
					}
					if tok.Hop != uint32(2*(n-1)) || !w.equal() {
						t.Errorf("%d hops, equal %v", tok.Hop, w.equal())
					}
					w.compare()
				}
				if skipped > 0 && loss == 0 || skipped > seeds/2 {
					t.Errorf("%d of %d walks left somebody out", skipped, seeds)
				}
			})
		}
	}
}

// TestRingRepairCopiesWholeAndPatches: a replica that misses an origin gets it
// whole, one that is behind gets the difference; large ones take many frames.
func TestRingRepairCopiesWholeAndPatches(t *testing.T) {
	w := ringNet(t, 3, 9, func(c *Config) { c.Experiment.Frames = 2 })
	for k := range 400 {
		w.set(0, fmt.Sprint("large", k), string(make([]byte, 100)))
	}
	if s := w.walk(w.nodes[0], 60*sched.Second); s != walk.StateDone || !w.equal() {
		t.Fatalf("state %d, equal %v", s, w.equal())
	}
	for k := range 7 {
		w.set(0, fmt.Sprint("large", k), "less")
	}
	if s := w.walk(w.nodes[2], 60*sched.Second); s == walk.StateDone {
		t.Log("a second walk while the first is remembered")
	}
	if tok, _ := w.nodes[2].core.Parts().Repair.Progress(w.now); !w.equal() || tok.Copied != 0 || tok.Patched != 2 || tok.Entries != 14 {
		t.Errorf("%+v, equal %v", tok, w.equal())
	}
	w.compare()
}

// TestRingRepairSkipsADeadMember that all believe to be there.
func TestRingRepairSkipsADeadMember(t *testing.T) {
	for dead := 1; dead < 5; dead++ {
		w := ringNet(t, 5, 3, nil)
		ring := w.byID(w.nodes[0])
		ring[dead].down = true
		if s := w.walk(w.nodes[0], 120*sched.Second); s != walk.StateDone {
			t.Fatalf("state %d", s)
		}
		tok, _ := w.nodes[0].core.Parts().Repair.Progress(w.now)
		if tok.Skipped == 0 || !w.equal() {
			t.Errorf("dead %d: %+v, equal %v", dead, tok, w.equal())
		}
	}
}

// TestALostTokenIsNoticed: the holder dies with it; the starter finds out, and
// another walk repairs the rest.
func TestALostTokenIsNoticed(t *testing.T) {
	w := ringNet(t, 5, 3, nil)
	ring := w.byID(w.nodes[0])
	w.afterFrame = func(d *node) { // the second one takes it, and dies
		if d == ring[2] && d.core.counters.RepairHops > 0 {
			d.down = true
		}
	}
	if s := w.walk(w.nodes[0], 120*sched.Second); s != walk.StateLost {
		t.Fatalf("state %d, not lost", s)
	}
	w.afterFrame = nil
	w.nodes[0].core.Parts().Repair.End()
	if s := w.walk(w.nodes[0], 120*sched.Second); s != walk.StateDone || !w.equal() {
		t.Fatalf("state %d, equal %v", s, w.equal())
	}
}

// TestRingRepairUnderWrites ends although everybody writes all the time.
func TestRingRepairUnderWrites(t *testing.T) {
	w := ringNet(t, 4, 6, nil)
	if !w.nodes[0].core.StartRepair(w.now) {
		t.Fatal("not started")
	}
	w.pump(w.nodes[0])
	end, k := w.now+30*sched.Second, 0
	for w.now < end {
		if _, s := w.nodes[0].core.Parts().Repair.Progress(w.now); s == walk.StateDone {
			break
		}
		w.set(k%4, "busy", fmt.Sprint(k))
		k++
		w.run(100 * sched.Microsecond)
	}
	if tok, s := w.nodes[0].core.Parts().Repair.Progress(w.now); s != walk.StateDone {
		t.Fatalf("state %d, %+v", s, tok)
	}
	for _, d := range w.nodes {
		for _, o := range w.nodes {
			if !d.has(o.core.me.ID) {
				t.Errorf("node %d has nothing of node %d", d.i, o.i)
			}
		}
	}
}

// TestPeriodicRepairWalksOnce: one walk a period, not one for each member.
func TestPeriodicRepairWalksOnce(t *testing.T) {
	w := ringNet(t, 6, 8, func(c *Config) { c.RepairEvery = 20 * sched.Second })
	hops := func() (n uint64) { return w.sum(func(c *Counters) uint64 { return c.RepairHops }) }
	w.run(25 * sched.Second)
	if !w.equal() || hops() < 9 || hops() > 20 {
		t.Errorf("%d hops, equal %v", hops(), w.equal())
	}
}

// TestRingRepairDoesNotAllocate: walks of two that differ by a write each time.
func TestRingRepairDoesNotAllocate(t *testing.T) {
	w := ringNet(t, 2, 21, nil)
	if s := w.walk(w.nodes[0], 10*sched.Second); s != walk.StateDone {
		t.Fatal(s)
	}
	x := newPump(w, "key0")
	x.a.Parts().Repair.End()
	one := func() {
		x.write(t)
		if !x.a.StartRepair(x.now) {
			t.Fatal("not started")
		}
		for range 8 {
			x.there()
			x.back()
		}
		if _, s := x.a.Parts().Repair.Progress(x.now); s != walk.StateDone {
			t.Fatalf("state %d", s)
		}
		x.a.Parts().Repair.End()
		x.tick()
	}
	for range 1000 {
		one()
	}
	if n := testing.AllocsPerRun(1000, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
	if got := x.held(); got != x.version {
		t.Errorf("the other side has %d of %d", got, x.version)
	}
}
