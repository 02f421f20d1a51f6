package core

import (
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/tune"
	"github.com/quidnunc/quidnunc/sched"
)

// chatter runs a small lossy cluster and hashes every frame that is sent.
func chatter(t *testing.T, seed uint64) uint64 {
	w := newNet(t, 6, seed, nil)
	h := fnv.New64a()
	w.sniff = func(b []byte) { h.Write(b) }
	w.loss, w.dup = 0.1, 0.1
	w.joinAll()
	for k := range 60 {
		w.set(k%6, fmt.Sprint("k", k%7), fmt.Sprint(k))
		w.run(2 * sched.Millisecond)
	}
	w.run(sched.Second)
	return h.Sum64()
}

func TestLawSameCallsSameBytes(t *testing.T) {
	if a, b := chatter(t, 5), chatter(t, 5); a != b {
		t.Fatalf("two runs of one seed sent %x and %x", a, b)
	}
	if chatter(t, 5) == chatter(t, 6) {
		t.Fatal("the seed changes nothing")
	}
}

// TestLawNoDatagramPanics feeds a live cluster with mutated copies of its own
// frames, with truncations and with noise, from members and from strangers.
func TestLawNoDatagramPanics(t *testing.T) {
	for _, order := range []tune.Order{tune.OrderFair, tune.OrderPreciseOldest} {
		t.Run(fmt.Sprint(order), func(t *testing.T) { noDatagramPanics(t, order) })
	}
}

func noDatagramPanics(t *testing.T, order tune.Order) {
	w := newNet(t, 4, 9, inOrder(order))
	rnd := rand.New(rand.NewPCG(9, 9))
	var seen [][]byte
	w.sniff = func(b []byte) {
		if len(seen) < 4096 {
			seen = append(seen, append([]byte(nil), b...))
		}
	}
	w.joinAll()
	for i := range 4 {
		w.set(i, "k", fmt.Sprint(i))
	}
	w.converge(5 * sched.Second)
	w.sniff = nil
	members := w.nodes[0].core.store.Len()
	for range 20000 {
		b := append([]byte(nil), seen[rnd.IntN(len(seen))]...)
		for range rnd.IntN(4) {
			b[rnd.IntN(len(b))] ^= byte(1 << rnd.IntN(8))
		}
		if rnd.IntN(4) == 0 {
			b = b[:rnd.IntN(len(b)+1)]
		}
		if len(b) > 4 && rnd.IntN(2) == 0 { // behind a correct checksum
			b = codec.AppendChecksum(b[:len(b)-4], 0)
		}
		from := addrOf(rnd.IntN(6))
		d := w.nodes[rnd.IntN(4)]
		d.core.Receive(w.now, from, b)
		w.pump(d)
	}
	w.run(sched.Second)
	if n := w.nodes[0].core.store.Len(); n > members+4 {
		t.Errorf("%d origins, %d before", n, members)
	}
}

// quietPair is two nodes that know each other and a key each.
func quietPair(t *testing.T) *net {
	w := newNet(t, 2, 21, func(_ int, c *Config) { c.Interval = 10 * sched.Millisecond })
	w.joinAll()
	w.set(0, "key", "value")
	w.set(1, "key", "value")
	w.converge(sched.Second)
	w.run(sched.Second)
	return w
}

func TestLawNothingAllocates(t *testing.T) { nothingAllocates(t, quietPair(t)) }

func nothingAllocates(t *testing.T, w *net) {
	x := newPump(w, "key")
	one := func() {
		x.write(t)
		x.tick()
		x.there()
		x.back()
		x.there()
	}
	for range 2000 {
		one()
	}
	if n := testing.AllocsPerRun(2000, one); n != 0 {
		t.Errorf("write, tick, transmit, receive: %v allocations", n)
	}
	garbage := []byte("Q\x01 not a frame at all, but long enough to look like one")
	if n := testing.AllocsPerRun(1000, func() { x.a.Receive(x.now, addrOf(7), garbage) }); n != 0 {
		t.Errorf("garbage: %v allocations", n)
	}
	if got := x.held(); got != x.version {
		t.Errorf("the other side has %d of %d", got, x.version)
	}
}

func TestLawFramesStayBelowTheLimit(t *testing.T) { // pump asserts it for each frame
	w := newNet(t, 3, 4, func(_ int, c *Config) { c.Frame = codec.FrameBytesFloor })
	big := make([]byte, codec.EntryBytesMax-20)
	w.joinAll()
	for k := range 50 {
		w.set(k%3, fmt.Sprint(k), string(big[:k*len(big)/50]))
	}
	w.converge(10 * sched.Second)
}

func BenchmarkWriteToPeer(b *testing.B) {
	b.Run("clear", func(b *testing.B) { writeToPeer(b, nil) })
	b.Run("sealed", func(b *testing.B) { writeToPeer(b, sealedWith(1)) })
}

// writeToPeer is one small write and what it causes until the other side has it.
func writeToPeer(b *testing.B, cfg func(int, *Config)) {
	t := &testing.T{}
	w := newNet(t, 2, 21, cfg)
	w.joinAll()
	w.run(sched.Second)
	x, y := &w.nodes[0].core, &w.nodes[1].core
	var buf [codec.FrameBytesMax]byte
	op := Op{Kind: Set, Key: []byte("key"), Value: []byte("a value of some forty bytes, more or less")}
	now := w.now
	b.ReportAllocs()
	for b.Loop() {
		now += 100 * sched.Microsecond
		op.Version++
		x.Write(now, &op)
		x.Tick(now, 0)
		y.Tick(now, 0)
		for n, _, ok := x.Transmit(now, buf[:]); ok; n, _, ok = x.Transmit(now, buf[:]) {
			y.Receive(now, addrOf(0), buf[:n])
		}
		for n, _, ok := y.Transmit(now, buf[:]); ok; n, _, ok = y.Transmit(now, buf[:]) {
			x.Receive(now, addrOf(1), buf[:n])
		}
	}
}

// A caller whose clock steps back is held at the latest instant: nothing is due
// before it was, and no span is negative.
func TestLawNowNeverGoesBack(t *testing.T) {
	w := quietPair(t)
	c := &w.nodes[0].core
	at := c.now
	c.Tick(at-sched.Second, 0)
	c.Transmit(at-2*sched.Second, make([]byte, codec.FrameBytesMax))
	c.Receive(at-3*sched.Second, w.nodes[1].addr, nil)
	c.Write(at-4*sched.Second, &Op{Kind: Set, Version: c.store.Max(c.store.Owner()) + 1, Key: []byte("k")})
	if c.now != at {
		t.Errorf("now is %d, was %d", c.now, at)
	}
}
