package protect

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/codec/seal"
	"github.com/quidnunc/quidnunc/sched"
)

var (
	sideAddr = netip.MustParseAddrPort("10.0.0.7:7946")
	secret   = []byte("one key of 16 B.")
)

func pair(t *testing.T) (a, b *side, x, y *Sealed) {
	a, b = newSide(t, 1, secret), newSide(t, 2, secret)
	a.Meet(1, &codec.Header{Salt: b.Salt()})
	b.Meet(1, &codec.Header{Salt: a.Salt()})
	return a, b, a.Mode.(*Sealed), b.Mode.(*Sealed)
}

// TestLivesReplaceEachOther: a frame of the life before is told apart from one of a stranger, and
// who never showed a salt is of no life.
func TestLivesReplaceEachOther(t *testing.T) {
	a, b, _, y := pair(t)
	old := append([]byte(nil), a.say(t)...)
	if y.Other(1, &codec.Header{Salt: a.Salt()}) || !y.Other(1, &codec.Header{Salt: Salt{9}}) {
		t.Error("the life that is known is another one, or another one is known")
	}
	if y.Other(7, &codec.Header{Salt: Salt{9}}) || y.Reachable(7) || y.Reachable(uint32(len(y.lives))) || !y.Reachable(1) {
		t.Error("who never showed a salt is reachable, or whoever did is not")
	}
	y.Meet(1, &codec.Header{Salt: Salt{9}})
	if err := b.hear(old); err != codec.ErrReplay {
		t.Errorf("a frame of the life before: %v", err)
	}
	stranger := newSide(t, 3, secret)
	stranger.Meet(1, &codec.Header{Salt: b.Salt()})
	if err := b.hear(stranger.say(t)); err != ErrStranger {
		t.Errorf("a frame of no life: %v", err)
	}
	if y.Drop(1); y.Reachable(1) {
		t.Error("a life that was dropped is known")
	}
}

// flow is a frame that says which frame of the peer it has seen.
func (s *side) flow(t testing.TB, seen uint32) []byte {
	h := codec.Header{Cluster: 5, Sender: s.id, KeyID: s.KeyID(), Flags: s.Flags() | codec.FlagFlow, Salt: s.Salt(), Seq: 1, Ack: seen, AckMap: 1}
	f, err := s.Finish(codec.AppendSync(codec.AppendHeader(s.buf[:0], &h), codec.Sync{}), 1)
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Clone(f)
}

// TestRecordedFramesStayClosed: a member that answers a challenge says nothing of how far its
// counter is: of all that was recorded of it, nothing opens again, however often it is greeted.
func TestRecordedFramesStayClosed(t *testing.T) {
	a, b, _, y := pair(t)
	var recorded [][]byte
	for i := range uint32(2 * seal.WindowCounters) {
		y.AppendNotice(nil, 0, 1, i+1)
		f := a.flow(t, i+1)
		recorded = append(recorded, bytes.Clone(f))
		if err := b.hear(f); err != nil {
			t.Fatal(err)
		}
	}
	for greeted := range 3 {
		for i, f := range recorded {
			if err := b.hear(bytes.Clone(f)); err != codec.ErrReplay {
				t.Fatalf("greeted %d times, frame %d: %v", greeted, i, err)
			}
		}
		y.Meet(1, &codec.Header{Salt: a.Salt(), Counter: uint64(greeted + 1)})
		y.AppendNotice(nil, 0, 1, uint32(len(recorded)+greeted+1))
	}
	if err := b.hear(a.say(t)); err != nil {
		t.Errorf("the next frame: %v", err)
	}
}

