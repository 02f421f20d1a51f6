package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

const graveAge = 60 * sched.Second

// TestOneGraveToAnOrigin: who buries it first and who says then of what name it was make one grave,
// which keeps what each said, and is as old as the later word.
func TestOneGraveToAnOrigin(t *testing.T) {
	var g Graves
	g.Init([2]uint64{1, 2}, graveAge)
	const id codec.OriginID = 7
	for _, order := range [][2]func(now sched.Instant){
		{func(now sched.Instant) { g.Lay(now, id, 3, Died) }, func(now sched.Instant) { g.Bury(now, id, []byte("a"), 5, &nobody) }},
		{func(now sched.Instant) { g.Bury(now, id, []byte("a"), 5, &nobody) }, func(now sched.Instant) { g.Lay(now, id, 3, Died) }},
	} {
		g.Init(g.Key(), graveAge)
		order[0](1)
		order[1](11)
		if at, incarnation, ok := g.Member(11, 0); g.Len() != 1 || at != id || incarnation != 3 || !ok {
			t.Errorf("%d graves, the first of %d in incarnation %d, %v", g.Len(), at, incarnation, ok)
		}
		if g.Bars(10+graveAge, []byte("a"), 5) != 5 || !g.Awake(10+graveAge, id) || g.Awake(11+graveAge, id) || g.Awake(11, id+1) {
			t.Error("it is not one grave of the later age")
		}
		if _, _, ok := g.Member(11+graveAge, 0); ok {
			t.Error("it is spoken of when its time is over")
		}
	}
}

// TestWhoMayComeBackIsSought: the dead are, wherever they were, while they have a place, also when
// their grave is over; those that left or have a successor are not.
func TestWhoMayComeBackIsSought(t *testing.T) {
	var g Graves
	g.Init([2]uint64{1, 2}, graveAge)
	addr := netip.MustParseAddrPort("192.0.2.1:7")
	g.Lay(1, 1, 0, Departed)
	g.Lay(2, 2, 0, Died)
	g.Lay(3, 3, 0, Died)
	g.Bury(4, 4, []byte("a"), 1, &nobody)
	g.Lay(5, 5, 0, Departed)
	for id := range codec.OriginID(6) {
		if place := g.At(id, addr); place != int(id)-1 {
			t.Errorf("%d lies in place %d", id, place)
		}
	}
	if n, last := g.Sought(); n != 2 || last != 3 || g.Seek(0) != 1 || g.Seek(1) != 2 || g.Addr(2) != addr {
		t.Errorf("%d are sought, the last since %d, at %d and %d", n, last, g.Seek(0), g.Seek(1))
	}
	g.Lay(6, 6, 0, Died)
	if n, last := g.Sought(); n != 2 || last != 6 {
		t.Errorf("%d are sought, one of them nobody knows where", n)
	}
	if _, _, ok := g.Member(5, 3); ok {
		t.Error("of one that has a successor nobody was told")
	}
	g.Bury(6+10*graveAge, 8, []byte("b"), 1, &nobody) // in the place of one that is over
	if n, _ := g.Sought(); n != 2 || g.At(8, addr) != 0 {
		t.Errorf("%d are sought when their graves are over", n)
	}
}

// TestWhoGivesWay: where there are no more places, the oldest of those that have a successor does,
// then the oldest at all; a grave that is over does before, but of one that is sought.
func TestWhoGivesWay(t *testing.T) {
	var g Graves
	g.Init([2]uint64{1, 2}, graveAge)
	place := func(id codec.OriginID) int { return g.At(id, netip.AddrPort{}) }
	for id := range codec.OriginID(GravesMax) {
		now := sched.Instant(id) + 1
		switch {
		case id == 100 || id == 200:
			g.Bury(now, 1000+id, []byte("a"), uint64(id), &nobody)
		case id == 300:
			g.Lay(now, 1000+id, 0, Departed)
		default:
			g.Lay(now, 1000+id, 0, Died)
		}
	}
	next := codec.OriginID(5000)
	gives := func(now sched.Instant, want codec.OriginID) {
		t.Helper()
		at := place(want)
		next++
		g.Lay(now, next, 0, Died)
		if at < 0 || place(next) != at || g.Len() != GravesMax {
			t.Errorf("%d lies in place %d of %d, want the one of %d", next, place(next), g.Len(), want)
		}
	}
	gives(2000, 1100)
	gives(2000, 1200)
	gives(2000, 1000)
	gives(2000, 1001)
	gives(2000+graveAge, 1300)
	gives(2000+graveAge, 1002)
}

// TestWhoIsCalled: one that may come back, whoever speaks of it, once in a while; who left and who has
// a successor are not, nor one of whom nobody knows where it was.
func TestWhoIsCalled(t *testing.T) {
	var g Graves
	g.Init([2]uint64{1, 2}, graveAge)
	addr := netip.MustParseAddrPort("192.0.2.1:7")
	g.Lay(1, 1, 0, Departed)
	g.Lay(2, 2, 0, Died)
	g.Bury(3, 3, []byte("a"), 1, &nobody)
	for id := range codec.OriginID(4) {
		g.At(id, addr)
	}
	g.Lay(4, 4, 0, Died)
	for id := range codec.OriginID(6) {
		want := -1
		if id == 2 {
			want = 1
		}
		if place := g.Call(0, id, sched.Second); place != want {
			t.Errorf("%d is called in place %d, want %d", id, place, want)
		}
	}
	if g.Call(sched.Second, 2, sched.Second) != -1 || g.Call(sched.Second+1, 2, sched.Second) != 1 || g.Call(sched.Second+2, 2, sched.Second) != -1 {
		t.Error("it is not called once a second")
	}
}
