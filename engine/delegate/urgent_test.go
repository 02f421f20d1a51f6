package delegate

import "testing"

// Urgent news goes over two trees where frames are lost, so that nearly each member is told by two,
// and over one where a time-out is rare. Nobody takes the second for a forgery.
func TestUrgentNewsGoesOverTwoTrees(t *testing.T) {
	for _, n := range []int{1, 2, 9, 40, 300} {
		for _, loss := range []int32{0, 1 << 16 / 100, 1 << 16 / 20} {
			w := newWorld(n, 8, uint64(n))
			x := w.nodes[n/2]
			x.tree.Learn(uint32(n/2+1), 0, 1)
			x.tree.Urge(uint32(n/2+1), loss)
			x.held[n/2+1] = 1
			x.tree.Flush(w.now)
			w.run(w.now + ms)
			twice := 0
			for _, y := range w.nodes {
				if y.held[n/2+1] != 1 || y != x && (y.got < 1 || y.got > 2) {
					t.Fatalf("%d members, loss %d: node %d was told %d times", n, loss, y.i, y.got)
				}
				if y.got == 2 {
					twice++
				}
			}
			if c := w.total(); c.DelegationsForged+c.DelegationsReplaced+c.DelegationsLost != 0 {
				t.Errorf("%d members: %+v", n, c)
			}
			if lossy := loss*int32(x.tree.depth()) >= twiceFrom; !lossy && twice > 0 || lossy && n >= 300 && twice < n*3/4 {
				t.Errorf("%d members, loss %d: %d were told twice", n, loss, twice)
			}
		}
	}
}

// A frame that is lost on one of the two ways costs no time-out: with one of two delegates deaf, all
// hold the news before any patience is over.
func TestUrgentNewsDoesNotWaitForTimeouts(t *testing.T) {
	missing := func(urgent bool) (n int) {
		w := newWorld(300, 8, 5)
		x := w.nodes[0]
		x.tree.Learn(1, 0, 1)
		if urgent {
			x.tree.Urge(1, twiceFrom)
		}
		x.held[1] = 1
		x.tree.Flush(w.now)
		first := true
		w.lost = func(from, to int) bool { // the first frame to a delegate
			lost := first && from == 0
			first = first && !lost
			return lost
		}
		w.run(w.now + patience/2)
		for _, y := range w.nodes {
			if y.held[1] == 0 {
				n++
			}
		}
		return n
	}
	if one, two := missing(false), missing(true); one < 20 || two > one/4 {
		t.Errorf("before a time-out %d wait for news over one tree, %d over two", one, two)
	}
}

// Levels of a tree are counted as it is cut.
func TestDepth(t *testing.T) {
	f := func(members, own, fanout, want int) {
		t.Helper()
		w := newWorld(members, fanout, 1)
		x := &w.nodes[0].tree
		if x.Direct(own); x.depth() != want {
			t.Errorf("%d members, %d told directly, then %d: %d levels, want %d", members, own, fanout, x.depth(), want)
		}
	}
	f(1, 0, 8, 0)
	f(2, 0, 8, 1)
	f(9, 0, 8, 1)
	f(10, 0, 8, 2)
	f(73, 0, 8, 2)
	f(74, 0, 8, 3)
	f(200, 1000, 8, 1)
}
