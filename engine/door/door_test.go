package door

import (
	"fmt"
	"net/netip"
	"testing"
	"unsafe"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

func at(text string) netip.AddrPort { return netip.MustParseAddrPort(text) }

func proofs(key uint64) *Proofs {
	p := new(Proofs)
	p.Init([2]uint64{key, ^key})
	return p
}

// TestCookieIsBoundToWhatItWasGivenFor: to one address, one boot salt, one life
// of the node that gave it, and a minute or two.
func TestCookieIsBoundToWhatItWasGivenFor(t *testing.T) {
	p, other := proofs(1), proofs(2)
	salt, another := [codec.SaltBytes]byte{7}, [codec.SaltBytes]byte{8}
	const now = 100 * cookieSpan
	k := p.Cookie(now, at("10.0.0.7:7946"), &salt)
	f := func(name string, want bool, p *Proofs, now sched.Instant, from string, salt *[codec.SaltBytes]byte, k [codec.CookieBytes]byte) {
		t.Helper()
		if p.Shows(now, at(from), salt, &k) != want {
			t.Errorf("%s: not %v", name, want)
		}
	}
	f("at once", true, p, now, "10.0.0.7:7946", &salt, k)
	f("the next span", true, p, now+cookieSpan, "10.0.0.7:7946", &salt, k)
	f("the one after", false, p, now+2*cookieSpan, "10.0.0.7:7946", &salt, k)
	f("the one before", false, p, now-1, "10.0.0.7:7946", &salt, k)
	f("mapped address", true, p, now, "[::ffff:10.0.0.7]:7946", &salt, k)
	f("another port", false, p, now, "10.0.0.7:7947", &salt, k)
	f("another address", false, p, now, "10.0.0.8:7946", &salt, k)
	f("another salt", false, p, now, "10.0.0.7:7946", &another, k)
	f("in clear", false, p, now, "10.0.0.7:7946", &noSalt, k)
	f("another life", false, other, now, "10.0.0.7:7946", &salt, k)
	f("nothing", false, p, now, "10.0.0.7:7946", &salt, [codec.CookieBytes]byte{})
	f("a challenge", false, p, now, "10.0.0.7:7946", &salt, p.Challenge(now, at("10.0.0.7:7946")))
	for i := range k {
		bad := k
		bad[i] ^= 0x80
		f("one bit", false, p, now, "10.0.0.7:7946", &salt, bad)
	}
	p.Close()
	f("after Close", false, p, now, "10.0.0.7:7946", &salt, k)
}

func TestChallengeComesBackFromWhereItWent(t *testing.T) {
	p := proofs(3)
	const now = 100 * challengeSpan
	k := p.Challenge(now, at("[2001:db8::1]:7946"))
	f := func(name string, now sched.Instant, from string, here, elsewhere bool) {
		t.Helper()
		if h, e := p.Answers(now, at(from), &k); h != here || e != elsewhere {
			t.Errorf("%s: %v, %v", name, h, e)
		}
	}
	f("at once", now, "[2001:db8::1]:7946", true, false)
	f("the next span", now+challengeSpan, "[2001:db8::1]:7946", true, false)
	f("later", now+2*challengeSpan, "[2001:db8::1]:7946", false, false)
	f("from elsewhere", now, "[2001:db8::2]:7946", false, true)
	if !p.Ours(now, &k) || proofs(4).Ours(now, &k) {
		t.Error("whose challenge it is")
	}
}

// TestBudgetOfManySources: whatever a flood does, a source that comes now and
// then has its turn; a source alone has no more than its own rate; and all
// together stay within the total and the fair turns.
func TestBudgetOfManySources(t *testing.T) {
	rate := Rate{Total: 1000, Burst: 500, Each: 50, EachBurst: 20}
	p := proofs(5)
	f := func(name string, sources, perMilli int, most int) {
		t.Helper()
		var b Budget
		b.Init(sched.Second, rate)
		quiet := p.Bucket(at("192.0.2.1:7946"))
		taken, served, asked, n := 0, 0, 0, 0
		for now := sched.Instant(sched.Second); now < 11*sched.Second; now += sched.Millisecond {
			for range perMilli {
				n++
				from := netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(n % sources >> 8), byte(n % sources)}), 7946)
				if k := p.Bucket(from); k%buckets != quiet%buckets && b.Take(now, k) {
					taken++
				}
			}
			if now%(500*sched.Millisecond) == 0 {
				if asked++; b.Take(now, quiet) {
					served++
				}
			}
		}
		if served != asked {
			t.Errorf("%s: a quiet source had %d of %d turns", name, served, asked)
		}
		if taken > most {
			t.Errorf("%s: %d turns in 10 s, want at most %d", name, taken, most)
		}
	}
	f("one source", 1, 200, rate.EachBurst+10*rate.Each+1)
	f("many sources", 30_000, 200, rate.Burst+10*rate.Total+buckets*50)
	f("none", 1, 0, 0)
}

func TestNothingIsAllocated(t *testing.T) {
	p := proofs(6)
	var b Budget
	b.Init(0, Rate{1000, 10, 100, 10})
	salt, from, now := [codec.SaltBytes]byte{1}, at("10.0.0.7:7946"), sched.Instant(1)
	var ok bool
	n := testing.AllocsPerRun(1000, func() {
		now++
		k := p.Cookie(now, from, &salt)
		c := p.Challenge(now, from)
		here, _ := p.Answers(now, from, &c)
		ok = p.Shows(now, from, &salt, &k) && here && p.Ours(now, &c)
		b.Take(now, p.Bucket(from))
	})
	if n != 0 || !ok {
		t.Errorf("%v allocations, %v", n, ok)
	}
}

func TestFootprint(t *testing.T) {
	if unsafe.Sizeof(Entry{}) != entryBytes {
		t.Errorf("an entry has %d bytes", unsafe.Sizeof(Entry{}))
	}
}

func BenchmarkShows(b *testing.B) {
	p, from := proofs(7), at("10.0.0.7:7946")
	salt := [codec.SaltBytes]byte{1}
	k := p.Cookie(0, from, &salt)
	b.ReportAllocs()
	for b.Loop() {
		if !p.Shows(0, from, &salt, &k) {
			b.Fatal("not shown")
		}
	}
}

func ExampleProofs() {
	var p Proofs
	p.Init([2]uint64{1, 2})
	var salt [codec.SaltBytes]byte
	there, elsewhere := at("10.0.0.7:7946"), at("10.0.0.8:7946")
	cookie := p.Cookie(0, there, &salt)
	fmt.Println(p.Shows(0, there, &salt, &cookie), p.Shows(0, elsewhere, &salt, &cookie))
	// Output: true false
}
