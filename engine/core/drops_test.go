package core

import (
	"bytes"
	"fmt"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/door"
	"github.com/quidnunc/quidnunc/sched"
)

// droppedFrame is a datagram that is dropped for one reason.
type droppedFrame struct {
	sealed bool
	cfg    func(c *Config)
	frame  func(x *outsider, i int) (from netip.AddrPort, b []byte) // the i-th; the first that is dropped is judged
}

// TestEachDropHasItsFrame: for each reason there is a datagram that is counted under it, once, and
// under no other; those before it, where it takes several, are not dropped at all. A reason without a
// row is named with the test that has it.
func TestEachDropHasItsFrame(t *testing.T) {
	elsewhere := map[Drop]string{
		DropBusy:      "compare.TestAheadAndBusyAreTold, precise.TestAheadAndBusyAreTold",
		DropUnnamed:   "TestReferencesToWhoJoinsLate",
		DropShed:      "flow.TestShedding: a standing queue",
		DropExhausted: "TestWhatCanNotBeSealedIsDropped",
	}
	rows := droppedFrames()
	for why := range DropReasons {
		row, ok := rows[why]
		if ok == (elsewhere[why] != "") {
			t.Errorf("%v: a row %v, elsewhere %q", why, ok, elsewhere[why])
		}
		if !ok {
			continue
		}
		t.Run(why.String(), func(t *testing.T) {
			x := newOutsider(t, row.sealed, row.cfg)
			x.w.run(100 * sched.Millisecond)
			c := &x.victim.core
			want, received, long := c.counters.Drops, c.counters.FramesReceived, c.counters.BytesReceived
			for i := 0; c.counters.Drops == want; i++ {
				if i == 5000 {
					t.Fatal("none is dropped")
				}
				from, b := row.frame(x, i)
				received, long = received+1, long+uint64(len(b))
				c.Receive(x.w.now, from, bytes.Clone(b))
			}
			if want[why]++; c.counters.Drops != want {
				for d := range DropReasons {
					if n := c.counters.Drops[d] - want[d]; n != 0 {
						t.Errorf("%d more dropped: %v", int64(n), d)
					}
				}
			}
			if c.counters.FramesReceived != received || c.counters.BytesReceived != long {
				t.Errorf("%d frames of %d bytes, want %d of %d", c.counters.FramesReceived, c.counters.BytesReceived, received, long)
			}
		})
	}
}

