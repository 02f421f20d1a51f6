package protect

import (
	"bytes"
	"net/netip"
	"testing"

	"github.com/quidnunc/quidnunc/codec"
	"github.com/quidnunc/quidnunc/engine/active"
	"github.com/quidnunc/quidnunc/sched"
)

// hub is a node and its peers, of whom few may be active.
type hub struct {
	*side
	seal  *Sealed
	peers []*side // by handle; 0 is nobody
	now   sched.Instant
}

func newHub(t testing.TB, peers int) *hub {
	h := &hub{side: newSide(t, 200, secret), peers: make([]*side, peers+1), now: sched.Second}
	h.seal = h.Mode.(*Sealed)
	for p := 1; p <= peers; p++ {
		h.peers[p] = newSide(t, byte(p), secret)
		h.peers[p].Meet(1, &codec.Header{Salt: h.Salt()})
		h.Meet(uint32(p), &codec.Header{Salt: h.peers[p].Salt()})
	}
	return h
}

func from(p uint32) netip.AddrPort {
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 1, byte(p >> 8), byte(p)}), 7946)
}

// take opens a copy of a frame of a peer.
func (h *hub) take(p uint32, frame []byte) Refusal {
	b := append(h.buf[:0], frame...)
	rest, err := codec.ParseHeader(b, &h.in.Header)
	if err != nil {
		return Refusal{Err: err}
	}
	h.in.Now, h.in.From, h.in.Frame, h.in.Rest, h.in.Peer = h.now, from(p), b, rest, p
	_, r := h.Open(&h.in)
	return r
}

// TestNothingOpensTwiceOverRest: peers come and go in a set of three; what is new opens once and what
// opened never again, whatever order it comes in, however long anybody rests, and whoever is greeted.
func TestNothingOpensTwiceOverRest(t *testing.T) {
	const seed, peers = 1, 12
	t.Logf("seed %d", seed)
	rand := new(sched.Rand)
	rand.Seed(seed)
	h := newHub(t, peers)
	type frame struct {
		p    uint32
		b    []byte
		open bool
	}
	var all []frame
	var lost, rests int
	for range 30_000 {
		h.now += rand.Between(0, sched.Second)
		p := 1 + rand.Uint32n(peers)
		switch rand.Uint32n(8) {
		case 0:
			h.now += rand.Between(0, active.RestAfter)
		case 1:
			h.Meet(p, &codec.Header{Salt: h.peers[p].Salt(), Counter: 1})
		case 2, 3, 4: // one that is new
			f := frame{p, bytes.Clone(h.peers[p].say(t)), true}
			if h.seal.lives[p].place == 0 {
				rests++
			}
			if r := h.take(p, f.b); r.Err != nil {
				t.Fatalf("a new frame of %d: %v", p, r.Err)
			}
			all = append(all, f)
		case 5: // one that will be overtaken
			all = append(all, frame{p: p, b: bytes.Clone(h.peers[p].say(t))})
		default: // anything that was ever sent
			if len(all) == 0 {
				continue
			}
			f := &all[rand.Uint32n(uint32(len(all)))]
			r := h.take(f.p, f.b)
			switch {
			case r.Err == nil && f.open:
				t.Fatalf("a frame of %d opens twice", f.p)
			case r.Err != nil && r.Err != codec.ErrReplay:
				t.Fatalf("a frame of %d: %v", f.p, r.Err)
			case r.Err != nil && !f.open:
				lost++
			}
			f.open = true
		}
		if h.seal.active.Len() > 3 || h.seal.active.Places() > 3 {
			t.Fatalf("%d are active", h.seal.active.Len())
		}
	}
	t.Logf("%d frames, %d of them of who rested, %d overtaken ones lost, %d keys derived", len(all), rests, lost, h.seal.Derived())
	if rests < 1000 {
		t.Errorf("%d rested", rests)
	}
}

// TestWhoIsTalkedWithStays: of those who are active the one gives way that was not heard for longest,
// and nobody derives a key for the others.
func TestWhoIsTalkedWithStays(t *testing.T) {
	h := newHub(t, 20)
	say := func(p uint32) {
		t.Helper()
		h.now += sched.Second
		if r := h.take(p, h.peers[p].say(t)); r.Err != nil {
			t.Fatal(r.Err)
		}
	}
	say(1)
	say(2)
	for p := uint32(3); p <= 20; p++ {
		say(p)
		say(1)
		say(2)
	}
	if n := h.seal.Derived(); n != 20 {
		t.Errorf("%d keys were derived for 20 peers", n)
	}
	h.now += active.RestAfter
	say(1)
	say(2)
	if n := h.seal.active.Len(); n != 2 {
		t.Errorf("%d are active after a minute in which two spoke", n)
	}
	for i := range h.seal.parts.At(h.seal.lives[1].place).keys { // and their keys are gone
		for place := range h.seal.active.Places() {
			k := h.seal.parts.At(place + 1).keys[i]
			if at := place + 1; at != h.seal.lives[1].place && at != h.seal.lives[2].place && k.ID() != 0 {
				t.Error("who rests has a key")
			}
		}
	}
}

