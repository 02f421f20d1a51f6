package names

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// TestRenewalsGrowRarer: the pause between renewals doubles up to the longest, and only a rest of
// more than a hundred of them, of ten of the longest, or for which the dead are buried, makes it
// short again.
func TestRenewalsGrowRarer(t *testing.T) {
	var r Renewals
	now := sched.Instant(0)
	renew := func(want sched.Instant) {
		t.Helper()
		if !r.May(now) {
			t.Fatal("none may be taken after its pause")
		}
		r.Renewed(now)
		now = max(1, now) // a renewal at the very start is one
		if r.pause != want || r.May(now+want) || !r.May(now+want+1) {
			t.Fatalf("the next one after %v, want %v", r.pause, want)
		}
	}
	for _, ms := range []sched.Instant{300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 60000, 60000} {
		renew(ms * sched.Millisecond)
		now += ms*sched.Millisecond + 1
	}
	now += renewalRestMax + 1
	renew(RenewalPause)
	now += renewalRest * RenewalPause
	renew(2 * RenewalPause)
	now += renewalRest*2*RenewalPause + 1
	renew(RenewalPause)
	const buried = 10 * sched.Second
	r.rest = buried
	now += buried
	renew(2 * RenewalPause)
	now += buried + 1
	renew(RenewalPause)
}

// TestAStormOfRenewalsIsSmall: whoever lies as often as it helps, or as it pays most, makes others
// renew a few times and then about once a minute.
func TestAStormOfRenewalsIsSmall(t *testing.T) {
	f := func(patience sched.Instant, minute, hour int) {
		t.Helper()
		var r Renewals
		count := func(from, to sched.Instant) (n int) {
			for now := from; now < to; now += 10 * sched.Millisecond {
				if r.at == 0 || r.May(now) && now-r.at > patience {
					r.Renewed(now)
					n++
				}
			}
			return n
		}
		if a, b := count(0, 60*sched.Second), count(60*sched.Second, 3660*sched.Second); a > minute || b > hour {
			t.Errorf("lies every %d ms: %d in a minute, %d in an hour", patience/sched.Millisecond, a, b)
		}
	}
	f(0, 8, 60)
	f(10*sched.Second, 6, 80)
	f(renewalRest*RenewalPause+sched.Millisecond, 2, 120)
	f(renewalRestMax, 1, 6)
}

// TestClaimsNeedTheirTries: three challenges that the known one leaves unanswered, 50 ms apart, and
// as much silence as is asked for; what was taken, or lapsed, begins anew.
func TestClaimsNeedTheirTries(t *testing.T) {
	const silence sched.Instant = sched.Second
	var c Claim
	ask := func(at sched.Instant, take, challenge bool) {
		t.Helper()
		if a, b := c.Ask(at, silence); a != take || b != challenge {
			t.Errorf("at %v: take %v, challenge %v", at, a, b)
		}
	}
	if c.Heard(5); c.heardSince() {
		t.Error("heard since a claim that nobody made")
	}
	c.Heard(10)
	ask(10, false, true)
	if c.heardSince() {
		t.Error("heard at the challenge is not since")
	}
	ask(10+claimGap-1, false, false)
	ask(10+claimGap, false, true)
	ask(10+silence, false, true) // long enough, and the third only now
	ask(10+silence+1, true, false)
	ask(10+silence+1+claimGap, false, true) // it is another claim
	at := sched.Instant(10 + silence + 1 + claimGap)
	ask(at+claimGap, false, true)
	ask(at+claimGap+claimLapse, false, true)
	ask(at+claimGap+claimLapse+1, true, false)

	c = Claim{}
	ask(10, false, true)
	ask(10+claimGap, false, true)
	ask(10+2*claimGap, false, true)
	ask(10+silence-1, false, true)
	ask(10+silence, true, false)

	c = Claim{}
	ask(10, false, true)
	ask(10+claimGap, false, true)
	ask(10+claimGap+claimLapse+1, false, true) // lapsed: it begins anew
	ask(10+claimGap+claimLapse+2, false, false)
	c.Heard(10 + claimGap + claimLapse + 2)
	if !c.heardSince() {
		t.Error("what was heard after the challenge is since")
	}
}