func droppedFrames() map[Drop]droppedFrame {
	rows := map[Drop]droppedFrame{}
	heard := func(x *outsider) []byte { return bytes.Clone(x.data[len(x.data)-1]) }
	// spoiled is a frame that was heard with one bit turned.
	spoiled := func(why Drop, sealed bool, at int, bit byte) {
		rows[why] = droppedFrame{sealed: sealed, frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
			b := heard(x)
			b[(at+len(b))%len(b)] ^= bit
			return source(i), b
		}}
	}
	// said is a record that the peer sends.
	said := func(why Drop, cfg func(c *Config), record func(c *Core, i int) []byte) {
		rows[why] = droppedFrame{cfg: cfg, frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
			p := &x.victim.core.peers[x.w.peer(0, 1)]
			high, _ := p.link.Seen()
			h := codec.Header{Flags: codec.FlagFlow, Cluster: x.victim.core.page.Cluster, Sender: x.peer.core.me.ID, Seq: high + 1, Ack: p.link.Last()}
			return x.peer.addr, codec.AppendChecksum(append(codec.AppendHeader(nil, &h), record(&x.victim.core, i)...), 0)
		}}
	}
	intro := func(c *Core, name string, gen uint64) *codec.Intro {
		return &codec.Intro{ID: codec.MakeOriginID(c.me.Key, []byte(name), gen), Gen: gen, Name: []byte(name), Addr: addrOf(77)}
	}
	// greeted is a greeting of somebody.
	greeted := func(why Drop, cfg func(c *Config), change func(c *Core, h *codec.Hello)) {
		rows[why] = droppedFrame{cfg: cfg, frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
			c := &x.victim.core
			hello := codec.Hello{Mode: c.me.Mode, Gen: 1, Name: []byte("new"), Salt: [16]byte{1}}
			change(c, &hello)
			h := codec.Header{Cluster: c.page.Cluster, Sender: codec.MakeOriginID(c.me.Key, hello.Name, hello.Gen)}
			b := codec.AppendHello(codec.AppendHeader(nil, &h), &hello)
			return source(i), codec.AppendChecksum(codec.AppendPad(b, door.PaddedBytes-len(b)-8), 0)
		}}
	}
	rows[DropShort] = droppedFrame{frame: func(x *outsider, i int) (netip.AddrPort, []byte) { return source(i), heard(x)[:9] }}
	rows[DropLong] = droppedFrame{frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
		return source(i), append(heard(x), make([]byte, codec.FrameBytesMax)...)
	}}
	spoiled(DropMagic, false, 0, 1)
	spoiled(DropVersion, false, 1, 1)
	spoiled(DropFlags, false, 2, 128)
	spoiled(DropCluster, false, 8, 1)
	spoiled(DropChecksum, false, -1, 1)
	spoiled(DropKey, true, 4, 2)
	said(DropRecord, nil, func(*Core, int) []byte { return codec.AppendRecord(nil, codec.TypeRun, []byte{0xff}) })
	said(DropForged, nil, func(c *Core, _ int) []byte {
		in := intro(c, "ghost", 1)
		in.ID++
		return codec.AppendIntro(nil, in)
	})
	said(DropBuried, nil, func(c *Core, _ int) []byte { return codec.AppendIntro(nil, intro(c, "node-1", 1)) }) // its former life
	said(DropGeneration, nil, func(c *Core, _ int) []byte { return codec.AppendIntro(nil, intro(c, "ghost", codec.GenerationMax)) })
	said(DropUnknown, nil, func(*Core, int) []byte {
		var rw codec.RunWriter
		rw.Begin(nil, 1200, codec.RunHead{ID: 12345, From: 1, Max: 1})
		return rw.End(1)
	})
	many := func(c *Core, i int) []byte { return codec.AppendIntro(nil, intro(c, fmt.Sprint("ghost", i), 1)) }
	said(DropRate, func(c *Config) { c.Limits.Introduced = 8 }, many)
	said(DropFull, func(c *Config) { c.Limits.Peers = 16 }, many)
	greeted(DropMode, nil, func(_ *Core, h *codec.Hello) { h.Mode++ })
	greeted(DropBanned, func(c *Config) {
		c.Admit = func(name []byte, _ netip.AddrPort) bool { return string(name) != "new" }
	}, func(*Core, *codec.Hello) {})
	greeted(DropClaim, nil, func(c *Core, h *codec.Hello) {
		h.Name, h.Gen = c.me.Name, c.me.Gen+100 // a later boot than the one that has it
	})
	other := func(sealed bool) droppedFrame {
		return droppedFrame{sealed: sealed, frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
			h := codec.Header{Cluster: x.victim.core.page.Cluster, Sender: 7}
			if !sealed {
				h.Flags, h.KeyID = codec.FlagSeal, 1
			}
			return source(i), codec.AppendChecksum(codec.AppendPad(codec.AppendHeader(nil, &h), 400), 0)
		}}
	}
	rows[DropSealed], rows[DropUnsealed] = other(false), other(true)
	rows[DropSelf] = droppedFrame{frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
		h := codec.Header{Cluster: x.victim.core.page.Cluster, Sender: x.victim.core.me.ID}
		return source(i), codec.AppendChecksum(codec.AppendPad(codec.AppendHeader(nil, &h), 400), 0)
	}}
	rows[DropStranger] = droppedFrame{frame: func(x *outsider, i int) (netip.AddrPort, []byte) {
		h := codec.Header{Cluster: x.victim.core.page.Cluster, Sender: 7}
		return source(i), codec.AppendChecksum(codec.AppendPad(codec.AppendHeader(nil, &h), 400), 0)
	}}
	rows[DropReplay] = droppedFrame{sealed: true, frame: func(x *outsider, _ int) (netip.AddrPort, []byte) { return x.peer.addr, heard(x) }}
	rows[DropAuth] = droppedFrame{sealed: true, frame: func(x *outsider, _ int) (netip.AddrPort, []byte) {
		var b []byte
		x.w.filter = func(from, to *node, frame []byte) bool {
			if from == x.peer && to == x.victim {
				b = bytes.Clone(frame)
			}
			return false
		}
		x.w.set(1, "one", "more")
		x.w.run(50 * sched.Millisecond)
		b[len(b)-1] ^= 1
		return x.peer.addr, b
	}}
	rows[DropCookie] = droppedFrame{sealed: true, frame: func(x *outsider, i int) (netip.AddrPort, []byte) { return source(i), x.cookie(i, [16]byte{1}) }}
	rows[DropRefused] = droppedFrame{frame: func(x *outsider, _ int) (from netip.AddrPort, b []byte) {
		y := x.w.start(2, 1, func(_ int, c *Config) { c.Cluster = []byte("another") })
		x.w.filter = func(f, to *node, frame []byte) bool {
			if f == y && to == x.victim {
				b = bytes.Clone(frame)
			}
			return f == x.victim && to == y
		}
		x.victim.core.Join(x.w.now, y.addr)
		x.w.pump(x.victim)
		x.w.run(10 * sched.Millisecond)
		return y.addr, b
	}}
	return rows
}

// TestWhatCanNotBeSealedIsDropped: a frame that can't be sent is counted as such, and not as sent.
func TestWhatCanNotBeSealedIsDropped(t *testing.T) {
	var is, want Counters
	if n := is.sent(make([]byte, 100), codec.ErrExhausted); n != 0 {
		t.Errorf("%d bytes go out", n)
	}
	if want.Drops[DropExhausted]++; is.Drops != want.Drops || is.FramesSent != 0 || is.BytesSent != 0 {
		t.Errorf("dropped %v, sent %d", is.Drops, is.FramesSent)
	}
}
