package door

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

func source(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 7946)
}

func (d *desk) pop() (n int) {
	var r Reply
	for d.Pop(&r) {
		n++
	}
	return n
}

// TestHintsAreRare: somebody whose frame can't be used is greeted once in a while, in answer to no
// bare greeting and to nothing shorter than the greeting, at a bounded rate for all, those too for
// whom the table has no place.
func TestHintsAreRare(t *testing.T) {
	d := newDesk()
	now := sched.Instant(1)
	e := d.Note(now, elsewhere, 1, 0)
	hint := func(e *Entry, size int, toHello bool, want int) {
		t.Helper()
		if d.GreetBack(now, e, elsewhere, size, toHello); d.pop() != want {
			t.Errorf("at %d, in answer to %d bytes, a greeting %v: not %d", now, size, toHello, want)
		}
	}
	hint(e, PaddedBytes-1, true, 0)
	hint(e, PaddedBytes, true, 1)
	hint(e, PaddedBytes-1, false, 0) // just now
	now += GreetGap - 1
	hint(e, 1400, false, 0)
	now++
	hint(e, 1400, false, 1)
	now += GreetGap
	hint(e, 1, false, 0) // it would be more than may be sent there
	hint(e, PaddedBytes-1, false, 1)
	n := 0
	for i := range 4 * greetBackBurst {
		if d.GreetBack(now, nil, source(i), 1400, false); d.pop() > 0 {
			n++
		}
	}
	if n > greetBackBurst {
		t.Errorf("%d greetings at once", n)
	}
}

// TestAnswersFromElsewhere: a host that answers from another address than was greeted is greeted
// there, within the budget of hints, and remembered as the seed.
func TestAnswersFromElsewhere(t *testing.T) {
	d := newDesk()
	seed := source(1)
	d.Seeds.Add(0, seed, 9)
	echo := d.Challenge(0, seed)
	if d.Greeted(1, elsewhere, 1400, &echo) || d.pop() != 1 {
		t.Error("the address that answers is believed, or is not greeted")
	}
	if d.Seeds.Answered(elsewhere, 7); d.Seeds.Peer(seed) != 7 {
		t.Error("the seed is not known to answer from there")
	}
	n := 0
	for range 4 * greetBackBurst {
		d.Greeted(1, elsewhere, 1400, &echo)
		n += d.pop()
	}
	if n > greetBackBurst {
		t.Errorf("%d greetings at once", n)
	}
}

// TestRefusalsHaveABudget: of one source and of all, and what is refused plainly bears the nonce of
// its greeting.
func TestRefusalsHaveABudget(t *testing.T) {
	d := newDesk()
	n := 0
	for range 100 {
		if d.Refuse(0, Reply{To: elsewhere}, codec.RefusedFull, 1) {
			n += d.pop()
		}
	}
	if n == 0 || n > refusalRate.EachBurst {
		t.Errorf("one source is refused %d times at once", n)
	}
	d = newDesk()
	seed := source(1)
	echo := d.Challenge(0, seed)
	t1 := Turned{Plain: true}
	t1.Echo = echo
	if !d.Refused(0, seed, &t1) || t1.Holder != seed {
		t.Errorf("a plain refusal of our greeting is not one: %+v", t1)
	}
	if t1.Echo[0] ^= 1; d.Refused(0, seed, &t1) {
		t.Error("a refusal of no greeting is one")
	}
	sealed := Turned{}
	sealed.Echo = echo
	if !d.Refused(0, seed, &sealed) || d.Refused(0, elsewhere, &sealed) {
		t.Error("a refusal is not told by the address that it came from")
	}
}

