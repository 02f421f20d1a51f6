package core

import (
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// What somebody without a key, or in clear somebody who proved no address, can
// send. Each kind is a law: it costs the victim no memory, no key derivation,
// no event, and its peers nothing at all.

// outsider has listened for a while, and knows how frames look.
type outsider struct {
	w      *net
	sealed bool
	victim *node
	peer   *node
	data   [][]byte // frames of the peer to the victim
	hellos [][]byte // greetings of the peer, of its former life first
	kinds  []hostile
	n      int
}

type hostile struct {
	name string
	make func(i int) (from netip.AddrPort, b []byte)
}

// newOutsider is a pair of which the second was restarted, and what was heard.
func newOutsider(t *testing.T, sealed bool, cfg func(*Config)) *outsider {
	set := func(_ int, c *Config) {
		if sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
		if cfg != nil {
			cfg(c)
		}
	}
	w := newNet(t, 2, 31, set)
	x := &outsider{w: w, sealed: sealed, victim: w.nodes[0]}
	w.carried = func(from *node, to netip.AddrPort, b []byte) {
		if from.i != 1 || to != w.nodes[0].addr {
			return
		}
		b = append([]byte(nil), b...)
		if hello(b, sealed) {
			x.hellos = append(x.hellos, b)
		} else if len(x.data) < 256 {
			x.data = append(x.data, b)
		}
	}
	w.joinAll()
	w.run(sched.Second)
	w.start(1, 2, set)
	w.nodes[1].core.Join(w.now, w.nodes[0].addr)
	w.pump(w.nodes[1])
	w.run(sched.Second)
	for i := range 200 {
		w.set(1, fmt.Sprint("k", i), "a value of some length, so that frames are long")
		w.run(sched.Millisecond)
	}
	w.carried = nil
	x.peer = w.nodes[1]
	if len(x.hellos) < 2 || len(x.data) < 50 || w.nodes[0].core.roster.Reach() != 1 {
		t.Fatalf("%d greetings, %d frames heard", len(x.hellos), len(x.data))
	}
	x.list()
	return x
}

func hello(b []byte, sealed bool) bool {
	var h codec.Header
	if sealed {
		_, err := codec.ParseHeader(b, &h)
		return err == nil && h.KeyID != 0 && h.Flags&codec.FlagHello != 0
	}
	records, err := codec.ParseFrame(b, &h)
	t, _, _ := codec.NextRecord(records)
	return err == nil && (t == codec.TypeHello || t == codec.TypeHelloReply)
}

// source is one of 65,536 addresses that nobody lives at.
func source(i int) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), 1000)
}

func (x *outsider) list() {
	f := func(name string, make func(i int) (netip.AddrPort, []byte)) {
		x.kinds = append(x.kinds, hostile{name, make})
	}
	copied := func(b []byte) []byte { return append([]byte(nil), b...) }
	frame := func(i int) []byte { return copied(x.data[i%len(x.data)]) }
	spoiled := func(name string, at int, bit byte) {
		f(name, func(i int) (netip.AddrPort, []byte) {
			b := frame(i)
			b[at] ^= bit
			return source(i), b
		})
	}
	garbage := func(i, n int) []byte {
		b := make([]byte, n)
		for k := range b {
			b[k] = byte(i*31 + k*k*7 + i>>8)
		}
		return b
	}
	f("garbage", func(i int) (netip.AddrPort, []byte) { return source(i), garbage(i, 600) })
	f("garbage of the peer's address", func(i int) (netip.AddrPort, []byte) { return x.peer.addr, garbage(i, 600) })
	f("empty", func(i int) (netip.AddrPort, []byte) { return source(i), nil })
	f("cut off", func(i int) (netip.AddrPort, []byte) { b := frame(i); return source(i), b[:i%len(b)] })
	spoiled("magic", 0, 1)
	spoiled("version", 1, 1)
	spoiled("flags", 2, 128)
	spoiled("key id", 4, 2)
	spoiled("cluster", 8, 1)
	spoiled("sender", 12, 1)
	spoiled("salt", 30, 1)
	f("damaged", func(i int) (netip.AddrPort, []byte) {
		b := frame(i)
		b[len(b)-1-i%20] ^= 1
		return source(i), b
	})
	if x.sealed { // in clear a source can be forged, and then the frame is the peer's
		f("replayed from its address", func(i int) (netip.AddrPort, []byte) { return x.peer.addr, frame(i) })
	}
	f("replayed from elsewhere", func(i int) (netip.AddrPort, []byte) { return source(i), frame(i) })
	f("its own frame back", func(i int) (netip.AddrPort, []byte) {
		b := frame(i)
		for k := range 8 {
			b[12+k] = byte(uint64(x.victim.core.me.ID) >> (8 * k))
		}
		return source(i), b
	})
	f("greeting replayed", func(i int) (netip.AddrPort, []byte) { return source(i), copied(x.hellos[i%len(x.hellos)]) })
	f("greeting of a former life", func(i int) (netip.AddrPort, []byte) { return source(i % 7), copied(x.hellos[0]) })
	f("greeting damaged", func(i int) (netip.AddrPort, []byte) {
		b := copied(x.hellos[i%len(x.hellos)])
		b[len(b)-1-i%16] ^= 1
		return source(i), b
	})
	f("cookie invented", func(i int) (netip.AddrPort, []byte) { return source(i), x.cookie(i, [16]byte{byte(i)}) })
	f("in the other mode", func(i int) (netip.AddrPort, []byte) {
		h := codec.Header{Cluster: x.victim.core.page.Cluster, Sender: codec.OriginID(i + 1)}
		if !x.sealed {
			h.Flags, h.KeyID = codec.FlagSeal, 1
		}
		return source(i), codec.AppendChecksum(append(codec.AppendHeader(nil, &h), make([]byte, 100)...), 0)
	})
	if !x.sealed {
		x.clear(f)
	}
}

