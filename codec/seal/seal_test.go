package seal

import (
	"bytes"
	"encoding/hex"
	"errors"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
)

const testTag = 0x01020304

// fataler is testing.TB or rapid.T.
type fataler interface{ Fatal(args ...any) }

func salt(n byte) (s [codec.SaltBytes]byte) {
	for i := range s {
		s[i] = n
	}
	return s
}

func secret(n byte, size int) []byte { return bytes.Repeat([]byte{n}, size) }

// newRing holds the keys 1 (16 bytes) and 2 (32 bytes), and seals with 1.
func newRing(t fataler, tag uint32) *Keyring {
	var r Keyring
	r.Init(tag)
	if err := r.Add(1, secret(1, 16)); err != nil {
		t.Fatal(err)
	}
	if err := r.Add(2, secret(2, 32)); err != nil {
		t.Fatal(err)
	}
	return &r
}

func newBox(t fataler, ring *Keyring, s [codec.SaltBytes]byte) *Box {
	var b Box
	if err := b.Init(ring, s); err != nil {
		t.Fatal(err)
	}
	return &b
}

// clearFrame gives an unsealed frame of a length, in a slot with room for the tag.
func clearFrame(bytes int) []byte {
	h := codec.Header{Flags: codec.FlagSeal | codec.FlagFlow | codec.FlagPrints, KeyID: 1, Cluster: testTag, Sender: 7, Seq: 9}
	b := codec.AppendHeader(make([]byte, 0, codec.FrameBytesMax+codec.TagBytes), &h)
	return codec.AppendPad(b, bytes-len(b)-codec.TagBytes)
}

