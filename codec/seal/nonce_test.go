package seal

import (
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"pgregory.net/rapid"
)

type use struct {
	key   string
	nonce [nonceBytes]byte
}

// fleet is a model of machines: nodes that start, restart, are cloned from an image, rotate keys
// and salts, with clocks that step back. What a start takes with it is chosen by draw, except for
// the salt: 16 new random bytes.
type fleet struct {
	t     *rapid.T
	rings []*Keyring
	boxes []*Box
	used  map[use]int
	seq   int
}

// draw gives 16 random bytes of which the model says one thing: the first 8 do not repeat.
func (f *fleet) draw() (s [codec.SaltBytes]byte) {
	copy(s[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(f.t, "salt"))
	f.seq++
	s[1], s[2], s[3] = byte(f.seq), byte(f.seq>>8), byte(f.seq>>16)
	return s
}

func (f *fleet) start() {
	ring := newRing(f.t, testTag)
	if rapid.Bool().Draw(f.t, "other key") {
		_ = ring.Use(2)
	}
	f.rings = append(f.rings, ring)
	f.boxes = append(f.boxes, newBox(f.t, ring, f.draw()))
}

// note records which key and nonce a box has just used.
func (f *fleet) note(b *Box, purpose string) {
	k := b.ring.find(b.key.id)
	var salt []byte
	if purpose == "frame" {
		salt = b.salt[:]
	}
	key, err := k.derive(purpose, testTag, salt)
	if err != nil {
		f.t.Fatal(err)
	}
	u := use{string(key), b.nonce}
	if f.used[u]++; f.used[u] > 1 {
		f.t.Fatalf("%s: key %x and nonce %x a second time", purpose, u.key, u.nonce)
	}
}

// TestNoNonceRepeats: why two clones of one machine, a clock step and a restart never repeat a
// (key, nonce). The key comes from the salt alone, which is new at each start: neither the node's
// name nor its generation nor the time is in it, so that it does not matter if these repeat. Within
// a life the counter only grows, whatever happens to keys, and the counter starts again only with a
// new salt.
func TestNoNonceRepeats(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		f := &fleet{t: rt, used: map[use]int{}}
		f.start()
		pick := func() *Box { return f.boxes[rapid.IntRange(0, len(f.boxes)-1).Draw(rt, "node")] }
		to := salt(3)
		rt.Repeat(map[string]func(*rapid.T){
			"start, restart or clone": func(*rapid.T) { f.start() },
			"seal": func(*rapid.T) {
				b := pick()
				if _, err := b.SealInPlace(clearFrame(90), &to); err != nil {
					rt.Fatal(err)
				}
				f.note(b, "frame")
			},
			"hello": func(*rapid.T) {
				b := pick()
				if _, err := b.SealHelloInPlace(clearFrame(90)); err != nil {
					rt.Fatal(err)
				}
				f.note(b, "hello")
			},
			"use": func(*rapid.T) {
				b := pick()
				_ = b.ring.Use(3 - b.ring.Primary())
				if err := b.Use(); err != nil {
					rt.Fatal(err)
				}
			},
			"remove and add again": func(*rapid.T) {
				b := pick()
				id := 3 - b.key.id
				if b.ring.Primary() == b.key.id && b.ring.Remove(id) == nil {
					_ = b.ring.Add(id, secret(id, int(id)*16))
				}
			},
			"rotate": func(*rapid.T) {
				if err := pick().Rotate(f.draw()); err != nil {
					rt.Fatal(err)
				}
			},
		})
	})
}

// TestOnlyTheSaltSeparatesLives is the other side: with the same salt, nonces would repeat. So the
// shell must draw it from the system's random source at each start, and nothing else may be put in
// its place.
func TestOnlyTheSaltSeparatesLives(t *testing.T) {
	to := salt(3)
	a, b := newBox(t, newRing(t, testTag), salt(1)), newBox(t, newRing(t, testTag), salt(1))
	x, _ := a.SealInPlace(clearFrame(90), &to)
	y, _ := b.SealInPlace(clearFrame(90), &to)
	if string(x) != string(y) {
		t.Error("something else than the salt is in the key: say so in the documentation")
	}
}

// windowModel remembers every counter.
type windowModel struct {
	newest uint64
	seen   map[uint64]bool
}

func (m *windowModel) fresh(c uint64) bool {
	return c != 0 && !m.seen[c] && (c > m.newest || m.newest-c < WindowCounters)
}

func TestWindowAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Window
		m := windowModel{seen: map[uint64]bool{}}
		step := rapid.OneOf(
			rapid.Int64Range(-3, 3), rapid.Int64Range(-WindowCounters-2, -WindowCounters+2),
			rapid.Int64Range(-70, 70), rapid.Int64Range(-windowBits-70, windowBits+70), rapid.Int64Range(0, 1<<40))
		for range rapid.IntRange(1, 300).Draw(t, "frames") {
			c := m.newest + uint64(step.Draw(t, "step"))
			if w.Fresh(c) != m.fresh(c) {
				t.Fatalf("counter %d, newest %d: fresh is %v", c, m.newest, w.Fresh(c))
			}
			if m.fresh(c) {
				w.Mark(c)
				m.seen[c] = true
				m.newest = max(m.newest, c)
			}
		}
	})
}