// clear are the kinds that take no key.
func (x *outsider) clear(f func(string, func(int) (netip.AddrPort, []byte))) {
	c := &x.victim.core
	greeting := func(t codec.Type, name string, gen uint64, pad int) []byte {
		h := codec.Header{Cluster: c.page.Cluster, Sender: codec.MakeOriginID(c.me.Key, []byte(name), gen)}
		hello := codec.Hello{Mode: c.me.Mode, Gen: gen, Name: []byte(name), Salt: [16]byte{byte(gen)}}
		b := codec.AppendHeader(make([]byte, 0, codec.FrameBytesMax), &h)
		if t == codec.TypeHello {
			b = codec.AppendHello(b, &hello)
		} else {
			b = codec.AppendHelloReply(b, &codec.HelloReply{Hello: hello, KnownGen: gen + 1e6})
		}
		if pad > len(b)+10 {
			b = codec.AppendPad(b, pad-len(b)-4)
		}
		return codec.AppendChecksum(b, 0)
	}
	f("hello of invented names", func(i int) (netip.AddrPort, []byte) {
		return source(i), greeting(codec.TypeHello, fmt.Sprint("n", i), 1, door.PaddedBytes)
	})
	f("hello of one source", func(i int) (netip.AddrPort, []byte) {
		return source(1), greeting(codec.TypeHello, fmt.Sprint("n", i), 1, door.PaddedBytes)
	})
	f("hello of the victim's name", func(i int) (netip.AddrPort, []byte) {
		return source(i), greeting(codec.TypeHello, string(c.cfg.Name), uint64(100+i), door.PaddedBytes)
	})
	f("hello of the peer's name", func(i int) (netip.AddrPort, []byte) {
		return source(i), greeting(codec.TypeHello, string(x.peer.core.cfg.Name), uint64(100+i), 0)
	})
	f("reply to nothing", func(i int) (netip.AddrPort, []byte) {
		return source(i), greeting(codec.TypeHelloReply, string(c.cfg.Name), uint64(100+i), 0)
	})
	f("stranger's data", func(i int) (netip.AddrPort, []byte) {
		h := codec.Header{Cluster: c.page.Cluster, Sender: codec.OriginID(i + 7)}
		return source(i), codec.AppendChecksum(codec.AppendPad(codec.AppendHeader(nil, &h), 1000), 0)
	})
}

// cookie is a frame of somebody who shows a cookie.
func (x *outsider) cookie(i int, k [16]byte) []byte {
	h := codec.Header{Flags: codec.FlagCookie, Cluster: x.victim.core.page.Cluster, Sender: codec.OriginID(i%5 + 99), Cookie: k}
	if x.sealed {
		h.Flags |= codec.FlagSeal
		h.KeyID, h.Salt = 1, [16]byte{9, byte(i)}
		return append(codec.AppendHeader(nil, &h), make([]byte, 400)...)
	}
	return codec.AppendChecksum(codec.AppendPad(codec.AppendHeader(nil, &h), 400), 0)
}

