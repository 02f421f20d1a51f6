package door

import (
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// A hello is answered once, and a peer that moved is greeted as one that was never.
func TestContact(t *testing.T) {
	var c Contact
	if _, ok := c.Answered(5); ok {
		t.Error("an answer to nothing")
	}
	c.Greeted(10)
	c.Hellos = 3
	if _, ok := c.Answered(25); ok || c.waits {
		t.Error("one of three hellos is answered, and its time taken")
	}
	c.Greeted(10)
	c.Hellos = 1
	if took, ok := c.Answered(25); !ok || took != 15 {
		t.Errorf("took %d %v", took, ok)
	}
	if _, ok := c.Answered(30); ok {
		t.Error("a hello is answered twice")
	}
	to := netip.MustParseAddrPort("127.0.0.1:7")
	if c.Moved(to); c.Addr != to || c.Hellos != 0 {
		t.Errorf("%+v", c)
	}
	if c.Shown([16]byte{1}); !c.HasCookie || c.Cookie[0] != 1 {
		t.Errorf("%+v", c)
	}
	if c.Knows(); c.HasCookie {
		t.Error("it is shown a cookie that it knows")
	}
	for range 100 {
		c.Missed()
	}
	if c.Hellos != 30 {
		t.Errorf("%d greetings are counted", c.Hellos)
	}
	if c.Anew(); c.Hellos != 0 {
		t.Error("it does not begin anew")
	}
	if c.Declares(to); !c.Declared || c.Advertised != to {
		t.Errorf("%+v", c)
	}
	if c.Named(netip.MustParseAddrPort("127.0.0.1:8"), to); c.Declared {
		t.Errorf("%+v", c)
	}
}

// Others are told of a peer at the place where it was met last, unless it says another one itself.
func TestWhereOthersAreSentTo(t *testing.T) {
	old, at, said := netip.MustParseAddrPort("10.0.0.1:7"), netip.MustParseAddrPort("10.0.0.2:7"), netip.MustParseAddrPort("10.0.0.3:7")
	c := Contact{Addr: old, Advertised: old}
	if c.Moved(at); c.Known() != at {
		t.Errorf("met at %v, others are told %v", at, c.Known())
	}
	c.Declares(said)
	if c.Moved(said); c.Known() != said {
		t.Errorf("it says %v, others are told %v", said, c.Known())
	}
	if c.Moved(old); c.Known() != said {
		t.Errorf("it says %v, others are told %v", said, c.Known())
	}
}

// The cookie is shown until the peer has seen it.
func TestCookieIsShown(t *testing.T) {
	var c Contact
	var h codec.Header
	if c.Show(&h); h.Flags != 0 {
		t.Error("there is none")
	}
	c.Shown([16]byte{1})
	if c.Show(&h); h.Flags != codec.FlagCookie || h.Cookie != c.Cookie {
		t.Errorf("%+v", h)
	}
}

// Who is said to be elsewhere is greeted there if it is silent where it is known: one greeting for
// each word, within the rate of introductions, and none where nobody can be.
func TestElsewhere(t *testing.T) {
	old, at := netip.MustParseAddrPort("10.0.0.1:7"), netip.MustParseAddrPort("10.0.0.2:7")
	const now, most = 10 * sched.Second, 8
	var d Door
	d.Init(now, &Config{Introduced: most / 2, Busy: new(uint64)})
	c := Contact{Addr: old, Advertised: old}
	greets := func(heard sched.Instant, addr, from netip.AddrPort) (n int) {
		var r Reply
		for d.Elsewhere(now, &c, heard, addr, from); d.Pop(&r); n++ {
			if r.Kind != codec.TypeHello || r.To != addr {
				t.Errorf("%+v", r)
			}
		}
		return n
	}
	none := netip.AddrPort{}
	if greets(now-sched.Second, at, none)+greets(0, old, none)+greets(0, none, none)+greets(0, netip.MustParseAddrPort("0.0.0.0:7"), none) != 0 {
		t.Error("greeted though it was heard, or where it is known, or nowhere")
	}
	n := 0
	for range 100 {
		n += greets(0, at, none)
	}
	if n == 0 || n > most {
		t.Errorf("%d greetings for 100 words, at most %d", n, most)
	}
	if c.Addr != old || c.Advertised != old {
		t.Error("others' word is believed")
	}
	if greets(0, at, at) != 0 || c.Advertised != at {
		t.Error("its own word is not taken")
	}
}

// One other address is kept, the last at which it answered, until the peer is found elsewhere.
func TestWhereItAnswersToo(t *testing.T) {
	here, b, d := netip.MustParseAddrPort("10.0.0.1:7"), netip.MustParseAddrPort("10.0.0.1:8"), netip.MustParseAddrPort("[fe80::1]:7")
	c := Contact{Addr: here}
	too := func(want ...bool) {
		t.Helper()
		for i, a := range []netip.AddrPort{{}, here, b, d} {
			if c.Too(a) != want[i] {
				t.Errorf("%v: %v", a, !want[i])
			}
		}
	}
	too(false, false, false, false)
	c.AnswersToo(b)
	too(false, false, true, false)
	c.AnswersToo(d)
	too(false, false, false, true)
	c.Moved(b)
	too(false, false, false, false)
}
