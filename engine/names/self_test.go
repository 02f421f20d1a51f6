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

	elsewhere = netip.MustParseAddrPort("10.0.0.3:7946")
)

func newSelf(gen uint64) *Self {
	s := new(Self)
	s.Init([2]uint64{1, 2}, []byte("a"), gen, 3600*sched.Second)
	s.Addr = here
	return s
}

func (s *Self) answer(now sched.Instant, gen uint64) Act {
	return s.Answered(now, codec.MakeOriginID(s.Key, s.Name, gen), &codec.Hello{Gen: gen, Name: s.Name}, true)
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
	s.Renew(5, 9, new(sched.Rand))
	if s.Gen < 9 || s.Gen >= 9+renewalMost || s.ID != codec.MakeOriginID(s.Key, s.Name, s.Gen) || s.Behind(6) != (Act{}) {
		t.Errorf("%+v", s)
	}
	s.Renew(5, 1<<64-2, new(sched.Rand))
	if s.Gen < 1<<64-2 {
		t.Errorf("%d is lower", s.Gen)
	}
}

// Lives that all have to be above one generation seldom take the same.
func TestRenewalsDoNotMeet(t *testing.T) {
	seen := map[uint64]bool{}
	for seed := range uint64(1000) {
		var r sched.Rand
		r.Seed(seed)
		s := newSelf(7)
		s.Renew(5, 8, &r)
		seen[s.Gen] = true
	}
	if n := len(seen); n < 990 {
		t.Errorf("1000 lives have %d generations", n)
	}
}

// What is heard of our name: by itself or from others, of a senior or a junior, at our
// address or elsewhere.
func TestWhatIsHeardOfOurName(t *testing.T) {
	const now = 10 * sched.Second
	f := func(what string, in codec.Intro, live bool, want Act) {
		t.Helper()
		if got := newSelf(7).Met(now, &in, live, host(100)); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	yields := func(gen uint64) Act {
		return Act{Conflict: true, Superseded: true, Gen: gen, Addr: there, Wake: now + rivalWatch}
	}
	f("an older one, from others", codec.Intro{Gen: 5, Addr: there}, false, Act{})
	f("a senior, alive", codec.Intro{Gen: 5, Addr: there}, true, Act{Conflict: true, Gen: 5, Addr: there})
	f("a senior, renewed", codec.Intro{Gen: 10, Since: 5, Addr: there}, true, yields(10))
	f("a junior, alive", codec.Intro{Gen: 9, Addr: there}, true, Act{Conflict: true, Gen: 9, Addr: there})
	f("one as old, of a lower generation", codec.Intro{Gen: 7, Since: 7, Addr: there}, true, Act{})
	f("one as old, of a higher generation", codec.Intro{Gen: 8, Since: 7, Addr: there}, true, yields(8))
	f("a newer one, at our address", codec.Intro{Gen: 9, Addr: here}, true, Act{Renew: 10})
	f("a newer one, from others, nowhere", codec.Intro{Gen: 9}, false, Act{Renew: 10})
	f("a newer one, from others, elsewhere", codec.Intro{Gen: 9, Addr: there}, false, Act{Wake: now})
	f("one that nobody believes", codec.Intro{Gen: 101, Addr: there}, false, Act{Unbelieved: true})
	s := newSelf(7)
	junior := codec.Intro{Gen: 9, Addr: there}
	s.Met(now, &junior, true, host(100))
	if s.Strange(9) || !s.Strange(4) || s.Strange(7) || s.Met(now, &junior, true, host(100)) != (Act{}) {
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

// Of two that are in service the senior goes above the other, once, and keeps its
// seniority; the junior stops writing.
func TestTheSeniorKeepsTheName(t *testing.T) {
	now := sched.Instant(10 * sched.Second)
	old := newSelf(7)
	if a := old.Refused(now, elsewhere, there, false); a != (Act{Greet: there}) {
		t.Fatalf("a newcomer does not let it know, or fights: %+v", a)
	}
	if a := old.Refused(now, there, there, false); a != (Act{}) {
		t.Fatalf("it lets it know for ever: %+v", a)
	}
	if a := old.Refused(now, elsewhere, there, true); a.Wake != now {
		t.Fatalf("it does not find out who has its name: %+v", a)
	}
	if a := old.Wake(now); a.Greet != there {
		t.Fatalf("%+v", a)
	}
	act := old.answer(now, 9)
	if act.Renew != 10 || !act.Conflict || act.Superseded || old.Silenced {
		t.Fatalf("%+v", act)
	}
	old.Renew(now, act.Renew, new(sched.Rand))
	if h := old.Hello(); h.Gen < 10 || h.Since != 7 || !old.Holds(&codec.Hello{Gen: 9}) || old.Holds(&codec.Hello{Gen: 5}) {
		t.Errorf("%+v", h)
	}
	fresh := newSelf(7)
	fresh.Outlived(now, 9, there, host(100))
	if a := fresh.Answered(now, codec.MakeOriginID(fresh.Key, fresh.Name, 9), &codec.Hello{Gen: 9, Name: fresh.Name}, false); a.Renew != 0 || !a.Conflict {
		t.Errorf("a newcomer takes the name: %+v", a)
	}
	young := newSelf(9)
	young.Addr = there
	young.Refused(now, elsewhere, here, true)
	if a := young.Refused(now, here, here, true); !a.Superseded || !young.Silenced {
		t.Errorf("the holder itself refuses it: %+v", a)
	}
	for range 10 { // a refusal is a sign of life
		now += rivalWatch
		young.Wake(now)
		young.Refused(now, here, here, true)
	}
	if !young.Silenced {
		t.Error("it speaks while the senior lives")
	}
}

// A rival that answers wins if it is senior; it is watched, and as soon as it is silent
// the loser speaks again, above it.
func TestRivalsThatAnswerWinWhileTheyDo(t *testing.T) {
	now := sched.Instant(10 * sched.Second)
	s := newSelf(7)
	s.Outlived(now, 9, there, host(100))
	s.Wake(now)
	senior := codec.Hello{Gen: 9, Since: 5, Name: s.Name}
	answer := func(h *codec.Hello) Act {
		return s.Answered(now, codec.MakeOriginID(s.Key, s.Name, h.Gen), h, true)
	}
	act := answer(&senior)
	if !act.Superseded || !act.Conflict || act.Addr != there || !s.Silenced {
		t.Fatalf("%+v", act)
	}
	senior.Gen = 12
	for range 10 {
		now = act.Wake
		if a := s.Wake(now); a.Greet != there || a.Renew != 0 {
			t.Fatalf("it is not watched: %+v", a)
		}
		act = answer(&senior)
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

// A write has the time that came with it; where entries are ordered by it, each has one.
func TestStamp(t *testing.T) {
	var s Self
	s.Tell(100, 1_000)
	f := func(given int64, ordered bool, want int64) {
		t.Helper()
		var e codec.Entry
		s.Stamp(150, &e, given, ordered)
		if e.Stamp != want || (e.Flags&codec.EntryStamp != 0) != (want != 0) {
			t.Errorf("given %d, ordered %v: %d, flags %x", given, ordered, e.Stamp, e.Flags)
		}
	}
	f(0, false, 0)
	f(7, false, 7)
	f(7, true, 7)
	f(0, true, 1_050)
}