// send gives the victim one datagram, and takes what it says to that.
func (x *outsider) send(k *hostile) {
	from, b := k.make(x.n)
	x.n++
	x.victim.core.Receive(x.w.now, from, b)
	x.w.pump(x.victim)
}

// outsiders runs a law for each kind, on sealed nodes and on nodes in clear.
func outsiders(t *testing.T, cfg func(*Config), law func(t *testing.T, x *outsider, k *hostile)) {
	for _, sealed := range []bool{true, false} {
		for i := range newOutsider(t, sealed, cfg).kinds {
			x := newOutsider(t, sealed, cfg)
			k := &x.kinds[i]
			t.Run(fmt.Sprintf("sealed=%v/%s", sealed, k.name), func(t *testing.T) { law(t, x, k) })
		}
	}
}

// TestOutsidersThrottleNobody: the rate that peers may send at, and the marks
// that they get, follow from what peers send. A flood four times the receive
// rate from people who prove nothing changes neither, also while the kernel's
// queue is full of it.
func TestOutsidersThrottleNobody(t *testing.T) {
	limit := func(c *Config) { c.ReceiveMax = 300_000 }
	outsiders(t, limit, func(t *testing.T, x *outsider, k *hostile) {
		r := x.victim.core.Parts().Flow
		var drops uint64
		for ms := range 1500 {
			for range 2 {
				x.send(k)
			}
			if ms > 50 { // it takes a while to fill
				drops++
				x.victim.core.Observe(Pressure{Queue: 3 << 20, Room: 4 << 20, Drops: drops})
			}
			if ms%25 == 0 {
				x.w.set(1, "k", fmt.Sprint(x.n))
			}
			x.w.run(sched.Millisecond)
			if r.State().Credit != 0 || r.State().Pressed {
				t.Fatalf("after %d datagrams peers may send %d B/s, marks %v", x.n, r.State().Credit, r.State().Pressed)
			}
		}
		x.w.converge(sched.Second)
	})
}

// flood prepares datagrams of a kind, and gives the victim the next of them: as
// little as possible happens beside that.
func (x *outsider) flood(k *hostile, n int) (one func()) {
	type datagram struct {
		from netip.AddrPort
		b    []byte
	}
	list := make([]datagram, n)
	for i := range list {
		list[i].from, list[i].b = k.make(i)
	}
	c, now, out := &x.victim.core, x.w.now, make([]byte, codec.FrameBytesMax)
	i := 0
	return func() {
		now += 10 * sched.Microsecond
		c.Receive(now, list[i].from, list[i].b)
		i++
		for ok := true; ok; _, _, ok = c.Transmit(now, out) {
		}
		var ev Event
		for c.NextEvent(&ev) {
		}
		x.w.now = now
	}
}

// TestOutsidersCostNothing: whatever somebody without the key sends, and however
// much of it, no memory is allocated and no key derived; nothing is told, and
// nobody becomes known.
func TestOutsidersCostNothing(t *testing.T) {
	outsiders(t, nil, func(t *testing.T, x *outsider, k *hostile) {
		c := &x.victim.core
		const n = 3000
		one := x.flood(k, 2*n+2)
		for range n { // tables fill
			one()
		}
		derived, peers := c.counters.Derived, c.roster.Used()
		if a := testing.AllocsPerRun(n, one); a != 0 {
			t.Errorf("%v allocations for each", a)
		}
		if d := c.counters.Derived - derived; d != 0 {
			t.Errorf("%d keys derived", d)
		}
		if c.roster.Used() != peers || c.roster.Reach() != 1 || c.counters.Conflicts != 0 {
			t.Errorf("%d peers, %d reached, %d conflicts", c.roster.Used(), c.roster.Reach(), c.counters.Conflicts)
		}
	})
}

// TestOutsidersAreNotHeardOf: nothing that an outsider sends becomes an event,
// save that somebody can't be understood here, which is told once a source and minute.
func TestOutsidersAreNotHeardOf(t *testing.T) {
	outsiders(t, nil, func(t *testing.T, x *outsider, k *hostile) {
		x.victim.events = nil
		for range 500 {
			x.send(k)
			x.w.run(sched.Millisecond)
		}
		missing := 0
		for _, e := range x.victim.events {
			switch e.Kind {
			case Advanced:
			case KeyUnknown, Refuses:
				missing++
			default:
				t.Errorf("event %d of generation %d at %v", e.Kind, e.Generation, e.Addr)
			}
		}
		if missing > door.SayBurst+1 {
			t.Errorf("%d lines about keys", missing)
		}
	})
}

