package roster

import (
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

// TestIndexAgainstAMap: whatever is put and removed, in whatever order and however many share a
// place, the rest is found; and what is removed makes room.
func TestIndexAgainstAMap(t *testing.T) {
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	var x Index
	x.Init()
	id := func(n uint32) codec.OriginID { return codec.OriginID(n%8*3) + codec.OriginID(n/8)<<32 } // eight places, near to each other
	there := map[uint32]uint32{}
	for step := range 20_000 {
		n := 1 + r.Uint32N(40)
		if _, ok := there[n]; ok {
			x.Remove(id(n))
			delete(there, n)
		} else if len(there) < 16 {
			x.Put(id(n), n+100)
			there[n] = n + 100
		}
		for n := uint32(1); n <= 40; n++ {
			if got := x.Find(id(n)); got != there[n] {
				t.Fatalf("seed %d, step %d: %d is found as %d, want %d", seed, step, n, got, there[n])
			}
		}
	}
	if len(x.ids) != 32 || x.n != len(there) {
		t.Errorf("%d places, %d counted, for %d", len(x.ids), x.n, len(there))
	}
	for n := uint32(1); n <= 1000; n++ { // it grows, and has all
		x.Put(id(n), n)
		x.Put(id(n), n+1)
	}
	for n := uint32(1); n <= 1000; n++ {
		if x.Find(id(n)) != n+1 {
			t.Fatalf("%d is lost as it grows", n)
		}
	}
	if x.Remove(id(5000)); x.n != 1000 {
		t.Errorf("%d are counted", x.n)
	}
}

// TestWhatALifeMeans: each phase, and what may be done with a member in it.
func TestWhatALifeMeans(t *testing.T) {
	for l, want := range map[Life][5]bool{ // open, takes, proven, quiet, left
		Named:   {},
		Absent:  {false, false, false, true, false},
		Passed:  {false, false, false, false, true},
		Open:    {true, true, true, false, false},
		Quiet:   {false, false, true, true, false},
		Dead:    {false, false, true, true, false},
		Leaving: {false, true, true, false, true},
		Gone:    {false, false, true, true, true},
	} {
		if got := [5]bool{l.Open(), l.Takes(), l.Proven(), l.Quiet(), l.Left()}; got != want {
			t.Errorf("phase %d: open, takes, proven, quiet, left: %v, want %v", l, got, want)
		}
	}
}

// TestTurns: all handles are looked at in turn, changes of partners are counted, once each, and a
// part is less than half.
func TestTurns(t *testing.T) {
	h := newHost(4)
	if p := h.Look(); p != 0 {
		t.Errorf("handle %d is looked at before one was given", p)
	}
	for range 3 {
		p := h.Take()
		h.BecomeNamed(p, &h.lives[p])
	}
	for _, want := range []uint32{1, 2, 3, 1, 2, 3, 1} {
		if p := h.Look(); p != want {
			t.Errorf("handle %d is looked at, want %d", p, want)
		}
	}
	f := func(changes uint64, partial bool) {
		t.Helper()
		if h.Changes() != changes || h.Partial() != partial {
			t.Errorf("%d changes, partial %v; want %d, %v", h.Changes(), h.Partial(), changes, partial)
		}
	}
	f(0, true)
	h.BecomeProven(1, &h.lives[1])
	f(1, true)
	h.BecomeProven(1, &h.lives[1])
	f(1, true)
	h.BecomeProven(2, &h.lives[2])
	f(2, false)
	h.BecomeQuiet(2, &h.lives[2])
	f(3, true)
	h.BecomeHeard(2, &h.lives[2])
	f(4, false)
	h.BecomeDead(3, &h.lives[3])
	h.BecomeLeft(2, &h.lives[2])
	f(5, false)
	p := h.Take()
	h.BecomeNamed(p, &h.lives[p])
	f(5, false) // just half
	p = h.Take()
	h.BecomeNamed(p, &h.lives[p])
	f(5, true)
}
