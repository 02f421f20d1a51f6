package delegate

import (
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

// Without loss each member is told once, whatever the size and the fan-out.
func TestEachIsToldOnce(t *testing.T) {
	for _, fanout := range []int{2, 3, 8, 32} {
		for _, n := range []int{1, 2, 3, 4, 5, 9, 33, 34, 64, 200, 1000} {
			w := newWorld(n, fanout, uint64(n))
			w.write(n/2, 3)
			w.run(w.now + ms)
			for _, x := range w.nodes {
				if x.held[n/2+1] != 3 || x.i != n/2 && x.got != 1 {
					t.Fatalf("%d members, fan-out %d: node %d holds %d, and was told %d times", n, fanout, x.i, x.held[n/2+1], x.got)
				}
				if x.tree.parcels.busy != 0 {
					t.Fatalf("%d members, fan-out %d: node %d waits for %d", n, fanout, x.i, x.tree.parcels.busy)
				}
			}
			if c := w.total(); w.sent != n-1 || c.DelegationsReplaced+c.DelegationsForged+c.DelegationsStale != 0 {
				t.Fatalf("%d members, fan-out %d: %d parcels, %+v", n, fanout, w.sent, c)
			}
		}
	}
}

// Frames are lost, in both directions: all are reached, by little more than was lost.
func TestLossIsMended(t *testing.T) {
	const seed = 9
	w := newWorld(300, 8, seed)
	w.lost = func(int, int) bool { return w.rand.Uint32n(20) == 0 }
	for v := uint64(1); v <= 20; v++ {
		w.write(int(v), v)
		w.run(w.now + 200*ms)
		w.check(t)
	}
	missing := 0
	for _, x := range w.nodes {
		for v := 1; v <= 20; v++ {
			if x.held[v+1] == 0 {
				missing++
			}
		}
	}
	if c := w.total(); missing > 0 || w.sent > 300*20*5/4 || c.DelegationsReplaced == 0 {
		t.Errorf("seed %d: %d are missing, %d parcels, %+v", seed, missing, w.sent, c)
	}
}

// Delegates are the same for as long as Anew, and then others. All authors have the same
// ones, but for the ranges that they stand in themselves: so what they tell them shares frames.
func TestDelegatesAreDrawn(t *testing.T) {
	w := newWorld(400, 8, 1)
	drawn := func(i int) (of map[Range]uint32) {
		n := w.nodes[i]
		of = map[Range]uint32{}
		n.tree.Learn(1, 0, 1)
		n.tree.Flush(w.now)
		for p := range n.peers {
			if s := n.peers[p].head; s != 0 {
				if x := n.tree.parcels.slot(s); !x.alone && w.ring.in(x.Range).n >= 400/8 {
					of[x.Range] = uint32(p)
				}
				n.tree.Skip(uint32(p))
			}
		}
		if len(of) != 7 {
			t.Fatalf("%d delegates", len(of))
		}
		return of
	}
	same := func(a, b map[Range]uint32) (n int) {
		for r := range a {
			if a[r] == b[r] {
				n++
			}
		}
		return n
	}
	first := drawn(0)
	if w.now += 200 * ms; same(drawn(0), first) != 7 {
		t.Error("they changed before Anew")
	}
	if n := same(drawn(1), drawn(0)); n < 6 {
		t.Errorf("of two authors %d are the same", n)
	}
	if w.now += sched.Second; same(drawn(0), first) > 3 {
		t.Error("they are the same after Anew")
	}
}

// Of more ranges than there are members, each has one: who writes tells all. Of fewer, so many
// go out as there are ranges, and those that they leave are told by others.
func TestDirect(t *testing.T) {
	for _, k := range []int{2, 16, 100, 199, 200, 1000} {
		w := newWorld(200, 8, 3)
		n := w.nodes[5]
		n.tree.Direct(k)
		w.write(5, 1)
		made := n.tree.parcels.busy
		if w.run(w.now + ms); made > 8*k || k > 100 && made < min(k-1, 199) || k >= 200 && made != 199 {
			t.Errorf("into %d: %d parcels", k, made)
		}
		for _, x := range w.nodes {
			if x.held[6] != 1 || x != n && x.got != 1 {
				t.Fatalf("into %d: node %d was told %d times", k, x.i, x.got)
			}
		}
	}
}

// Who misses an acknowledgement is replaced once the patience is over, loses its turn for
// Out, twice as long with each miss, and has it again with the first acknowledgement.
func TestWhoMissesLosesItsTurn(t *testing.T) {
	w := newWorld(100, 4, 3)
	deaf := -1
	w.lost = func(_, to int) bool { return to == deaf }
	n, v := w.nodes[0], uint64(0)
	delegates := func() (list []int) {
		before := make([]int, 100)
		for i, x := range w.nodes {
			before[i] = int(x.count.DelegationsTaken)
		}
		v++
		w.write(0, v)
		for p := range n.peers {
			if s := n.peers[p].head; s != 0 && !n.tree.parcels.slot(s).alone {
				list = append(list, p-1)
			}
		}
		w.run(w.now + 100*ms)
		return list
	}
	deaf = delegates()[0]
	if got := delegates(); got[0] != deaf || n.count.DelegationsReplaced != 1 {
		t.Fatalf("%d is not the delegate, %d were replaced", deaf, n.count.DelegationsReplaced)
	}
	for _, x := range w.nodes {
		if x.held[1] != v && x.i != deaf {
			t.Errorf("node %d holds %d", x.i, x.held[1])
		}
	}
	if q := &n.peers[deaf+1]; q.misses != 1 || q.out <= w.now || q.out > w.now+sched.Second {
		t.Errorf("one that missed once is out until %d at %d, after %d misses", q.out, w.now, q.misses)
	}
	for _, d := range delegates() {
		if d == deaf {
			t.Error("one that missed is a delegate again, at once")
		}
	}
	for range 10 {
		n.tree.miss(w.now, uint32(deaf+1))
	}
	if q := &n.peers[deaf+1]; q.out != w.now+sched.Second<<outMax {
		t.Errorf("after many misses it is out for %d", q.out-w.now)
	}
	deaf = -1
	v++
	for p := 1; p < len(n.peers); p++ { // a parcel for it alone
		if p == n.i+1 {
			continue
		}
		n.tree.queue(w.now, &parcel{to: v, origin: 1, peer: uint32(p), alone: true})
	}
	w.run(w.now + 100*ms)
	for p := range n.peers {
		if n.peers[p].misses != 0 {
			t.Errorf("node %d acknowledged, and has %d misses", p-1, n.peers[p].misses)
		}
	}
}

// One that is silent for ever is given up after a number of tries, and so is a range of
// which nobody answers.
func TestTriesEnd(t *testing.T) {
	w := newWorld(40, 4, 4)
	w.lost = func(from, _ int) bool { return from == 0 }
	w.write(0, 1)
	w.run(w.now + 10*sched.Second)
	c := w.total()
	if c.DelegationsLost == 0 || w.sent != int(c.DelegationsLost)*triesMax || w.nodes[0].tree.parcels.busy != 0 {
		t.Errorf("%d parcels, %+v", w.sent, c)
	}
}

// A dropper costs a time-out: with 5 % of them all others hold every write within 20 ms, of
// paths that are given 2 ms.
func TestDroppersCostATimeout(t *testing.T) {
	const seed = 12
	w := newWorld(400, 16, seed)
	drops := func(i int) bool { return i%20 == 7 }
	w.lost = func(_, to int) bool { return drops(to) }
	for v := uint64(1); v <= 10; v++ {
		i := int(v) * 30
		w.write(i, v)
		w.run(w.now + 20*ms)
		for _, x := range w.nodes {
			if !drops(x.i) && x.held[i+1] != v {
				t.Errorf("seed %d, write %d: node %d holds %d", seed, v, x.i, x.held[i+1])
			}
		}
	}
}

// Flushes that follow each other before an acknowledgement comes do not repeat what flies,
// and a parcel that has not left takes the next flush in.
func TestNewestFormLeaves(t *testing.T) {
	w := newWorld(3, 4, 5)
	n := w.nodes[0]
	w.write(0, 1)
	w.write(0, 2)
	for p := uint32(2); p <= 3; p++ {
		var x Parcel
		if !n.tree.Next(p, &x) || x.From != 0 || x.To != 2 || !x.Alone {
			t.Fatalf("%+v", x)
		}
		n.tree.Sent(w.now, p, 1, false) // the frame had room for half of it
		if !n.tree.Next(p, &x) || x.From != 1 || x.To != 2 {
			t.Fatalf("the rest is %+v", x)
		}
		n.tree.Sent(w.now, p, 2, false)
		if n.tree.Next(p, &x) {
			t.Fatalf("%+v is due too", x)
		}
	}
	w.write(0, 3)
	if x := (Parcel{}); !n.tree.Next(2, &x) || x.From != 2 {
		t.Errorf("%+v repeats what flies", x)
	}
	w.check(t)
}

// What was in a frame that is known to be lost leaves again at once, to the same member, and
// nothing else does; it ends after a number of tries as what is overdue does.
func TestLost(t *testing.T) {
	w := newWorld(40, 4, 5)
	n := w.nodes[0]
	w.write(0, 1)
	p, x := n.due[0], Parcel{}
	for i := range triesMax {
		if !n.tree.Next(p, &x) || x.To != 1 {
			t.Fatalf("try %d: %+v is due", i, x)
		}
		n.tree.Sent(w.now, p, 1, false)
		busy, lost := n.tree.parcels.busy, n.frames
		if n.tree.Lost(w.now, p); n.peers[p].head != 0 {
			t.Fatalf("try %d: nothing was lost, and it is due again", i)
		}
		n.missed = map[uint32]bool{lost: true}
		n.tree.Lost(w.now, p+1)
		n.tree.Lost(w.now, p)
		if due := n.peers[p].head != 0; due != (i < triesMax-1) || n.tree.parcels.busy != busy {
			t.Fatalf("try %d: due again: %v; %d parcels, %d before", i, due, n.tree.parcels.busy, busy)
		}
		w.check(t)
	}
	if n.count.DelegationsReplaced != 0 || n.peers[p].misses != 0 {
		t.Errorf("a frame that was lost is held against its receiver: %+v", n.count)
	}
}

// Gone hands ranges on at once, and leaves who went alone.
func TestGone(t *testing.T) {
	w := newWorld(100, 4, 6)
	n := w.nodes[0]
	w.write(0, 1)
	gone, busy := uint32(0), n.tree.parcels.busy
	for p := range n.peers {
		if s := n.peers[p].head; s != 0 && !n.tree.parcels.slot(s).alone {
			gone = uint32(p)
			break
		}
	}
	n.tree.Sent(w.now, gone, 1, false)
	n.tree.Gone(w.now, gone)
	if n.peers[gone].head != 0 || n.count.DelegationsReplaced != 1 || n.tree.parcels.busy != busy {
		t.Errorf("%+v, %d parcels", n.count, n.tree.parcels.busy)
	}
	w.check(t)
	w.run(w.now + ms)
	for _, x := range w.nodes {
		if x.held[1] != 1 {
			t.Errorf("node %d does not hold it", x.i)
		}
	}
}

// What there is no room for is counted.
func TestRoom(t *testing.T) {
	w := newWorld(40, 32, 7)
	n := w.nodes[0]
	n.tree.Init(Config{Flying: 8}, &n.tree.parts)
	w.write(0, 1)
	if all := n.count.DelegationsBusy + 8; all < 31 || all > 33 {
		t.Errorf("%d had no room", n.count.DelegationsBusy)
	}
	w.check(t)
	w.run(w.now + sched.Second)
	w.check(t)
	if n.tree.parcels.busy != 0 {
		t.Errorf("%d parcels wait for ever", n.tree.parcels.busy)
	}
}

// Forget takes an origin out wherever it is.
func TestForget(t *testing.T) {
	w := newWorld(40, 4, 8)
	n := w.nodes[0]
	w.write(0, 1)
	n.tree.Learn(2, 0, 1)
	n.tree.Forget(1)
	w.check(t)
	if n.tree.parcels.busy != 0 || n.tree.Waiting() != 1 {
		t.Errorf("%d parcels, %d wait", n.tree.parcels.busy, n.tree.Waiting())
	}
	n.tree.Forget(2)
	if n.tree.Waiting() != 0 {
		t.Error("news of an origin that is gone waits")
	}
}

func TestNothingAllocates(t *testing.T) {
	w := newWorld(200, 8, 9)
	n := w.nodes[0]
	lost := uint64(0)
	one := func() {
		w.now += ms
		n.held[1]++
		n.tree.Learn(1, n.held[1]-1, n.held[1])
		n.tree.Flush(w.now)
		for p := uint32(2); p <= 200; p++ {
			for x := (Parcel{}); n.tree.Next(p, &x); {
				n.tree.Sent(w.now, p, x.To, false)
				if lost++; lost%50 != 0 {
					n.tree.Answered(w.now, p, x.Serial, lost%40 != 0)
				}
			}
		}
		n.tree.Take(w.now, &Offer{
			Parcel: Parcel{Range: Range{w.place(0) - 1<<57, w.place(0) + 1<<57}, Origin: 2, From: n.held[2], News: n.held[2], To: n.held[2] + 1, Serial: 7},
			Peer:   3, Sender: w.place(0) + 1<<62, Author: w.place(0) + 1<<62, Before: n.held[2], Held: n.held[2] + 1,
		})
		n.held[2]++
		n.tree.Answer(3, true)
		n.tree.Expire(w.now)
		n.due, n.alarm = n.due[:0], sched.Never
	}
	for range 2000 {
		one()
	}
	if a := testing.AllocsPerRun(1000, one); a != 0 {
		t.Errorf("%v allocations", a)
	}
	if n.count.DelegationsReplaced == 0 || n.count.DelegationsTaken == 0 || n.count.DelegationsRefused == 0 {
		t.Errorf("%+v", n.count)
	}
}

func BenchmarkFlush(b *testing.B) {
	w := newWorld(1000, 32, 9)
	n := w.nodes[0]
	b.ReportAllocs()
	for b.Loop() {
		w.now += ms
		n.held[1]++
		n.tree.Learn(1, n.held[1]-1, n.held[1])
		n.tree.Flush(w.now)
		for _, p := range n.due {
			for x := (Parcel{}); n.tree.Next(p, &x); {
				n.tree.Sent(w.now, p, x.To, false)
				n.tree.Answered(w.now, p, x.Serial, true)
			}
		}
		n.due = n.due[:0]
	}
}