func derive(t testing.TB, r *Keyring, id uint8, s [codec.SaltBytes]byte) Key {
	k, err := r.Derive(id, &s)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// open takes a copy of the frame through the whole door.
func open(b *Box, frame []byte, k Key, w *Window) ([]byte, error) {
	frame = bytes.Clone(frame)
	var h codec.Header
	if _, err := codec.ParseHeader(frame, &h); err != nil {
		return nil, err
	}
	if h.Flags&codec.FlagHello != 0 {
		return b.OpenHelloInPlace(frame, &h)
	}
	return b.OpenInPlace(frame, &h, k, w)
}

func TestSealAndOpen(t *testing.T) {
	ring := newRing(t, testTag)
	for _, id := range []uint8{1, 2} {
		_ = ring.Use(id)
		a, b := newBox(t, ring, salt(1)), newBox(t, ring, salt(2))
		key := derive(t, ring, id, a.Salt())
		var w Window
		for _, size := range []int{90, 200, codec.FrameBytesMax} {
			frame := clearFrame(size)
			records := bytes.Clone(frame[codec.HeaderBytes(codec.FlagSeal|codec.FlagFlow|codec.FlagPrints):])
			to := b.Salt()
			sealed, err := a.SealInPlace(frame, &to)
			if err != nil || &sealed[0] != &frame[0] || len(sealed) != len(frame)+codec.TagBytes {
				t.Fatal(err, len(sealed))
			}
			if len(records) > 16 && bytes.Contains(sealed, records) {
				t.Fatal("the records are in clear")
			}
			got, err := open(b, sealed, key, &w)
			if err != nil || !bytes.Equal(got, records) {
				t.Fatal(err)
			}
			if _, err := open(b, sealed, key, &w); err != codec.ErrReplay {
				t.Fatalf("a second time: %v", err)
			}
		}
	}
}

func TestHello(t *testing.T) {
	a, b := newBox(t, newRing(t, testTag), salt(1)), newBox(t, newRing(t, testTag), salt(2))
	sealed, err := a.SealHelloInPlace(clearFrame(200))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := open(b, sealed, Key{}, nil); err != nil {
		t.Fatal(err)
	}
	var h codec.Header
	_, _ = codec.ParseHeader(sealed, &h)
	if _, err := b.OpenInPlace(sealed, &h, derive(t, b.ring, 1, a.Salt()), new(Window)); err != codec.ErrFlags {
		t.Errorf("a hello as a frame: %v", err)
	}
	h.Flags &^= codec.FlagHello
	if _, err := b.OpenHelloInPlace(sealed, &h); err != codec.ErrFlags {
		t.Errorf("a frame as a hello: %v", err)
	}
}

func TestEveryDamageIsFound(t *testing.T) {
	ring := newRing(t, testTag)
	a, b := newBox(t, ring, salt(1)), newBox(t, ring, salt(2))
	key, to := derive(t, ring, 1, a.Salt()), b.Salt()
	frame, _ := a.SealInPlace(clearFrame(150), &to)
	hello, _ := a.SealHelloInPlace(clearFrame(150))
	for _, good := range [][]byte{frame, hello} {
		for i := range good {
			for bit := range 8 {
				bad := bytes.Clone(good)
				bad[i] ^= 1 << bit
				if _, err := open(b, bad, key, new(Window)); err == nil {
					t.Fatalf("byte %d, bit %d: accepted", i, bit)
				}
			}
		}
		for n := range good {
			if _, err := open(b, good[:n], key, new(Window)); err == nil {
				t.Fatalf("cut to %d bytes: accepted", n)
			}
		}
		if _, err := open(b, append(bytes.Clone(good), 0), key, new(Window)); err == nil {
			t.Fatal("longer by one byte: accepted")
		}
	}
}

func TestFramesStayWhereTheyBelong(t *testing.T) {
	ring := newRing(t, testTag)
	a, b := newBox(t, ring, salt(1)), newBox(t, ring, salt(2))
	key, to := derive(t, ring, 1, a.Salt()), b.Salt()
	frame, _ := a.SealInPlace(clearFrame(150), &to)
	hello, _ := a.SealHelloInPlace(clearFrame(150))
	f := func(name string, want error, b *Box, frame []byte, key Key) {
		t.Helper()
		w := new(Window)
		if _, err := open(b, frame, key, w); err != want {
			t.Errorf("%s: %v, want %v", name, err, want)
		} else if err != nil && *w != (Window{}) {
			t.Errorf("%s: the window moved", name)
		}
	}
	f("good", nil, b, frame, key)
	f("another node", codec.ErrAuth, newBox(t, ring, salt(3)), frame, key)
	f("another life of the receiver", codec.ErrAuth, newBox(t, ring, salt(4)), frame, key)
	f("another life of the sender", codec.ErrAuth, b, frame, derive(t, ring, 1, salt(5)))
	f("no key", codec.ErrKey, b, frame, Key{})
	f("another key id", codec.ErrKey, b, frame, derive(t, ring, 2, a.Salt()))
	other := newRing(t, testTag+1)
	c := newBox(t, other, salt(2))
	f("another cluster", codec.ErrAuth, c, frame, derive(t, other, 1, a.Salt()))
	f("a hello of another cluster", codec.ErrAuth, c, hello, Key{})
	var empty Box
	f("closed", codec.ErrKey, &empty, frame, key)
	f("closed, hello", codec.ErrKey, &empty, hello, Key{})
}

func TestKeyRotationDropsNothing(t *testing.T) {
	// Two nodes that learn of a new key one after the other; both hold both keys from add to
	// remove.
	ra, rb := newRing(t, testTag), newRing(t, testTag)
	a, b := newBox(t, ra, salt(1)), newBox(t, rb, salt(2))
	var w Window
	send := func(want error) {
		t.Helper()
		to := b.Salt()
		frame, err := a.SealInPlace(clearFrame(150), &to)
		if err != nil {
			t.Fatal(err)
		}
		id := frame[keyIDAt]
		key, err := rb.Derive(id, &a.salt)
		if err == nil {
			_, err = open(b, frame, key, &w)
		}
		if err != want {
			t.Fatalf("key %d: %v, want %v", id, err, want)
		}
	}
	send(nil)
	old := derive(t, rb, 1, a.Salt())
	_ = ra.Use(2)
	send(nil) // the ring has changed, the box not yet
	if err := a.Use(); err != nil || a.KeyID() != 2 {
		t.Fatal(err)
	}
	send(nil)
	_, _ = rb.Use(2), b.Use()
	if err := rb.Remove(1); err != nil {
		t.Fatal(err)
	}
	if _, err := rb.Derive(1, &a.salt); err != codec.ErrKey {
		t.Error("derived from a removed key")
	}
	_, _ = ra.Use(1), a.Use() // a node that has slept through it
	send(codec.ErrKey)
	if err := rb.Add(1, secret(9, 16)); err != nil {
		t.Fatal(err)
	}
	to := b.Salt()
	frame, _ := a.SealInPlace(clearFrame(150), &to)
	if _, err := open(b, frame, old, &w); err != codec.ErrKey {
		t.Errorf("a key derived from the one that had this id before: %v", err)
	}
	send(codec.ErrAuth)
}

func TestSaltRotation(t *testing.T) {
	ring := newRing(t, testTag)
	a, b := newBox(t, ring, salt(1)), newBox(t, ring, salt(2))
	key, first := derive(t, ring, 1, a.Salt()), b.Salt()
	var w Window
	send := func(to [codec.SaltBytes]byte, want error) {
		t.Helper()
		frame, _ := a.SealInPlace(clearFrame(150), &to)
		if _, err := open(b, frame, key, &w); err != want {
			t.Fatalf("%v, want %v", err, want)
		}
	}
	if err := b.Rotate(salt(4)); err != nil {
		t.Fatal(err)
	}
	second := b.Salt()
	if first[0]&1 == second[0]&1 {
		t.Fatal("the salts are not told apart")
	}
	send(first, nil)
	send(second, nil)
	send(salt(2|0x40), codec.ErrAuth)
	b.Forget()
	send(first, codec.ErrAuth)
	send(second, nil)
	if b.counter != 0 {
		t.Error("the counter did not start again")
	}
	_ = b.Rotate(salt(6))
	if err := b.Rotate(second); err != ErrSalt {
		t.Errorf("back to the salt before: %v", err)
	}
	if err := b.Init(ring, b.Salt()); err != ErrSalt {
		t.Errorf("the same salt again: %v", err)
	}
}

// TestWindowResumes: after a counter that it resumes at, a window takes each one that is higher once,
// and none that is not, wherever it was before.
func TestWindowResumes(t *testing.T) {
	for _, at := range []uint64{0, 1, 62, 63, 64, 65, 4095, 4096, 9999, 1 << 30} {
		for _, newest := range []uint64{0, 70, 5000, 1 << 20, 1 << 35} {
			var w Window
			if newest > 0 {
				w.Mark(newest)
			}
			w.Resume(at)
			if w.Newest() != at {
				t.Errorf("resumed at %d: it is at %d", at, w.Newest())
			}
			for back := range uint64(2 * windowBits) {
				if back <= at && w.Fresh(at-back) {
					t.Fatalf("from %d, resumed at %d: %d is fresh", newest, at, at-back)
				}
			}
			for _, c := range []uint64{at + 3, at + 1, at + 200, at + 2, at + 199, at + 4000, at + 201} {
				if !w.Fresh(c) {
					t.Fatalf("from %d, resumed at %d: %d is not fresh", newest, at, c)
				}
				if w.Mark(c); w.Fresh(c) {
					t.Fatalf("from %d, resumed at %d: %d is fresh again", newest, at, c)
				}
			}
			if w.Fresh(at) {
				t.Errorf("resumed at %d: it is fresh later", at)
			}
		}
	}
}

func TestExhaustion(t *testing.T) {
	ring := newRing(t, testTag)
	a := newBox(t, ring, salt(1))
	to := salt(2)
	f := func(name string, counter *uint64, rotate, last uint64, seal func() error) {
		*counter = rotate - 1
		if a.Worn() {
			t.Errorf("%s: worn early", name)
		}
		if err := seal(); err != nil || !a.Worn() {
			t.Errorf("%s: not worn, %v", name, err)
		}
		*counter = last - 1
		if err := seal(); err != nil {
			t.Errorf("%s: the last one: %v", name, err)
		}
		if err := seal(); err != codec.ErrExhausted || *counter != last {
			t.Errorf("%s: after the last one: %v", name, err)
		}
		if err := a.Rotate(salt(byte(last))); err != nil || a.Worn() || seal() != nil {
			t.Errorf("%s: after rotation: %v", name, err)
		}
	}
	f("frames", &a.counter, CounterRotate, CounterMax, func() error {
		_, err := a.SealInPlace(clearFrame(90), &to)
		return err
	})
	f("hellos", &a.hellos, HelloRotate, HelloMax, func() error {
		_, err := a.SealHelloInPlace(clearFrame(90))
		return err
	})
}

func TestKeyring(t *testing.T) {
	var r Keyring
	r.Init(testTag)
	f := func(name string, got, want error) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
	f("id 0", r.Add(0, secret(1, 16)), ErrKeyID)
	for _, n := range []int{0, 15, 17, 24, 31, 33} {
		f("length", r.Add(1, secret(1, n)), ErrKeyLength)
	}
	f("init without a key", new(Box).Init(&r, salt(1)), codec.ErrKey)
	f("add", r.Add(5, secret(1, 16)), nil)
	f("again", r.Add(5, secret(1, 16)), nil)
	f("another key", r.Add(5, secret(2, 16)), ErrKeyTaken)
	f("the same key under another id", r.Add(6, secret(1, 16)), ErrKeySame)
	f("a longer key", r.Add(5, secret(1, 32)), ErrKeyTaken)
	f("remove primary", r.Remove(5), ErrPrimary)
	f("use unknown", r.Use(6), codec.ErrKey)
	f("remove unknown", r.Remove(6), codec.ErrKey)
	for id := uint8(10); id < 10+KeysMax-1; id++ {
		f("fill", r.Add(id, secret(id, 32)), nil)
	}
	f("full", r.Add(99, secret(3, 16)), ErrKeysFull)
	if ids := r.AppendIDs(nil); len(ids) != KeysMax || r.Primary() != 5 || !r.Holds(11) || r.Holds(99) {
		t.Error(ids)
	}
	f("remove", r.Remove(11), nil)
	if r.Holds(11) || !r.Holds(16) || !r.Holds(5) || r.keys[KeysMax-1] != (clusterKey{}) {
		t.Error("not removed, or not erased")
	}
	r.Close()
	if len(r.AppendIDs(nil)) != 0 || r.keys != [KeysMax]clusterKey{} || r.Primary() != 0 {
		t.Error("not erased")
	}
}

// TestGolden holds derivation, nonces and associated data: nodes of different builds must agree on
// them. The values were computed a second time by another implementation of HKDF and AES-GCM, from
// the description in doc.go alone.
func TestGolden(t *testing.T) {
	ring := newRing(t, testTag)
	f := func(name, want string, frame []byte, err error) {
		t.Helper()
		if got := hex.EncodeToString(frame[codec.SealBlockAt+24+19+16:]); got != want || err != nil {
			t.Errorf("%s: %s %v", name, got, err)
		}
	}
	to := salt(2)
	a := newBox(t, ring, salt(1))
	frame, err := a.SealInPlace(clearFrame(100), &to)
	f("AES-128", "bdeae1f4899d095432145ee4a589a10ea0207d5b3b", frame, err)
	frame, err = a.SealHelloInPlace(clearFrame(100))
	f("hello", "bf608b5035adde6096ba6792d66e5d898f47260e48", frame, err)
	_, _ = ring.Use(2), a.Use()
	frame, err = a.SealInPlace(clearFrame(100), &to)
	f("AES-256", "45756795dbcb0c95bd11a7cfd2d68478b83914a53a", frame, err)
}

// FuzzOpen gives hostile bytes to both doors.
func FuzzOpen(f *testing.F) {
	ring := newRing(f, testTag)
	a, b := newBox(f, ring, salt(1)), newBox(f, ring, salt(2))
	key, to := derive(f, ring, 1, a.Salt()), b.Salt()
	frame, _ := a.SealInPlace(clearFrame(100), &to)
	hello, _ := a.SealHelloInPlace(clearFrame(100))
	f.Add(frame)
	f.Add(hello)
	f.Fuzz(func(t *testing.T, in []byte) {
		if bytes.Equal(in, frame) || bytes.Equal(in, hello) {
			return
		}
		if _, err := open(b, in, key, new(Window)); err == nil {
			t.Fatal("forged")
		}
	})
}

// TestKeyringState: a keyring that was written down is the same again, and what is no state makes
// none.
func TestKeyringState(t *testing.T) {
	var r, again Keyring
	r.Init(7)
	for id, n := range []int{16, 32, 16} {
		if err := r.Add(uint8(id+1), bytes.Repeat([]byte{byte(id + 1)}, n)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(r.Use(2), r.Remove(1)); err != nil {
		t.Fatal(err)
	}
	state := r.AppendState(nil)
	if err := again.Restore(7, state); err != nil || again.Primary() != 2 || again.Holds(1) || !bytes.Equal(again.AppendState(nil), state) {
		t.Error(err, again.Primary())
	}
	if a, ok := again.Print(3); !ok || again.AddFrom(&r, 3) != nil {
		t.Error("the same key is another one")
	} else if b, _ := r.Print(2); a == b {
		t.Error("two keys have one print")
	}
	if err := again.AddFrom(&r, 9); !errors.Is(err, codec.ErrKey) {
		t.Error(err)
	}
	other := Keyring{}
	other.Init(7)
	other.Add(3, bytes.Repeat([]byte{9}, 16))
	if err := again.AddFrom(&other, 3); !errors.Is(err, ErrKeyTaken) {
		t.Error(err)
	}
	for i, bad := range [][]byte{nil, state[:1], state[:len(state)-1], append([]byte{9}, state[1:]...), append([]byte{2, 0}, state[2:]...), append([]byte{2, 3, 7}, state[3:]...), append(state, state[1:]...)} {
		var x Keyring
		if err := x.Restore(7, bad); i < 6 && !errors.Is(err, ErrState) || i < 6 && x.Primary() != 0 {
			t.Errorf("%d: %v", i, err)
		}
	}
}

// TestKeysOfAClosedRing: what was derived from a key opens nothing once that key is gone, also where
// the ring was closed and has the same key anew, or as many others.
func TestKeysOfAClosedRing(t *testing.T) {
	r := newRing(t, testTag)
	for round := range 3 {
		if err := r.Add(20, secret(20, 32)); err != nil {
			t.Fatal(err)
		}
		old := []Key{derive(t, r, r.Primary(), salt(1)), derive(t, r, 20, salt(1))}
		if round == 1 {
			r.Use(20)
		}
		r.Close()
		for _, k := range old {
			if r.Current(k) {
				t.Error("a key of a closed ring is current")
			}
		}
		for id := range uint8(KeysMax) {
			if err := r.Add(20-id, secret(20-id, 32)); err != nil {
				t.Fatal(err)
			}
			for _, k := range old {
				if r.Current(k) {
					t.Errorf("round %d: a key of before is current once the ring has key %d", round, 20-id)
				}
			}
		}
		r.Close()
	}
}