// TestGravesOfOthers: a grave bars its own name and its own life, and nobody else's; a dormant one
// that a life wakes is awake for another age.
func TestGravesOfOthers(t *testing.T) {
	const age sched.Instant = 100 * sched.Second
	var g Graves
	g.Init([2]uint64{1, 2}, age)
	alone := Retain(1, 9) // the only member keeps all
	g.Bury(0, 1, []byte("a"), 5, &alone)
	other := Retain(2, 9)
	g.Bury(0, 2, []byte("b"), 7, &other)
	if got := g.Bars(1, []byte("a"), 1); got != 5 {
		t.Errorf("a is barred up to %d", got)
	}
	if got := g.Bars(1, []byte("c"), 1); got != 0 {
		t.Errorf("c, whom nobody buried, is barred up to %d", got)
	}
	short := func(id codec.OriginID) uint64 { return uint64(id) % 8 }
	if !g.HasShort(1, 2, short) || g.HasShort(1, 3, short) || g.HasShort(age, 2, short) {
		t.Error("short identifiers are looked up wrongly")
	}
	asleep := age + alone.sleep(age)
	if !g.Has(asleep-1, 1) {
		t.Fatal("a dormant grave does not wake")
	}
	if !g.Has(asleep+age-2, 1) {
		t.Error("what was woken is not awake for another age")
	}
	if g.Has(asleep, 2) {
		t.Error("what nobody woke is there after its sleep")
	}
}

// TestGravesOfAnyAgeSleep: times as long as there are do not overflow.
func TestGravesOfAnyAgeSleep(t *testing.T) {
	r := Retain(1, 9)
	for m := range codec.OriginID(3) {
		r.Count(m + 20)
	}
	if got := r.sleep(sched.Never / 2); got <= 0 || got > sched.Never/2 {
		t.Errorf("it sleeps for %d", got)
	}
}

// TestHearsayTellsItsAge: the newest meeting counts, ages are rounded up and end at the most that
// can be said, and what is too old is not passed on.
func TestHearsayTellsItsAge(t *testing.T) {
	var h Hearsay
	if h.Told(5, 7, 100); h.by != 7 || h.met != 5-100*codec.IntroAgeUnit {
		t.Errorf("the first word, of before this member began, is not kept: %+v", h)
	}
	now := sched.Instant(1000 * sched.Second)
	h.Told(now, 8, 0)
	h.Told(now, 9, 0)
	h.Told(now, 9, 1)
	if h.by != 8 || h.met != now {
		t.Errorf("%+v: older word, or the same, took the place of the newest", h)
	}
	age := func(since sched.Instant, want uint8, fresh bool) {
		t.Helper()
		if got, ok := h.Age(now + since); got != want || ok != fresh {
			t.Errorf("after %d it says %d, %v, want %d, %v", since, got, ok, want, fresh)
		}
	}
	age(0, 0, true)
	age(1, 1, true)
	age(codec.IntroAgeUnit, 1, true)
	age(codec.IntroAgeUnit+1, 2, true)
	age(HearsayFresh, uint8(HearsayFresh/codec.IntroAgeUnit), true)
	age(HearsayFresh+1, uint8(HearsayFresh/codec.IntroAgeUnit+1), false)
	age(1000*sched.Second, 255, false)
	const most = uint8(HearsayFresh / codec.IntroAgeUnit)
	if !FreshAge(most) || FreshAge(most+1) {
		t.Error("what may make somebody known is another age than what is passed on")
	}
	if _, _, _, again := h.Next(now + HearsayFresh); again != now+HearsayFresh+hearsayAsk {
		t.Errorf("asked again at %d", again-now)
	}
	if _, _, _, again := h.Next(now + HearsayAge - 1); again != now+HearsayAge {
		t.Errorf("it ends at %d", again-now)
	}
}

// TestSeniorsNeedAHigherGeneration: of two in service the senior has the name once its generation
// is above, not before.
func TestSeniorsNeedAHigherGeneration(t *testing.T) {
	f := func(gen uint64, want Verdict) {
		t.Helper()
		var c Claim
		x := Holder{Gen: 5, Since: 4, Open: true, Addr: here, Claim: &c}
		if got, _ := x.Judge(10, &codec.Intro{Gen: gen, Since: 3, Addr: there}, there); got != want {
			t.Errorf("generation %d: %d, want %d", gen, got, want)
		}
	}
	f(5, Waits)
	f(6, Succeeds)
}

// TestTheMedianIsBelieved: generations that were met count by their median, in whatever order they
// came, and only where it is above the own and the clock.
func TestTheMedianIsBelieved(t *testing.T) {
	f := func(own uint64, want uint64, met ...uint64) {
		t.Helper()
		if got := Believed(10, own, met); got != want+uint64(Ahead) {
			t.Errorf("of %v and %d: %d, want %d", met, own, got-uint64(Ahead), want)
		}
	}
	f(20, 50, 90, 10, 50)
	f(20, 50, 50, 90, 10)
	f(20, 40, 90, 40) // the lower of two
	f(60, 60, 90, 10, 50)
	f(0, 10, 1, 1, 1)
}

