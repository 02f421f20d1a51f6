package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// host believes generations up to a highest.
type host uint64

func (h host) Believed(uint64) uint64 { return uint64(h) }

var (
	here  = netip.MustParseAddrPort("10.0.0.1:7946")
	there = netip.MustParseAddrPort("10.0.0.2:7946")
)

func newSelf(gen uint64) *Self {
	s := new(Self)
	s.Init([2]uint64{1, 2}, []byte("a"), gen)
	s.Addr = here
	return s
}

func (s *Self) answer(now sched.Instant, gen uint64) Act {
	return s.Answered(now, codec.MakeOriginID(s.Key, s.Name, gen), &codec.Hello{Gen: gen, Name: s.Name})
}

// The wall clock goes on between two looks at it, and may step back.
func TestWall(t *testing.T) {
	var s Self
	s.Tell(100, 1_000)
	if got := s.Wall(150); got != 1_050 {
		t.Errorf("%d", got)
	}
	s.Tell(200, 7)
	if got := s.Wall(201); got != 8 {
		t.Errorf("%d after a step", got)
	}
}

// A node that renews is the same name under another identifier, and is in no hurry to
// renew again.
func TestSelfRenews(t *testing.T) {
	s := newSelf(7)
	if s.ID != codec.MakeOriginID(s.Key, s.Name, 7) || s.Behind(0).Renew != 8 {
		t.Fatalf("%+v", s)
	}
	s.Renew(5, 9)
	if s.Gen != 9 || s.ID != codec.MakeOriginID(s.Key, s.Name, 9) || s.Behind(6) != (Act{}) {
		t.Errorf("%+v", s)
	}
}

// What is heard of our name: by itself or from others, of an older or a newer life, at
// our address or elsewhere.
func TestWhatIsHeardOfOurName(t *testing.T) {
	const now = 10 * sched.Second
	f := func(what string, gen uint64, addr netip.AddrPort, live bool, want Act) {
		t.Helper()
		if got := newSelf(7).Met(now, gen, addr, live, host(100)); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	f("an older one, from others", 5, there, false, Act{})
	f("an older one, alive", 5, there, true, Act{Conflict: true, Gen: 5, Addr: there})
	f("a newer one, alive", 9, there, true, Act{Conflict: true, Superseded: true, Gen: 9, Addr: there, Wake: now + rivalWatch})
	f("a newer one, at our address", 9, here, true, Act{Renew: 10})
	f("a newer one, from others, nowhere", 9, netip.AddrPort{}, false, Act{Renew: 10})
	f("a newer one, from others, elsewhere", 9, there, false, Act{Wake: now})
	f("one that nobody believes", 101, there, false, Act{Unbelieved: true})
	s := newSelf(7)
	s.Met(now, 5, there, true, host(100))
	if s.Strange(5) || !s.Strange(4) || s.Strange(7) || s.Met(now, 5, there, true, host(100)) != (Act{}) {
		t.Error("it is reported twice, or never")
	}
}

// A higher generation that does not answer is history: we go above it.
func TestSilentRivalsAreOutlived(t *testing.T) {
	now := sched.Instant(10 * sched.Second)
	s := newSelf(7)
	act := s.Outlived(now, 9, there, host(100))
	for n := 0; act.Renew == 0; n++ {
		if act.Wake == 0 || n > rivalTries || n > 0 && act.Greet != there {
			t.Fatalf("try %d: %+v", n, act)
		}
		now = act.Wake
		act = s.Wake(now)
	}
	if act.Renew != 10 || act.Restored || s.Silenced {
		t.Errorf("%+v", act)
	}
}

// A rival that answers wins; it is watched, and as soon as it is silent the loser
// speaks again, above it.
func TestRivalsThatAnswerWinWhileTheyDo(t *testing.T) {
	now := sched.Instant(10 * sched.Second)
	s := newSelf(7)
	s.Outlived(now, 9, there, host(100))
	s.Wake(now)
	if a := s.answer(now, 8); a != (Act{}) {
		t.Fatalf("somebody else answered: %+v", a)
	}
	act := s.answer(now, 9)
	if !act.Superseded || !act.Conflict || act.Addr != there || !s.Silenced {
		t.Fatalf("%+v", act)
	}
	for range 10 {
		now = act.Wake
		if a := s.Wake(now); a.Greet != there || a.Renew != 0 {
			t.Fatalf("it is not watched: %+v", a)
		}
		act = s.answer(now, 12)
	}
	for n := 0; act.Renew == 0; n++ {
		if n > rivalTries+1 {
			t.Fatalf("still silenced: %+v", act)
		}
		now += rivalWatch
		act = s.Wake(now)
	}
	if act.Renew != 13 || !act.Restored || s.Silenced {
		t.Errorf("%+v", act)
	}
	if a := s.Wake(now); a != (Act{}) {
		t.Errorf("afterwards: %+v", a)
	}
}
