package active

import (
	"slices"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/sched"
)

func TestPlaceBytes(t *testing.T) {
	if n := unsafe.Sizeof(place{}); n != PlaceBytes {
		t.Errorf("a place has %d bytes", n)
	}
}

// TestOldestGivesWay: a set is a list of who was talked with, the newest last, whatever happens to it.
func TestOldestGivesWay(t *testing.T) {
	const seed, most = 1, 7
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	var s Set
	s.Init(most)
	var want []uint32 // oldest first
	at := map[uint32]uint32{}
	now := sched.Instant(sched.Second)
	for range 20_000 {
		now += grain + rand.Between(0, sched.Second)
		who := 1 + rand.Uint32n(20)
		i := slices.Index(want, who)
		switch {
		case i >= 0 && rand.Uint32n(4) == 0:
			s.Leave(at[who])
			delete(at, who)
			want = slices.Delete(want, i, i+1)
		case i >= 0:
			if !s.Touch(now, at[who]) || s.Touch(now+grain-1, at[who]) {
				t.Fatal("a second is no news, or less is")
			}
			want = append(slices.Delete(want, i, i+1), who)
		default:
			if s.Full() {
				old := s.Oldest()
				s.Leave(at[old])
				delete(at, old)
				want = want[1:]
			}
			at[who] = s.Take(now, who)
			want = append(want, who)
		}
		if s.Len() != len(want) || s.Full() != (len(want) == most) || s.Places() > most {
			t.Fatalf("%d are in it, want %d, in %d places", s.Len(), len(want), s.Places())
		}
		if len(want) > 0 && s.Oldest() != want[0] || len(want) == 0 && s.Oldest() != 0 {
			t.Fatalf("%d is the oldest of %v", s.Oldest(), want)
		}
	}
}

// TestWhoIsNotTalkedWithRests: after RestAfter, the oldest first, and nobody before.
func TestWhoIsNotTalkedWithRests(t *testing.T) {
	var s Set
	s.Init(8)
	if s.Rests(100*RestAfter) != 0 {
		t.Error("nobody rests")
	}
	a := s.Take(1, 5)
	b := s.Take(2, 6)
	s.Touch(RestAfter, a)
	if s.Rests(RestAfter+1) != 0 || s.Rests(RestAfter+2) != 6 {
		t.Error("it rests too early, or too late")
	}
	s.Leave(b)
	if s.Rests(2*RestAfter-1) != 0 || s.Rests(2*RestAfter) != 5 {
		t.Error("it rests too early, or too late")
	}
}

// TestActiveDoesNotAllocate: once there were as many as there may be.
func TestActiveDoesNotAllocate(t *testing.T) {
	var s Set
	var parts Slab[[40]byte]
	s.Init(50)
	at := map[uint32]uint32{}
	who, now := uint32(0), sched.Instant(0)
	step := func() {
		who, now = who%200+1, now+sched.Second
		if s.Full() {
			s.Leave(at[s.Oldest()])
		}
		at[who] = s.Take(now, who)
		parts.At(at[who])[0]++
		s.Touch(now+sched.Second, at[who])
	}
	for range 400 {
		step()
	}
	if n := testing.AllocsPerRun(1000, step); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestPartsStayWhereTheyAre: a slab that grows moves nothing.
func TestPartsStayWhereTheyAre(t *testing.T) {
	var s Slab[int]
	first := s.At(1)
	for i := range uint32(1000) {
		*s.At(i) = int(i)
	}
	if s.At(1) != first || *first != 1 || *s.At(999) != 999 {
		t.Error("a part moved")
	}
}
