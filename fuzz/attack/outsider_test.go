package attack

import (
	"bytes"
	"encoding/binary"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine"
)

// Attacks of somebody who holds no key, or in clear, of one who can't read.

// modes runs an attack on sealed members and on members in clear.
func modes(t *testing.T, n int, attack func(t *testing.T, w *world)) {
	t.Run("sealed", func(t *testing.T) { attack(t, newWorld(t, n, nil, 1)) })
	t.Run("clear", func(t *testing.T) { attack(t, newWorld(t, n, nil)) })
}

// garbage makes datagrams that look more and more like frames.
func (w *world) garbage(good []seen) []byte {
	b := make([]byte, w.rnd.IntN(codec.FrameBytesMax+1))
	for i := range b {
		b[i] = byte(w.rnd.Uint32())
	}
	switch like := good[w.rnd.IntN(len(good))].data; w.rnd.IntN(5) {
	case 1:
		copy(b, like[:2]) // magic and version
	case 2:
		copy(b, like[:12]) // and flags, key and cluster
	case 3:
		copy(b, like[:min(len(like), 44)]) // and sender, counter and salt
	case 4:
		copy(b, like[:min(len(like), 64)])
	}
	return b
}

func TestGarbageFlood(t *testing.T) {
	modes(t, 3, func(t *testing.T, w *world) {
		at := w.nodes[0]
		good := w.record(at, 200)
		flood := func(n int, socks []*raw) (sent map[netip.AddrPort]int) {
			sent = map[netip.AddrPort]int{}
			for i := 0; i < n; i += 64 {
				before := at.Stats().Socket.Received
				for k := range 64 {
					s, b := socks[k%len(socks)], w.garbage(good)
					s.throw(t, at.Addr(), b)
					sent[s.addr] += len(b)
				}
				// Not faster than it is read, so that the kernel drops nothing and every datagram
				// counts.
				eventually(t, "the datagrams arrive", func() bool {
					s := at.Stats()
					return s.Socket.Received+s.Socket.KernelDrops >= before+64
				})
			}
			return sent
		}
		socks := make([]*raw, 16)
		for i := range socks {
			socks[i] = newRaw(t)
		}
		flood(1000, socks) // warm: tables, logs
		had := heap()
		before := at.Stats()
		var sent map[netip.AddrPort]int
		after := w.unmoved(at, func() { sent = flood(20_000, socks) })
		if grown := heap() - had; grown > 1<<20 {
			t.Errorf("the heap grew by %d bytes", grown)
		}
		n := dropped(before, after, "short", "magic", "version", "flags", "checksum", "record", "cluster", "self",
			"stranger", "sealed", "unsealed", "key", "auth", "replay", "cookie", "rate", "long", "oversize")
		if n < 20_000 {
			t.Errorf("%d of 20,000 datagrams counted as dropped: %v", n, after.Drops)
		}
		for _, s := range socks {
			if back := w.tap.sentTo(at.Addr(), s.addr); back > 3*sent[s.addr] {
				t.Errorf("%d bytes in answer to %d", back, sent[s.addr])
			}
		}
		named := map[netip.AddrPort]uint64{}
		for _, r := range at.Rejects() {
			named[r.Source] += r.Count
		}
		for _, s := range socks {
			if named[s.addr] == 0 {
				t.Errorf("source %s is not among the rejects", s.addr)
			}
		}
		w.set(w.nodes[1], "after", "the flood")
		w.settle()
	})
}

func TestTruncatedAndDamagedFrames(t *testing.T) {
	modes(t, 3, func(t *testing.T, w *world) {
		at := w.nodes[0]
		var bad []seen
		for _, d := range w.record(at, 60) {
			for range 20 {
				cut := d
				cut.data = d.data[:w.rnd.IntN(len(d.data))]
				flip := d
				flip.data = bytes.Clone(d.data)
				flip.data[w.rnd.IntN(len(d.data))] ^= 1 << w.rnd.IntN(8)
				longer := d
				longer.data = append(bytes.Clone(d.data), make([]byte, 1+w.rnd.IntN(8))...)
				bad = append(bad, cut, flip, longer)
			}
		}
		before := at.Stats()
		after := w.unmoved(at, func() { w.throw(at, bad) })
		n := dropped(before, after, "short", "magic", "version", "flags", "checksum", "record", "cluster", "self",
			"stranger", "sealed", "unsealed", "key", "auth", "replay", "cookie", "rate", "long")
		if n != uint64(len(bad)) {
			t.Errorf("%d of %d damaged frames counted: %v", n, len(bad), after.Drops)
		}
		w.settle()
	})
}