// TestWhoseCountersWereUsed: somebody seals in the name of a member, far ahead of it. It is heard
// again once it answered a challenge and has seen a frame that left after that; what it said before
// stays closed, and what follows opens once.
func TestWhoseCountersWereUsed(t *testing.T) {
	a, b, _, y := pair(t)
	y.AppendNotice(nil, 0, 1, 7)
	early := a.flow(t, 7)
	liar := newSide(t, 1, secret)
	liar.Meet(1, &codec.Header{Salt: b.Salt()})
	for range 3 * seal.WindowCounters {
		liar.say(t)
	}
	if err := b.hear(liar.say(t)); err != nil {
		t.Fatal(err)
	}
	f := func(what string, frame []byte, want error) {
		t.Helper()
		if err := b.hear(bytes.Clone(frame)); err != want {
			t.Errorf("%s: %v, want %v", what, err, want)
		}
	}
	f("who was not greeted", a.flow(t, 7), codec.ErrReplay)
	y.Meet(1, &codec.Header{Salt: a.Salt(), Counter: 1})
	f("who has seen nothing since", a.flow(t, 7), codec.ErrReplay)
	y.AppendNotice(nil, 0, 1, 8)
	f("who has seen what did not leave", a.flow(t, 9), codec.ErrReplay)
	f("what does not say", a.say(t), codec.ErrReplay)
	forged := a.flow(t, 8)
	forged[len(forged)-1] ^= 1
	f("what is forged", forged, codec.ErrAuth)
	now, before := a.flow(t, 8), a.flow(t, 8)
	last := a.flow(t, 8)
	f("what was said since", now, nil)
	f("that again", now, codec.ErrReplay)
	f("what was said before", early, codec.ErrReplay)
	f("what follows", last, nil)
	f("what it overtook", before, nil)
	f("that again", before, codec.ErrReplay)
}

// TestCookiesBuyAnOpening: a stranger's frame opens with the cookie that its address was given, and
// its life is adopted with the counters that were used; with another cookie it does not.
func TestCookiesBuyAnOpening(t *testing.T) {
	a, b := newSide(t, 1, secret), newSide(t, 2, secret)
	y := b.Mode.(*Sealed)
	a.Meet(1, &codec.Header{Salt: b.Salt()})
	y.Drop(1) // a peer, of no life
	salt := a.Salt()
	cookie := b.door.Cookie(sched.Second, sideAddr, (*[codec.SaltBytes]byte)(&salt))
	frame := func(cookie [codec.CookieBytes]byte) []byte {
		h := codec.Header{Cluster: 5, Sender: a.id, KeyID: a.KeyID(), Flags: a.Flags() | codec.FlagCookie, Salt: a.Salt(), Cookie: cookie}
		f, err := a.Finish(codec.AppendSync(codec.AppendHeader(a.buf[:0], &h), codec.Sync{}), 1)
		if err != nil {
			t.Fatal(err)
		}
		return append([]byte(nil), f...)
	}
	b.in.From = sideAddr
	first := frame(cookie)
	again := append([]byte(nil), first...)
	bad := cookie
	bad[0] ^= 1
	if err := b.hear(frame(bad)); err != ErrCookie {
		t.Errorf("with another cookie: %v", err)
	}
	if err := b.hear(first); err != nil {
		t.Fatalf("with its cookie: %v", err)
	}
	y.Adopt(1, &b.in.Header)
	if err := b.hear(again); err != codec.ErrReplay {
		t.Errorf("the same frame after its life is known: %v", err)
	}
	if err := b.hear(a.say(t)); err != nil || y.Derived() != 1 {
		t.Errorf("the next frame: %v, and %d keys were derived", err, y.Derived())
	}
}

// TestNoticesUntilTheyArrive: a notice of keys goes with each frame that has room for it, until one
// of them is acknowledged; a change of keys begins anew. A frame that is not seen, or is too far
// back to tell, acknowledges nothing.
func TestNoticesUntilTheyArrive(t *testing.T) {
	_, _, x, y := pair(t)
	buf := make([]byte, 10, 1200)
	const limit = 10 + codec.KeyNoticeBytesMax
	if len(x.AppendNotice(buf, limit-1, 1, 7)) != 10 || len(x.AppendNotice(buf, limit, 1, 7)) == 10 {
		t.Error("a notice goes where it has no room, or not where it just has")
	}
	for _, c := range []struct {
		high    uint32
		seen    uint64
		unaware bool
	}{{6, ^uint64(0), true}, {9, 1 | 1<<1, true}, {7 + 64, ^uint64(0), true}, {7 + 63, 1 << 63, false}} {
		if x.Acked(1, c.high, c.seen); x.Unaware(1) != c.unaware {
			t.Errorf("frame 7, after %b before %d: unaware %v", c.seen, c.high, !c.unaware)
		}
	}
	if len(x.AppendNotice(buf, limit, 1, 8)) != 10 {
		t.Error("a notice that arrived goes again")
	}
	x.serial, x.lives[1].noticeHad = 255, 255
	x.changed()
	if x.serial == 0 || !x.Unaware(1) || x.Unaware(7) {
		t.Error("a change of keys is not told, or to somebody who can't be")
	}
	notice := x.AppendNotice(buf[:0], limit, 1, 9)
	_, body, _ := codec.NextRecord(notice)
	if _, _, noticed := y.PeerKeys(1); noticed || y.OnNotice(1, body[:1]) || !y.OnNotice(1, body) {
		t.Error("a notice that is cut off is one, or a whole one is not")
	}
	primary, held, noticed := y.PeerKeys(1)
	want, all := x.Keys()
	if !noticed || primary != want || held != all {
		t.Errorf("the peer holds %v, %v", primary, held)
	}
	if _, _, noticed := y.PeerKeys(uint32(len(y.lives))); noticed {
		t.Error("somebody else has said so, too")
	}
}