// TestGreetingsAreBudgeted: a flood of greetings is answered at a bounded rate,
// and a newcomer is in meanwhile as usual, sealed or not.
func TestGreetingsAreBudgeted(t *testing.T) {
	for _, sealed := range []bool{true, false} {
		x := newOutsider(t, sealed, nil)
		kind := &x.kinds[0]
		for i := range x.kinds {
			if name := x.kinds[i].name; name == "greeting replayed" && sealed || name == "hello of invented names" {
				kind = &x.kinds[i]
			}
		}
		w := x.w
		answers := 0
		w.carried = func(from *node, to netip.AddrPort, _ []byte) {
			if from == x.victim && w.at[to] == nil {
				answers++
			}
		}
		flood := func(until sched.Instant, done func() bool) {
			for w.now < until && !done() {
				for range 50 { // 50,000 a second
					x.send(kind)
				}
				w.run(sched.Millisecond)
			}
		}
		start := w.now
		flood(start+2*sched.Second, func() bool { return false })
		t.Logf("sealed %v: %s: %d of 100,000 answered in 2 s", sealed, kind.name, answers)
		if most := 2048 + 2*(8192+5*1024) + 1024; answers == 0 || answers > most {
			t.Errorf("sealed %v: %d answers, want at most %d", sealed, answers, most)
		}
		late := w.start(2, 1, func(_ int, c *Config) {
			if sealed {
				c.Keys = ringOf(string(c.Cluster), 1)
			}
		})
		late.core.Join(w.now, x.victim.addr)
		w.pump(late)
		begun := w.now
		flood(begun+5*sched.Second, func() bool { return late.core.roster.Reach() == 2 })
		t.Logf("sealed %v: the newcomer is in after %d ms", sealed, (w.now-begun)/sched.Millisecond)
		if late.core.roster.Reach() != 2 {
			t.Errorf("sealed %v: a newcomer is not in after 5 s: %v", sealed, x.victim.core.counters.Drops)
		}
	}
}

// TestCookieOfAnotherSalt: a holder of the key that greets under one boot salt
// can't show the cookie under others: each key that is derived was greeted for.
func TestCookieOfAnotherSalt(t *testing.T) {
	x := newOutsider(t, true, nil)
	c := &x.victim.core
	from := source(1)
	cookie := c.door.Cookie(x.w.now, from, &[16]byte{1})
	derived := c.counters.Derived
	for i := range 100 {
		h := codec.Header{Flags: codec.FlagCookie | codec.FlagSeal, KeyID: 1, Cluster: c.page.Cluster, Sender: 99, Cookie: cookie, Salt: [16]byte{2, byte(i)}}
		c.Receive(x.w.now, from, append(codec.AppendHeader(nil, &h), make([]byte, 100)...))
	}
	if d := c.counters.Derived - derived; d != 0 || c.counters.Drops[DropCookie] != 100 {
		t.Errorf("%d derivations, %v", d, c.counters.Drops)
	}
	h := codec.Header{Flags: codec.FlagCookie | codec.FlagSeal, KeyID: 1, Cluster: c.page.Cluster, Sender: 99, Cookie: cookie, Salt: [16]byte{1}}
	frame := append(codec.AppendHeader(nil, &h), make([]byte, 100)...)
	for range 1000 {
		c.Receive(x.w.now, from, append([]byte(nil), frame...))
	}
	if d := c.counters.Derived - derived; d > 8 {
		t.Errorf("one source had %d keys derived at once, want at most 8", d)
	}
}

// TestCookieIsSealed: whoever listens to a handshake, or repeats one, sees no
// cookie before the sender that it is for shows it.
func TestCookieIsSealed(t *testing.T) {
	x := newOutsider(t, true, nil)
	thief := source(3)
	var got [][]byte
	x.w.carried = func(_ *node, to netip.AddrPort, b []byte) {
		if to == thief {
			got = append(got, append([]byte(nil), b...))
		}
	}
	x.victim.core.Receive(x.w.now, thief, append([]byte(nil), x.hellos[0]...))
	x.w.pump(x.victim)
	var h codec.Header
	if len(got) != 1 {
		t.Fatalf("%d answers", len(got))
	}
	if _, err := codec.ParseHeader(got[0], &h); err != nil || h.Flags&codec.FlagCookie != 0 {
		t.Errorf("the answer shows a cookie: flags %b, %v", h.Flags, err)
	}
}
