package core

import (
	"encoding/binary"
	"fmt"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/sched"
)

// doorway is two nodes that know each other, and full frames from one to the other.
type doorway struct {
	w      *net
	a, b   *Core
	frames [][]byte
	now    sched.Instant
	step   sched.Instant // between datagrams
	v      uint64
}

func newDoorway(tb testing.TB, sealed bool) *doorway {
	w := newNet(&testing.T{}, 2, 21, func(_ int, c *Config) {
		c.Experiment.NoDetector, c.Interval = true, 1000*sched.Second
		if sealed {
			c.Keys = ringOf(string(c.Cluster), 1)
		}
	})
	w.joinAll()
	w.run(sched.Second)
	d := &doorway{w: w, a: &w.nodes[0].core, b: &w.nodes[1].core, now: w.now}
	if d.a.roster.Reach() != 1 || d.b.roster.Reach() != 1 {
		tb.Fatal("they have not met")
	}
	return d
}

// fill makes n full frames of writes from a to b, which follow each other.
func (d *doorway) fill(n int) {
	d.frames = d.frames[:0]
	key, value := make([]byte, 12), make([]byte, 24)
	copy(key, "service/")
	e := codec.Entry{Key: key, Value: value}
	q := &d.a.peers[1]
	for range n {
		h := &d.a.page.Header
		h.Flags, h.Seq = d.a.guard.Flags()|codec.FlagFlow, q.link.Last()+1
		q.link.Sent(false)
		b := codec.AppendHeader(make([]byte, 0, codec.FrameBytesMax), h)
		var w codec.RunWriter
		limit := codec.FrameBytesDefault - h.TrailerBytes()
		w.Begin(b, limit, codec.RunHead{ID: d.a.me.ID, From: d.v})
		for {
			e.Version = d.v + 1
			binary.BigEndian.PutUint32(key[8:], uint32(e.Version%4096))
			if !w.Entry(&e) {
				break
			}
			d.v++
		}
		frame, err := d.a.guard.Finish(w.End(d.v), 1)
		if err != nil {
			panic(err)
		}
		d.frames = append(d.frames, frame)
	}
}

// BenchmarkAccept is what a full frame of writes costs that is taken.
func BenchmarkAccept(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		b.Run(fmt.Sprint("sealed=", sealed), func(b *testing.B) {
			d := newDoorway(b, sealed)
			b.ReportAllocs()
			i := 0
			new := d.b.counters.EntriesNew
			for b.Loop() {
				if i == len(d.frames) {
					b.StopTimer()
					d.fill(512)
					var ev Event
					for d.b.NextEvent(&ev) {
					}
					i = 0
					b.StartTimer()
				}
				d.b.Receive(d.now, addrOf(0), d.frames[i])
				i++
			}
			if per := float64(d.b.counters.EntriesNew-new) / float64(b.N); per < 15 {
				b.Fatalf("%.1f entries a frame: %v", per, d.b.counters.Drops)
			}
		})
	}
}

// BenchmarkReject is what a full frame costs that is turned away, by the stage
// at which it is: before the cipher less than half of BenchmarkAccept, at it no
// more.
func BenchmarkReject(b *testing.B) {
	f := func(name string, sealed bool, why Drop, spoil func(d *doorway, frame []byte) []byte) {
		b.Run(name, func(b *testing.B) {
			d := newDoorway(b, sealed)
			d.fill(2)
			d.b.Receive(d.now, addrOf(0), append([]byte(nil), d.frames[0]...))
			frame := spoil(d, append([]byte(nil), d.frames[1]...))
			work := make([]byte, len(frame))
			before := d.b.counters.Drops[why]
			b.ReportAllocs()
			for b.Loop() {
				copy(work, frame)
				d.now += d.step
				d.b.Receive(d.now, addrOf(0), work)
			}
			if n := d.b.counters.Drops[why] - before; n < uint64(b.N) {
				b.Fatalf("%d of %d rejected so: %v", n, b.N, d.b.counters.Drops)
			}
		})
	}
	at := func(i int, bit byte) func(*doorway, []byte) []byte {
		return func(_ *doorway, x []byte) []byte { x[i] ^= bit; return x }
	}
	f("length", true, DropShort, func(_ *doorway, x []byte) []byte { return x[:60] })
	f("magic", true, DropMagic, at(0, 1))
	f("version", true, DropVersion, at(1, 1))
	f("flags", true, DropFlags, at(2, 128))
	f("cluster", true, DropCluster, at(8, 1))
	f("self", true, DropSelf, func(d *doorway, x []byte) []byte {
		binary.LittleEndian.PutUint64(x[12:], uint64(d.b.me.ID))
		return x
	})
	f("checksum", false, DropChecksum, at(700, 1))
	f("clear-stranger", false, DropStranger, func(d *doorway, x []byte) []byte {
		x[12] ^= 1
		return codec.AppendChecksum(x[:len(x)-4], 0)
	})
	f("unsealed", true, DropUnsealed, func(*doorway, []byte) []byte { return newFull() })
	f("key", true, DropKey, at(4, 2))
	f("stranger", true, DropStranger, at(12, 1))
	f("salt", true, DropStranger, at(30, 1))
	f("cookie", true, DropCookie, func(d *doorway, x []byte) []byte {
		h := codec.Header{Flags: codec.FlagSeal | codec.FlagCookie, KeyID: 1, Cluster: d.b.page.Cluster, Sender: 77}
		return append(codec.AppendHeader(nil, &h), x[:1300]...)
	})
	f("hello-budget", true, DropRate, func(d *doorway, x []byte) []byte {
		for d.b.door.Hello(d.now, addrOf(0)) {
		}
		x[3] |= byte(codec.FlagHello >> 8)
		return x
	})
	f("derive-budget", true, DropRate, func(d *doorway, x []byte) []byte {
		for d.b.door.Derive(d.now, addrOf(0)) {
		}
		d.b.now = d.now
		h := codec.Header{Flags: codec.FlagSeal | codec.FlagCookie, KeyID: 1, Cluster: d.b.page.Cluster, Sender: 77, Cookie: d.b.door.Cookie(d.now, addrOf(0), &[16]byte{})}
		return append(codec.AppendHeader(nil, &h), x[:1300]...)
	})
	f("replay", true, DropReplay, func(d *doorway, _ []byte) []byte { return d.frames[0] })
	f("cipher", true, DropAuth, at(700, 1))
	f("cipher-hello", true, DropAuth, func(d *doorway, x []byte) []byte {
		d.step = sched.Second / 32 // within the budget of greetings
		x[3] |= byte(codec.FlagHello >> 8)
		binary.LittleEndian.PutUint64(x[codec.SealBlockAt:], 7)
		return x
	})
}

// newFull is a full frame in clear.
func newFull() []byte {
	h := codec.Header{Cluster: codec.ClusterTag([]byte("test")), Sender: 5}
	b := codec.AppendHeader(nil, &h)
	return codec.AppendChecksum(codec.AppendPad(b, 1396-len(b)), 0)
}
