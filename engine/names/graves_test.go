package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// nobody keeps a grave for longer than an age.
var nobody = Retention{lower: Sites, n: 100}

// A grave keeps an origin out, and all lives of its name before it, for one age; the
// oldest gives way where there are too many.
func TestGraves(t *testing.T) {
	const age = 60 * sched.Second
	key := [2]uint64{1, 2}
	var g Graves
	g.Init(key, age)
	bury := func(now sched.Instant, name string, gen uint64) codec.OriginID {
		id := codec.MakeOriginID(key, []byte(name), gen)
		g.Bury(now, id, []byte(name), gen, &nobody)
		return id
	}
	a5, a7 := bury(1, "a", 5), bury(1, "a", 7)
	short := func(id codec.OriginID) uint64 { return uint64(id) >> 8 }
	if !g.Has(age, a5) || !g.Has(age, a7) || !g.HasShort(age, short(a5), short) || g.Has(age, a5+1) {
		t.Error("who is buried is not found")
	}
	if last := g.Bars(age, []byte("a"), 6); last != 7 {
		t.Errorf("the last life was %d", last)
	}
	if last := g.Bars(age, []byte("a"), 8); last != 0 {
		t.Errorf("a later life was never buried: %d", last)
	}
	if now := sched.Instant(age + 1); g.Has(now, a7) || g.HasShort(now, short(a7), short) || g.Bars(now, []byte("a"), 1) != 0 {
		t.Error("a grave is one for more than an age")
	}
	for gen := range uint64(GravesMax) {
		bury(2, "c", 1+gen)
	}
	if g.Has(2, a5) || g.Has(2, a7) || g.Bars(2, []byte("c"), 1) != GravesMax || len(g.ring) != GravesMax {
		t.Error("the oldest does not give way")
	}
}

// TestNamesDoNotAllocate: who is met, claims a name, is buried or comes back costs no
// memory, graves that were full once included.
func TestNamesDoNotAllocate(t *testing.T) {
	key := [2]uint64{1, 2}
	var g Graves
	g.Init(key, 60*sched.Second)
	s, now, gen := newSelf(5), sched.Instant(1), uint64(0)
	var c Claim
	one := func() {
		now, gen = now+sched.Second, gen+1
		id := codec.MakeOriginID(key, s.Name, gen)
		g.Bury(now, id, s.Name, gen, &nobody)
		if !g.Has(now, id) || g.Bars(now, s.Name, gen) != gen {
			t.Fatal("who is buried is not found")
		}
		h := Holder{Gen: 5, Since: 5, Open: true, Addr: here, Claim: &c}
		h.Judge(now, &codec.Intro{Gen: 6, Since: 6, Name: s.Name, Addr: there}, there)
		c.Heard(now)
		s.Met(now, &codec.Intro{Gen: 4, Addr: there}, true, host(9))
		s.Wake(now)
	}
	for range GravesMax {
		one()
	}
	if n := testing.AllocsPerRun(200, one); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestAGraveIsOfOneAlone: whoever is buried where another one lay has nothing of that one: no fate, no
// place, no incarnation, no name.
func TestAGraveIsOfOneAlone(t *testing.T) {
	const age = 60 * sched.Second
	addr := netip.MustParseAddrPort("192.0.2.1:7946")
	var g Graves
	g.Init([2]uint64{1, 2}, age)
	one := func(id codec.OriginID) {
		g.Bury(1, id, []byte("first"), uint64(id), &Retention{n: 1})
		g.Lay(1, id, 7, Died)
		g.At(id, addr)
	}
	for id := codec.OriginID(1); id <= GravesMax; id++ {
		one(id)
	}
	for id := codec.OriginID(GravesMax + 1); id <= 2*GravesMax; id++ { // each in the place of the oldest
		x := g.of(age, id)
		if *x != (grave{id: id}) {
			t.Fatalf("a new grave holds %+v", *x)
		}
		x.at, x.fate = age, Died
	}
	if n, _ := g.Sought(); n != 0 || g.Bars(1, []byte("first"), 1) != 0 {
		t.Errorf("%d of those who have no grave any more are looked for", n)
	}
}