// TestKeysGo: a key that is removed opens nothing any more, and is erased in all lives; the one that
// seals stays.
func TestKeysGo(t *testing.T) {
	a, b, x, y := pair(t)
	for _, s := range []*Sealed{x, y} {
		if err := s.Add(2, []byte("two, of 16 byte.")); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.hear(a.say(t)); err != nil {
		t.Fatal(err)
	}
	if y.Remove(1) == nil {
		t.Error("the key that seals is removed")
	}
	if x.Use(2) != nil || y.Use(2) != nil {
		t.Fatal("no second key")
	}
	old := append([]byte(nil), a.say(t)...)
	if err := b.hear(old); err != nil || a.KeyID() != 2 {
		t.Errorf("under the second key, %d: %v", a.KeyID(), err)
	}
	if err := y.Remove(1); err != nil {
		t.Error(err)
	}
	for i := range y.parts.At(y.lives[1].place).keys {
		if y.parts.At(y.lives[1].place).keys[i].ID() == 1 {
			t.Error("a peer has the first key still")
		}
	}
	if err := b.hear(a.say(t)); err != nil {
		t.Errorf("the second key is gone with the first: %v", err)
	}
}

// TestPlacesOfKeys: a life has a place for each key of a ring, and uses those of keys that are gone.
func TestPlacesOfKeys(t *testing.T) {
	_, _, x, _ := pair(t)
	for id := uint8(2); id <= seal.KeysMax; id++ {
		if err := x.Add(id, []byte{0: id, 15: 7}); err != nil {
			t.Fatal(err)
		}
	}
	var one part
	seen := map[*seal.Key]bool{}
	for id := uint8(1); id <= seal.KeysMax; id++ {
		k, err := x.keyOf(&x.lives[1], &one, id)
		if err != nil || k.ID() != id || seen[k] {
			t.Fatalf("key %d: %v", id, err)
		}
		seen[k] = true
	}
	if n := x.Derived(); n != seal.KeysMax {
		t.Errorf("%d keys were derived", n)
	}
	if k, _ := x.keyOf(&x.lives[1], &one, 1); k.ID() != 1 || x.Derived() != seal.KeysMax {
		t.Error("a key is derived again")
	}
}

// TestOnlyGreetingsUnderTheHelloKey: other records that come so are none, and the frame greets
// nobody.
func TestOnlyGreetingsUnderTheHelloKey(t *testing.T) {
	a, b, _, _ := pair(t)
	for _, greets := range []bool{true, false} {
		h := codec.Header{Cluster: 5, Sender: a.id, KeyID: a.KeyID(), Flags: a.Flags() | codec.FlagHello, Salt: a.Salt()}
		f := codec.AppendHeader(a.buf[:0], &h)
		if greets {
			f = codec.AppendHello(f, &codec.Hello{Mode: 1, Gen: 5, Name: []byte("me")})
		} else {
			f = codec.AppendSync(f, codec.Sync{})
		}
		f, err := a.FinishHello(f)
		if err != nil {
			t.Fatal(err)
		}
		b.in = Arrival{From: sideAddr}
		err = b.hear(f)
		if b.in.Greeting != greets || !greets && err == nil {
			t.Errorf("a greeting %v: taken for one %v, %v", greets, b.in.Greeting, err)
		}
	}
}
