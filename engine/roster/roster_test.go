package roster

import (
	"slices"
	"testing"

	"github.com/quidnunc/quidnunc/sched"
)

const handles = 20

// host is who keeps what a roster does not: a life for each handle.
type host struct {
	Roster
	lives [handles + 1]Life
}

func newHost(seed uint64) *host {
	h, rand := new(host), new(sched.Rand)
	rand.Seed(seed)
	h.Init(Limits{Handles: handles, Seats: handles - 2, Candidates: handles / 2, Pick: 3}, rand)
	return h
}

// Whatever happens to members, in whatever order: what is counted is what there is,
// the partners of exchanges are the open members, and nobody who answered or left is
// taken for somebody who did not.
func TestLivesAreCounted(t *testing.T) {
	const seed = 5
	h := newHost(seed)
	moves := []func(p uint32, l *Life){
		h.BecomeNamed, h.BecomeFree, h.BecomeProven, h.BecomeHeard, h.BecomeQuiet, h.BecomeDead, h.BecomeLeft,
		func(p uint32, l *Life) { h.BecomeStaying(p, l, true) },
		func(p uint32, l *Life) { h.BecomeStaying(p, l, false) }, // takes back that it left
	}
	seen := [phases]bool{}
	for step := range 20_000 {
		p := 1 + h.rand.Uint32n(handles)
		k := h.rand.Uint32n(uint32(len(moves)))
		if h.lives[p] == Free { // nothing else happens to nobody
			if p, k = h.Take(), 0; p == 0 || h.lives[p] != Free {
				t.Fatalf("seed %d, step %d: handle %d was given", seed, step, p)
			}
		}
		l := &h.lives[p]
		left, proven := l.Left(), l.Proven()
		moves[k](p, l)
		seen[*l] = true
		if k > 1 && (left && !l.Left() && k != 8 || proven && !l.Proven()) { // the last move does
			t.Fatalf("seed %d, step %d: move %d took back what was said or proven: now %d", seed, step, k, *l)
		}
		var want [phases]int
		var open []uint32
		for p, is := range h.lives {
			if is != Free {
				want[is]++
			}
			if is.Open() {
				open = append(open, uint32(p))
			}
		}
		if want != h.Roster.lives || h.Reach() != want[Open] || !slices.Equal(h.Partners(), open) {
			t.Fatalf("seed %d, step %d: %v, partners %v, counted %v", seed, step, want, open, h.Roster.lives)
		}
	}
	for is, was := range seen {
		if !was {
			t.Errorf("nobody was ever in phase %d", is)
		}
	}
}

// Handles are given anew before new ones are, and never more than there are.
func TestHandlesAreGivenAgain(t *testing.T) {
	h := newHost(1)
	a, b := h.Take(), h.Take()
	for _, p := range []uint32{a, b} {
		h.BecomeNamed(p, &h.lives[p])
		h.BecomeFree(p, &h.lives[p])
	}
	if p := h.Take(); p != b {
		t.Errorf("handle %d was given, want %d", p, b)
	}
	if p := h.Take(); p != a {
		t.Errorf("handle %d was given, want %d", p, a)
	}
	for n := 2; n < handles; n++ {
		if p := h.Take(); int(p) != n+1 {
			t.Fatalf("handle %d was given, want %d", p, n+1)
		}
	}
	if p := h.Take(); p != 0 {
		t.Errorf("handle %d was given beyond the limit", p)
	}
}

// Seats: candidates have some; who answers has all, and is kept out only where no
// seat is anybody's who gives way.
func TestSeats(t *testing.T) {
	h := newHost(2)
	become := func(n int, moves ...func(uint32, *Life)) {
		for range n {
			p := h.Take()
			h.BecomeNamed(p, &h.lives[p])
			for _, move := range moves {
				move(p, &h.lives[p])
			}
		}
	}
	f := func(what string, candidate, answers, full bool) {
		t.Helper()
		if h.Room(false) != candidate || h.Room(true) != answers || h.Full() != full {
			t.Errorf("%s: room for a candidate %v, for who answers %v, full %v", what, h.Room(false), h.Room(true), h.Full())
		}
	}
	f("empty", true, true, false)
	become(handles / 2)
	f("candidates", false, true, false)
	become(handles-2-handles/2, h.BecomeProven)
	f("no seat", false, false, false)
	for p := range uint32(handles / 2) {
		h.BecomeProven(1+p, &h.lives[1+p])
	}
	f("all answer", true, false, true)
	h.BecomeDead(1, &h.lives[1])
	f("one is dead", true, false, false)
	if h.Partial() {
		t.Error("most are not reached")
	}
}