// TestForgedFramesWakeNobody: whoever listened knows the salts of members and can write frames in
// their names. None of them makes anybody active, or has somebody active give way; they cost a
// derivation for each frame that was sent there and a budget, and the member that they name is heard.
func TestForgedFramesWakeNobody(t *testing.T) {
	h := newHub(t, 20)
	say := func(p uint32) error { return h.take(p, h.peers[p].say(t)).Err }
	for p := uint32(1); p <= 20; p++ {
		if err := say(p); err != nil {
			t.Fatal(err)
		}
	}
	forged := make([][]byte, 21)
	for p := 1; p <= 20; p++ {
		forged[p] = bytes.Clone(h.peers[p].say(t))
		forged[p][len(forged[p])-1] ^= 1
	}
	places := func() (at [21]uint32) {
		for p := range at {
			at[p] = h.seal.lives[p].place
		}
		return at
	}
	before, derived := places(), h.seal.Derived()
	refused, greeted := 0, 0
	for range 1000 {
		for p := uint32(1); p <= 20; p++ {
			switch r := h.take(p, forged[p]); r.Err {
			case ErrRate:
				refused++
				if r.Greet {
					greeted++
				}
			case codec.ErrAuth:
			default:
				t.Fatal(r.Err)
			}
		}
	}
	if places() != before {
		t.Error("forged frames change who is active")
	}
	if n := h.seal.Derived() - derived; n > 17*64 || refused < 15_000 || greeted != refused {
		t.Errorf("%d keys were derived, %d frames refused, %d of them greeted", n, refused, greeted)
	}
	if err := say(3); err != ErrRate {
		t.Errorf("while the budget is used up: %v", err)
	}
	if _, err := h.Finish(codec.AppendSync(codec.AppendHeader(nil, &codec.Header{Cluster: 5, KeyID: 1, Flags: codec.FlagSeal}), codec.Sync{}), 3); err != nil {
		t.Fatal(err)
	}
	if err := say(3); err != nil {
		t.Errorf("who was spoken to: %v", err)
	}
	h.Meet(4, &codec.Header{Salt: h.peers[4].Salt(), Counter: 1})
	if err := say(4); err != nil {
		t.Errorf("who answered a challenge: %v", err)
	}
}

// TestCountersAreUsedOverRest: of whose counters somebody else had used up while they rested the next
// frame is taken that was made after the answer to a challenge, and none that was recorded.
func TestCountersAreUsedOverRest(t *testing.T) {
	h := newHub(t, 4)
	h.seal.AppendNotice(nil, 0, 1, 7)
	early := bytes.Clone(h.peers[1].flow(t, 7))
	liar := newSide(t, 1, secret)
	liar.Meet(1, &codec.Header{Salt: h.Salt()})
	for range 5000 {
		liar.say(t)
	}
	f := func(what string, p uint32, frame []byte, want error) {
		t.Helper()
		if r := h.take(p, frame); r.Err != want {
			t.Errorf("%s: %v, want %v", what, r.Err, want)
		}
	}
	f("the liar", 1, liar.say(t), nil)
	for p := uint32(2); p <= 4; p++ {
		f("another", p, h.peers[p].say(t), nil)
	}
	if h.seal.lives[1].place != 0 {
		t.Fatal("it does not rest")
	}
	f("who was not greeted", 1, h.peers[1].flow(t, 7), codec.ErrReplay)
	h.Meet(1, &codec.Header{Salt: h.peers[1].Salt(), Counter: 1})
	h.seal.AppendNotice(nil, 0, 1, 8)
	f("what was recorded", 1, early, codec.ErrReplay)
	now := bytes.Clone(h.peers[1].flow(t, 8))
	f("what is of today", 1, now, nil)
	f("that again", 1, now, codec.ErrReplay)
	f("what was recorded", 1, early, codec.ErrReplay)
	f("what follows", 1, h.peers[1].say(t), nil)
}

// BenchmarkWake is what the frame of a peer costs that rested, beside one of a peer that did not.
func BenchmarkWake(b *testing.B) {
	for _, peers := range []int{3, 4} {
		b.Run([]string{3: "active", 4: "rested"}[peers], func(b *testing.B) {
			h := newHub(b, peers)
			b.ReportAllocs()
			p := uint32(0)
			for b.Loop() {
				p = p%uint32(peers) + 1
				h.seal.lives[p].awaited = true
				if r := h.take(p, h.peers[p].say(b)); r.Err != nil {
					b.Fatal(r.Err)
				}
			}
		})
	}
}