// TestReplays: every frame that was ever sent, again: to the same node at once
// and in another order, to another node, to a later life, to another cluster
// with the same key.
func TestReplays(t *testing.T) {
	w := newWorld(t, 3, nil, 1)
	at := w.nodes[0]
	good := w.record(at, 400)
	refused := []string{"self", "auth", "replay", "stranger", "cookie", "cluster", "key", "rate"}
	again := func(name string, at *engine.Engine, list []seen, hellos bool) {
		t.Helper()
		before := at.Stats()
		after := w.unmoved(at, func() { w.throw(at, list) })
		want := 0
		for _, d := range list {
			var h codec.Header
			if _, err := codec.ParseHeader(d.data, &h); err == nil && h.KeyID != 0 && (h.Flags&codec.FlagHello == 0 || !hellos) {
				want++
			}
		}
		if n := dropped(before, after, refused...); n < uint64(want) {
			t.Errorf("%s: %d of %d refused: %v", name, n, want, after.Drops)
		}
	}
	again("the same", at, good, true)
	backwards := make([]seen, 0, len(good))
	for _, d := range good {
		backwards = append([]seen{d}, backwards...)
	}
	again("in another order", at, backwards, true)
	again("another node", w.nodes[1], good, true)

	// Enough traffic that the counters of the first frames are far behind.
	for k := range 6000 {
		w.set(w.nodes[1+k%2], "k1", string(rune('a'+k%26)))
		if k%50 == 0 {
			w.settle()
		}
	}
	w.settle()
	again("long ago", at, good, true)

	// From a source that the sender was never at.
	for i := range good {
		good[i].from = netip.MustParseAddrPort("127.0.0.9:9")
	}
	again("from elsewhere", at, good, true)

	other := newWorld(t, 2, func(c *engine.Config) { c.Cluster = "another" }, 1)
	w2 := *w
	w2.tap = other.tap
	before := other.nodes[0].Stats()
	after := w2.unmoved(other.nodes[0], func() { w2.throw(other.nodes[0], good) })
	if n := dropped(before, after, "cluster"); n < uint64(len(good)) {
		t.Errorf("another cluster: %d of %d refused", n, len(good))
	}
	for i := range good { // and with the other cluster's tag written over
		binary.LittleEndian.PutUint32(good[i].data[8:], codec.ClusterTag([]byte("another")))
	}
	before = other.nodes[0].Stats()
	after = w2.unmoved(other.nodes[0], func() { w2.throw(other.nodes[0], good) })
	if n := dropped(before, after, "auth", "stranger", "cookie"); n < uint64(len(good)) {
		t.Errorf("another cluster's tag: %d of %d refused: %v", n, len(good), after.Drops)
	}
	w.settle()
}

// TestReplayToALaterLife: a node that restarts under its name takes nothing of
// what its former life was sent.
func TestReplayToALaterLife(t *testing.T) {
	w := newWorld(t, 3, nil, 1)
	old := w.nodes[2]
	good := w.record(old, 200)
	addr := old.Addr().String()
	old.Close()
	w.nodes = w.nodes[:2]
	w.change = func(c *engine.Config) { c.Bind = addr }
	life := w.start("node-2", 1)
	w.settle()
	before := life.Stats()
	after := w.unmoved(life, func() { w.throw(life, good) })
	if n := dropped(before, after, "auth", "replay", "stranger", "cookie"); n < uint64(len(good))*9/10 {
		t.Errorf("%d of %d refused: %v", n, len(good), after.Drops)
	}
	w.settle()
}

// TestWrongAndRotatedOutKeys: frames under a key that is not held, or not held
// any more.
func TestWrongAndRotatedOutKeys(t *testing.T) {
	w := newWorld(t, 3, nil, 1)
	at := w.nodes[0]
	good := w.record(at, 200)
	for _, e := range w.nodes {
		if err := e.AddSecret(key(2)); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "everybody holds the new key", func() bool {
		for _, e := range w.nodes {
			if k := e.Secrets(); len(k) != 2 || len(k[1].Lacking) > 0 {
				return false
			}
		}
		return true
	})
	for _, e := range w.nodes {
		if err := e.UseSecret(2); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "nobody uses the old key", func() bool {
		for _, e := range w.nodes {
			if len(e.Secrets()[0].Sealing) > 0 {
				return false
			}
		}
		return true
	})
	for _, e := range w.nodes {
		if err := e.RemoveSecret(1); err != nil {
			t.Fatal(err)
		}
	}
	before := at.Stats()
	after := w.unmoved(at, func() { w.throw(at, good) })
	if n := dropped(before, after, "key"); n < uint64(len(good)) {
		t.Errorf("%d of %d refused for their key", n, len(good))
	}
	// The old key again under the new number.
	for i := range good {
		good[i].data[4] = 2
	}
	before = at.Stats()
	after = w.unmoved(at, func() { w.throw(at, good) })
	if n := dropped(before, after, "auth", "replay"); n < uint64(len(good)) {
		t.Errorf("%d of %d refused: %v", n, len(good), after.Drops)
	}
	w.settle()
}