// TestSeedsThatRefuse: a seed that says why is asked when that makes sense: at once under another
// life, after the time that it names, soon where a seat may be free, seldom where it is sure; a word that anybody may have said
// changes nothing but what is told.
func TestSeedsThatRefuse(t *testing.T) {
	f := func(what string, why Turned, next sched.Instant, tries uint8) {
		t.Helper()
		const now = 100 * sched.Second
		var s Seeds
		seed := source(1)
		s.Add(now, seed, 9)
		s.list[0].tries = 3
		s.Turned(now, source(2), &why) // nobody that we know
		s.Turned(now, seed, &why)
		x := s.list[0]
		if x.next != now+next || x.tries != tries {
			t.Errorf("%s: asked after %d, %d tries, want %d and %d", what, x.next-now, x.tries, next, tries)
		}
		if told, ok := s.Why(seed); !ok || told.Reason != why.Reason || told.At != now {
			t.Errorf("%s: it is told %+v, %v", what, told, ok)
		}
		if s.Answered(seed, 5); s.list[0].why.At != 0 {
			t.Errorf("%s: it took us, and is said to refuse", what)
		}
	}
	is := func(reason codec.RefusalReason, detail uint64) (x Turned) {
		x.Reason, x.Detail = reason, detail
		return x
	}
	plain := is(codec.RefusedFull, 0)
	plain.Plain = true
	f("plain", plain, 0, 3)
	f("buried", is(codec.RefusedBuried, 0), HelloFirst, 0)
	f("busy", is(codec.RefusedBusy, 40), 40*sched.Millisecond, 0)
	f("busy for very long", is(codec.RefusedBusy, 1<<63), BackoffMax, 0)
	f("full", is(codec.RefusedFull, 0), fullAgain, 0)
	f("clock", is(codec.RefusedClock, 0), BackoffMax/2, 30)
	var s Seeds
	s.Add(0, source(1), 9)
	why := is(codec.RefusedFull, 0)
	if s.Turned(0, source(1), &why); s.list[0].why.At == 0 {
		t.Error("what is said at the very start was never said")
	}
}

// TestRejectsAreTold: a source is told of once in a while, all together at a bounded rate, and the
// table shows each that is in it with what it counted.
func TestRejectsAreTold(t *testing.T) {
	d := newDesk()
	now := sched.Instant(0)
	e := d.Note(now, elsewhere, 1, 9)
	if e.Again() {
		t.Error("the first one came again")
	}
	if e = d.Note(5, elsewhere, 1, 8); !e.Again() || e.Count != 2 || e.Last != 5 || e.KeyID != 8 {
		t.Errorf("%+v", e)
	}
	if other := d.Note(5, elsewhere, 2, 0); other == e || other.Count != 1 {
		t.Error("two reasons are one")
	}
	if list := d.AppendRejects(nil); len(list) != 2 || list[0].Count+list[1].Count != 3 {
		t.Errorf("%+v", list)
	}
	if d.Say(now, nil) || !d.Say(now, e) || d.Say(now+rejectSays-1, e) || !d.Say(now+rejectSays+1, e) {
		t.Error("it is told of too often, or never again")
	}
	d = newDesk()
	n := 0
	for i := range 4 * SayBurst {
		if e := d.Note(0, source(i), 1, 0); e != nil && d.Say(0, e) {
			n++
		}
	}
	if n == 0 || n > SayBurst {
		t.Errorf("%d are told of at once", n)
	}
	ports := map[uint64]bool{}
	for p := range uint16(64) {
		ports[mixAddr(netip.AddrPortFrom(elsewhere.Addr(), 7000+p))%rejectSets] = true
	}
	if len(ports) < 16 {
		t.Errorf("64 ports of a host share %d sets", len(ports))
	}
}

// TestHellosGoBackRarely: to where the peer is, and not twice within the gap.
func TestHellosGoBackRarely(t *testing.T) {
	now := 10 * sched.Second
	var c Contact
	c.Introduced(&codec.Intro{Gen: 7, Kinds: 3})
	if c.Since != 7 || c.Kinds != 3 {
		t.Errorf("%+v: without a seniority its generation counts", c)
	}
	if c.Introduced(&codec.Intro{Gen: 9, Since: 4}); c.Since != 4 {
		t.Errorf("%+v", c)
	}
	c.Moved(elsewhere)
	if c.Back(sched.Instant(now), source(1)) {
		t.Error("a hello goes to where it is not")
	}
	if !c.Back(sched.Instant(now), elsewhere) || c.Back(sched.Instant(now+GreetGap), elsewhere) || !c.Back(sched.Instant(now+GreetGap+1), elsewhere) {
		t.Error("hellos go back too often, or never again")
	}
}

// TestKeysOfProofs: a secret gives its key and is erased; without one two doors have different
// keys.
func TestKeysOfProofs(t *testing.T) {
	var rand sched.Rand
	rand.Seed(1)
	secret := [32]byte{1, 8: 2}
	if k := Key(&secret, &rand); k != [2]uint64{1, 2} || secret != [32]byte{} {
		t.Errorf("%v, and %v is left", k, secret)
	}
	a, b := Key(&secret, &rand), Key(&secret, &rand)
	if a == b || a == [2]uint64{} || a[0] == a[1] {
		t.Errorf("keys by chance: %v and %v", a, b)
	}
}
