package walk

import (
	"fmt"
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// loop is a ring of replicas, each a set of items, that drives the walkers as an
// engine does. Tokens travel at once unless lose says otherwise.
type loop struct {
	t       *testing.T
	ring    []codec.OriginID
	walkers map[codec.OriginID]*Walker
	has     map[codec.OriginID]map[int]bool
	dead    map[codec.OriginID]bool
	hops    int
	twice   bool // every token comes twice
}

func newLoop(t *testing.T, n int) *loop {
	l := &loop{
		t: t, walkers: map[codec.OriginID]*Walker{}, has: map[codec.OriginID]map[int]bool{},
		dead: map[codec.OriginID]bool{},
	}
	for i := range n {
		id := codec.OriginID(1000*i + 7)
		l.ring = append(l.ring, id)
		l.walkers[id] = new(Walker)
		l.walkers[id].Init(id)
		l.has[id] = map[int]bool{i: true} // disjoint data
	}
	return l
}

// hop runs one hop from the holder and returns the next holder, 0 at the end.
func (l *loop) hop(at codec.OriginID) codec.OriginID {
	w := l.walkers[at]
	peer := w.Repairs(0, l.ring)
	for peer != 0 && l.dead[peer] {
		if !w.Missed(0, l.ring) {
			return 0
		}
		peer = w.Repairs(0, l.ring)
	}
	if peer == 0 {
		return 0
	}
	sent := 0
	for item := range l.has[at] {
		if !l.has[peer][item] {
			l.has[peer][item] = true
			sent++
		}
	}
	token := w.Repaired(0, 0, 1, uint64(sent))
	l.hops++
	next := l.walkers[peer]
	took := next.Take(&token)
	if l.twice {
		if again := next.Take(&token); again != Repeated {
			l.t.Errorf("a token that came twice was %d", again)
		}
	}
	if !w.Confirmed(peer, token.Walk, token.Hop) || w.Confirmed(peer, token.Walk, token.Hop) {
		l.t.Error("a hop is not confirmed exactly once")
	}
	l.walkers[token.Starter].News(&token, sched.Instant(l.hops))
	if took == Finished {
		return 0
	}
	return peer
}

func (l *loop) equal() bool {
	for id, items := range l.has {
		if !l.dead[id] && len(items) < len(l.ring)-len(l.dead) {
			return false
		}
	}
	return true
}

func TestThreeReplicasNeedFourHops(t *testing.T) {
	l := newLoop(t, 3)
	start := l.ring[0]
	if !l.walkers[start].Start(1, l.ring, 0, 100) {
		t.Fatal("did not start")
	}
	at := start
	for range 3 {
		at = l.hop(at)
	}
	if l.equal() || l.has[l.ring[1]][2] {
		t.Fatal("equal after 3 hops already")
	}
	if at = l.hop(at); at != 0 || !l.equal() {
		t.Fatalf("not equal after 4 hops: %v", l.has)
	}
	got, done := l.walkers[start].Progress()
	if !done || got.Hop != 4 || got.Entries != 1+2+2+1 {
		t.Errorf("progress %+v, done %v", got, done)
	}
}

func TestRingRepairInTwiceNHops(t *testing.T) {
	for n := 1; n <= 20; n++ {
		for _, start := range []int{0, n / 2, n - 1} {
			l := newLoop(t, n)
			l.twice = n%2 == 0
			id := l.ring[start]
			l.walkers[id].Start(uint64(n), l.ring, 0, 100)
			for at := id; at != 0 && n > 1; {
				at = l.hop(at)
			}
			if _, done := l.walkers[id].Progress(); !done || !l.equal() || l.hops != 2*(n-1) {
				t.Errorf("n=%d from %d: %d hops, equal %v", n, start, l.hops, l.equal())
			}
		}
	}
}

// Dead members that the views still show are skipped, and the living are equal.
func TestRingRepairSkipsTheDead(t *testing.T) {
	for _, dead := range [][]int{{1}, {4}, {2, 3}, {1, 3}, {1, 2, 3, 4}} {
		t.Run(fmt.Sprint(dead), func(t *testing.T) {
			l := newLoop(t, 5)
			for _, d := range dead {
				l.dead[l.ring[d]] = true
			}
			id := l.ring[0]
			l.walkers[id].Start(1, l.ring, 0, 100)
			for at := id; at != 0; {
				at = l.hop(at)
			}
			token, done := l.walkers[id].Progress()
			if len(dead) == 4 {
				if done || l.hops != 0 || l.walkers[id].held[0].token.Walk != 0 {
					t.Errorf("a walk without anybody: %+v", token)
				}
				return
			}
			if !done || !l.equal() || token.Skipped == 0 || l.hops > 8 {
				t.Errorf("%d hops, token %+v, done %v", l.hops, token, done)
			}
		})
	}
}

func TestWalkIsLostAndStartedAgain(t *testing.T) {
	var w Walker
	w.Init(7)
	ring := []codec.OriginID{7, 8, 9}
	w.Start(1, ring, 0, 50)
	if w.Start(2, ring, 0, 50) {
		t.Error("two own walks")
	}
	w.Repairs(0, ring)
	token := w.Repaired(0, 0, 0, 0)
	w.Confirmed(8, 1, 1)
	w.News(&token, 30)
	if w.Lost(79) || !w.Lost(80) {
		t.Error("patience is not from the last news")
	}
	w.News(&codec.Token{Walk: 1, Hop: 1, Hops: 4}, 70) // no progress
	w.News(&codec.Token{Walk: 1, Hop: 4, Hops: 9}, 70) // another length
	if !w.Lost(80) {
		t.Error("old news kept it alive")
	}
	w.End()
	if !w.Start(2, ring, 80, 50) {
		t.Error("no second walk")
	}
}

func TestWalkerIsBounded(t *testing.T) {
	var w Walker
	w.Init(7)
	for i := range uint64(100) {
		want := Taken
		if i >= WalksMax {
			want = Busy
		}
		if got := w.Take(&codec.Token{Walk: i + 1, Starter: 9, Hops: 4}); got != want {
			t.Fatalf("token %d: %d", i, got)
		}
	}
}

func TestCompareCopies(t *testing.T) {
	f := func(mine, theirs Copy, want Relation, from uint64) {
		t.Helper()
		if r, at := Compare(mine, theirs); r != want || at != from {
			t.Errorf("%v and %v: %d from %d", mine, theirs, r, at)
		}
	}
	f(Copy{9, 2}, Copy{9, 2}, Level, 9)
	f(Copy{9, 2}, Copy{0, 0}, Absent, 0)
	f(Copy{9, 2}, Copy{5, 0}, Differs, 5)
	f(Copy{9, 6}, Copy{5, 0}, Absent, 0)
	f(Copy{9, 6}, Copy{12, 6}, Ahead, 9)
	f(Copy{9, 6}, Copy{9, 0}, Differs, 9) // only our floor is news
}

func TestSuccessor(t *testing.T) {
	ring := []codec.OriginID{3, 5, 9}
	for id, want := range map[codec.OriginID]codec.OriginID{3: 5, 5: 9, 9: 3, 4: 5, 10: 3} {
		if got := Successor(ring, id); got != want {
			t.Errorf("after %d comes %d, want %d", id, got, want)
		}
	}
	if Successor(ring[:1], 3) != 0 || Successor(nil, 3) != 0 {
		t.Error("a node follows itself")
	}
	if !slices.IsSorted(ring) {
		t.Error("ring changed")
	}
}