// Exchanges stay in a zone but for one in some ten, every member of it has its turns, and who is
// alone in its zone goes to the others.
func TestZones(t *testing.T) {
	const seed, rounds = 5, 4000
	t.Logf("seed %d", seed)
	h := newHost(seed)
	for range handles - 2 {
		p := h.Take()
		h.BecomeNamed(p, &h.lives[p])
		h.BecomeProven(p, &h.lives[p])
		h.Declared(p, 1+p%3)
	}
	met := func() (far int, by [handles + 1]int) {
		for range rounds {
			p, ok := h.Partner()
			if !ok {
				t.Fatal("there is nobody")
			}
			if by[p]++; h.Far(p) {
				far++
			}
		}
		return far, by
	}
	if far, _ := met(); far != 0 {
		t.Errorf("%d are far from a node without a zone", far)
	}
	h.Declared(0, 2)
	far, by := met()
	for p, n := range by {
		if p > 0 && p <= handles-2 && h.Zone(uint32(p)) == 2 && n < rounds/handles/2 {
			t.Errorf("%d of this zone has %d turns of %d", p, n, rounds)
		}
	}
	if far < rounds/40 || far > rounds/4 {
		t.Errorf("%d of %d exchanges go far", far, rounds)
	}
	h.Declared(0, 9)
	if far, _ := met(); far != rounds {
		t.Errorf("alone in a zone: %d of %d exchanges go far", far, rounds)
	}
	h.BecomeFree(4, &h.lives[4])
	if before := h.Changes(); h.Zone(4) != 0 {
		t.Error("a zone outlives its member")
	} else if h.Declared(5, h.Zone(5)); h.Changes() != before {
		t.Error("what is known is no change")
	}
	for _, zone := range []uint32{4, 5, 4} { // from zone to zone
		before := h.Changes()
		if h.Declared(5, zone) != zone || h.Zone(5) != zone || h.Changes() != before+1 {
			t.Errorf("a member that is in zone %d now: it is in %d, %d changes", zone, h.Zone(5), h.Changes()-before)
		}
		if h.Declared(5, 0) != zone || h.Changes() != before+1 {
			t.Error("a member that says no zone changed its own")
		}
	}
}

// Steady state allocates nothing: handles come and go, members are picked.
func TestNothingIsAllocated(t *testing.T) {
	h := newHost(3)
	var p uint32
	for range handles {
		p = h.Take()
		h.BecomeNamed(p, &h.lives[p])
		h.BecomeProven(p, &h.lives[p])
	}
	h.Partners()
	if n := testing.AllocsPerRun(1000, func() {
		h.BecomeFree(p, &h.lives[p])
		p = h.Take()
		h.BecomeNamed(p, &h.lives[p])
		h.BecomeProven(p, &h.lives[p])
		h.Pick(3)
		h.Partner()
		h.Look()
	}); n != 0 {
		t.Errorf("%v allocations a step", n)
	}
}

// TestGrowKeepsLittleRoom: a list that grows one by one has what it had, and room for a sixteenth more
// at most, as GrowSlack says.
func TestGrowKeepsLittleRoom(t *testing.T) {
	var list []int
	copies := 0
	for i := range 20_000 {
		before := cap(list)
		list = append(Grow(list), i)
		if cap(list) != before {
			copies += i
		}
		if cap(list) > GrowSlack(len(list), 1) || list[i] != i || list[i/2] != i/2 {
			t.Fatalf("%d of %d", len(list), cap(list))
		}
	}
	if copies > 20*20_000 {
		t.Errorf("%d were copied for 20,000", copies)
	}
}