// TestWhoHolds: a process that greets under our name has it where we are silenced, where it is our
// own life, and where it began no later.
func TestWhoHolds(t *testing.T) {
	f := func(silenced bool, gen, since uint64, want bool) {
		t.Helper()
		s := newSelf(7)
		s.Silenced = silenced
		if got := s.Holds(&codec.Hello{Gen: gen, Since: since}); got != want {
			t.Errorf("silenced %v, generation %d since %d: %v", silenced, gen, since, got)
		}
	}
	f(false, 9, 0, true)
	f(false, 9, 8, true)
	f(false, 9, 7, false)
	f(false, 7, 8, false)
	f(true, 9, 8, false)
}

// TestRefusedOverAName: who is told that another one has the name finds out who that is if it is in
// service, lets that one know if not, and does neither twice, nor where there is nobody else.
func TestRefusedOverAName(t *testing.T) {
	const now = 100 * sched.Second
	var none netip.AddrPort
	f := func(what string, s *Self, from, holder netip.AddrPort, inService bool, want Act) {
		t.Helper()
		if got := s.Refused(now, from, holder, inService); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	wakes := Act{Wake: now}
	f("a newcomer, by a third one", newSelf(7), elsewhere, there, false, Act{Greet: there})
	f("a newcomer, by the holder", newSelf(7), there, there, false, Act{})
	f("in service", newSelf(7), elsewhere, there, true, wakes)
	f("in service, by nobody's word", newSelf(7), elsewhere, none, true, Act{})
	f("in service, of ourselves, or a copy", newSelf(7), elsewhere, here, true, wakes)
	f("a newcomer, of ourselves", newSelf(7), elsewhere, here, false, Act{})

	s := newSelf(7)
	s.Renewals.Renewed(now - 1)
	f("just renewed", s, elsewhere, there, true, Act{})

	s = newSelf(7)
	f("first", s, elsewhere, there, true, wakes)
	f("while that is found out", s, elsewhere, there, true, Act{})
	f("while that is found out, of a third one", s, there, elsewhere, true, Act{})
	f("while that is found out, by one that has it, too", s, elsewhere, elsewhere, true, Act{})
	f("by the one that has it", s, there, there, true, Act{Conflict: true, Superseded: true, Gen: 7, Addr: there, Wake: now + rivalWatch})
	if !s.Silenced || s.rival.open {
		t.Errorf("%+v", s)
	}
	s.rival.tries = 2
	f("silenced, by a third one", s, elsewhere, there, true, Act{})
	if s.rival.tries != 2 {
		t.Error("a third one's word is no sign of the holder's life")
	}
	f("silenced, by the holder", s, there, there, true, Act{Wake: now + rivalWatch})
	if s.rival.tries != 0 {
		t.Error("the holder answers, and is held for silent")
	}
}

// TestOutlivedByWhom: an older generation, one that is heard of while silenced, and one soon after
// a renewal change nothing; the same one does, and one that is just believed.
func TestOutlivedByWhom(t *testing.T) {
	const now = 100 * sched.Second
	f := func(what string, s *Self, gen uint64, want Act) {
		t.Helper()
		if got := s.Outlived(now, gen, there, host(100)); got != want {
			t.Errorf("%s: %+v, want %+v", what, got, want)
		}
	}
	f("older", newSelf(7), 6, Act{})
	f("our own, at another address", newSelf(7), 7, Act{Wake: now})
	f("the highest believed", newSelf(7), 100, Act{Wake: now})
	f("above", newSelf(7), 101, Act{Unbelieved: true})
	s := newSelf(7)
	s.Silenced = true
	f("silenced", s, 9, Act{})
	s = newSelf(7)
	s.Renewals.Renewed(now - 1)
	f("just renewed", s, 9, Act{})
	unspecified := netip.MustParseAddrPort("0.0.0.0:7946")
	if got := newSelf(7).Outlived(now, 9, unspecified, host(100)); got != (Act{Renew: 10}) {
		t.Errorf("at no address: %+v", got)
	}
	senior := codec.Intro{Gen: 10, Since: 5, Addr: there}
	if got := newSelf(7).Met(now, &senior, false, host(100)); got != (Act{Wake: now}) {
		t.Errorf("a senior, by others: %+v", got)
	}
	in := codec.Intro{Gen: 7, Addr: there}
	if got := newSelf(7).Met(now, &in, false, host(100)); got != (Act{Wake: now}) {
		t.Errorf("our own generation, by others: %+v", got)
	}
}
